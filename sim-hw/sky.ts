// SPDX-License-Identifier: Apache-2.0
// The sky over the focal plane: where each guide star falls at each stamp. Star images move together (drift,
// jitter, wind shake) and turn about the optical axis; each sensor may add seeing motion of its own.
import { arcsecPerMm, type Point, pixelMm } from '../agent/model/geometry.js';
import type { RoiLocation } from '../agent/model/roi.js';
import { focalPlaneToRoi, roiToFocalPlane } from './camera.js';
import { Random } from './random.js';

const arcsecPerRadian = 206_264.806_247;

export interface SkySettings {
  readonly seed: number;
  /** of the common motion, arcsec per second */
  readonly driftArcsecPerS: number;
  /** common motion from stamp to stamp, arcsec, 1 sigma per axis */
  readonly jitterArcsec: number;
  /** arcsec per second about the optical axis */
  readonly rotationArcsecPerS: number;
  /** own motion of each star, px, 1 sigma per axis */
  readonly seeingMotionPx: number;
}

/** Displacement of every star image in the camera frame since the start of the series. */
export interface CommonMotion {
  readonly dxMm: number;
  readonly dyMm: number;
  /** positive from x to y about the focal-plane origin */
  readonly rotationArcsec: number;
}

export interface StarPlace extends Point {
  readonly ownDx: number;
  readonly ownDy: number;
}

export class Sky {
  readonly #settings: SkySettings;
  readonly #direction: number;
  readonly #jitter: Random;

  constructor(settings: SkySettings) {
    this.#settings = settings;
    const random = new Random(settings.seed, 'sky');
    this.#direction = random.between(0, 2 * Math.PI);
    this.#jitter = new Random(settings.seed, 'jitter');
  }

  /** Common motion at `t` seconds; to be asked once per stamp, in order: the jitter is drawn here. */
  motion(t: number): CommonMotion {
    const { driftArcsecPerS, jitterArcsec, rotationArcsecPerS } = this.#settings;
    const drift = driftArcsecPerS * t;
    const x = drift * Math.cos(this.#direction) + jitterArcsec * this.#jitter.normal();
    const y = drift * Math.sin(this.#direction) + jitterArcsec * this.#jitter.normal();
    return { dxMm: x / arcsecPerMm, dyMm: y / arcsecPerMm, rotationArcsec: rotationArcsecPerS * t };
  }

  /** Where a star that rests at `home` (ROI px) falls under a common motion. */
  place(roi: RoiLocation, home: Point, motion: CommonMotion, own: Random): StarPlace {
    const from = roiToFocalPlane(roi.sensor, roi, home);
    const angle = motion.rotationArcsec / arcsecPerRadian;
    const to = {
      x: from.x * Math.cos(angle) - from.y * Math.sin(angle) + motion.dxMm,
      y: from.x * Math.sin(angle) + from.y * Math.cos(angle) + motion.dyMm,
    };
    const at = focalPlaneToRoi(roi.sensor, roi, to);
    const ownDx = this.#settings.seeingMotionPx * own.normal();
    const ownDy = this.#settings.seeingMotionPx * own.normal();
    return { x: at.x + ownDx, y: at.y + ownDy, ownDx, ownDy };
  }
}

/** Peak-normalized Moffat (beta 3) of unit flux in the pixel at (dx, dy) from the star. */
function moffat(fwhmPx: number, dx: number, dy: number): number {
  const alpha2 = (fwhmPx * fwhmPx) / 4 / (2 ** (1 / 3) - 1);
  return 2 / (Math.PI * alpha2) / (1 + (dx * dx + dy * dy) / alpha2) ** 3;
}

/** Flux (electron) of a star with a matched-filter SNR: sqrt(sum((F P)^2 / (noise^2 + F P))). */
export function fluxOfSnr(snr: number, fwhmPx: number, noiseE: number): number {
  const reach = Math.ceil(4 * fwhmPx);
  const profile: number[] = [];
  for (let y = -reach; y <= reach; y++)
    for (let x = -reach; x <= reach; x++) profile.push(moffat(fwhmPx, x, y));
  const snrOf = (flux: number): number =>
    Math.sqrt(profile.reduce((sum, p) => sum + (flux * p) ** 2 / (noiseE ** 2 + flux * p), 0));
  let low = 0;
  let high = 1e8;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (snrOf(middle) < snr) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

export const pixelArcsec = pixelMm * arcsecPerMm;
