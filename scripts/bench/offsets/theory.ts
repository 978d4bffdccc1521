// SPDX-License-Identifier: Apache-2.0
// What offsets could be at best: the Cramer-Rao bound of each star's position, of the stamp and of the reference, in
// the weighted least-squares fit of dx, dy and rotation.
import { arcsecPerMm, pixelMm } from '../../../agent/model/geometry.js';
import { guideSensorNamed } from '../../../agent/model/location.js';
import { boundsOf, floorVariance } from '../../../sim-hw/stamps/bound.js';
import { moffat } from '../../../sim-hw/stamps/profile.js';
import { singleStar } from '../../../sim-hw/stamps/star.js';

/** One star of the simulator (the truth file's names). */
export interface StarTruth {
  readonly sensor: string;
  readonly x: number;
  readonly y: number;
  readonly flux_e: number;
  readonly fwhm_px: number;
  readonly gain: number;
  readonly read_noise_e: number;
}

export interface Theory {
  /** 1 sigma, mm */
  readonly x: number;
  readonly y: number;
  /** 1 sigma, arcsec */
  readonly rotation: number;
}

const arcsecPerRad = 206_264.806_247;
/** the simulator's stars */
const profile = moffat(3);

/** 1 sigma of one star's position along focal-plane axes, mm. */
export function starError(star: StarTruth, side: number): { x: number; y: number } {
  const variance = floorVariance(star.read_noise_e, 0, star.gain);
  const image = singleStar(profile, star.fwhm_px);
  const bounds = boundsOf(side, side, image, star.x, star.y, star.flux_e, variance);
  const [x, y] = [bounds.crlbX * pixelMm, bounds.crlbY * pixelMm];
  // Odd quarter turns swap the axes.
  return (guideSensorNamed(star.sensor)?.nQuarter ?? 0) % 2 === 0 ? { x, y } : { x: y, y: x };
}

/** Of an offset between two stamps with these stars: each measures twice. */
export function offsetTheory(stars: readonly StarTruth[], side: number): Theory {
  // Normal equations of dx, dy, rotation: a star at (X, Y) moves by (dx - rotation Y, dy + rotation X).
  let [xx, yy, xr, yr, rr] = [0, 0, 0, 0, 0];
  for (const star of stars) {
    const sensor = guideSensorNamed(star.sensor);
    if (sensor === undefined) throw new Error(`${star.sensor} is no guide sensor`);
    const error = starError(star, side);
    const [wx, wy] = [1 / (2 * error.x ** 2), 1 / (2 * error.y ** 2)];
    const [X, Y] = [sensor.centreXMm, sensor.centreYMm];
    xx += wx;
    yy += wy;
    xr -= wx * Y;
    yr += wy * X;
    rr += wx * Y * Y + wy * X * X;
  }
  const s = rr - (xr * xr) / xx - (yr * yr) / yy;
  return {
    x: Math.sqrt(1 / xx + (xr / xx) ** 2 / s),
    y: Math.sqrt(1 / yy + (yr / yy) ** 2 / s),
    rotation: arcsecPerRad / Math.sqrt(s),
  };
}

export const masPerMm = arcsecPerMm * 1000;
