// SPDX-License-Identifier: Apache-2.0
// Adds altitude and azimuth to what the role says, on its way to the publisher. Without a pointing nothing is added.

import type {
  AcquisitionMessage,
  AgentMessage,
  CombinedFit,
  MessageSink,
  SkyOffset,
  StampResult,
} from '../model/messages.js';
import {
  ellipticityAltAz,
  ellipticityOf,
  guiderArcsecPerMm,
  type Pointing,
  skyScaleAt,
  toAltAz,
  toArcsec,
  varianceAltAz,
} from '../model/pointing.js';

const arcsecPerRad = (180 / Math.PI) * 3600;

/** The combined displacement on the sky. Rotation keeps its sign: altitude and azimuth are turned, not mirrored. */
export function skyOfFit(fit: CombinedFit, pointing: Pointing): SkyOffset {
  const k = guiderArcsecPerMm;
  const [xx = Number.NaN, xy = Number.NaN, , yy = Number.NaN] = fit.covariance;
  const { dalt, daz } = toAltAz(pointing, { x: k * fit.x, y: k * fit.y });
  const variance = varianceAltAz(pointing, { xx: k * k * xx, xy: k * k * xy, yy: k * k * yy });
  return {
    dalt,
    daz,
    dtheta: fit.rotation,
    daltErr: Math.sqrt(variance.dalt),
    dazErr: Math.sqrt(variance.daz),
    dthetaErr: fit.rotationErr,
    e1: Number.NaN,
    e2: Number.NaN,
  };
}

/** One star's displacement on the sky. `dtheta` is its turn about the optical axis, whatever moved it. */
export function skyOfResult(result: StampResult, pointing: Pointing): SkyOffset {
  const place = { x: result.centroidX, y: result.centroidY };
  const scale = skyScaleAt(place);
  const moved = { x: result.centroidDx, y: result.centroidDy };
  const { dalt, daz } = toAltAz(pointing, toArcsec(scale, moved));
  const [vx, vy] = [result.centroidXErr ** 2, result.centroidYErr ** 2];
  const variance = varianceAltAz(pointing, {
    xx: scale.xx ** 2 * vx + scale.xy ** 2 * vy,
    xy: scale.xy * (scale.xx * vx + scale.yy * vy),
    yy: scale.xy ** 2 * vx + scale.yy ** 2 * vy,
  });
  const r2 = place.x ** 2 + place.y ** 2;
  const ellipticity = ellipticityOf({ xx: result.momentXx, xy: result.momentXy, yy: result.momentYy });
  const turned = ellipticityAltAz(pointing, ellipticity);
  return {
    dalt,
    daz,
    dtheta: (arcsecPerRad * (place.x * moved.y - place.y * moved.x)) / r2,
    daltErr: Math.sqrt(variance.dalt),
    dazErr: Math.sqrt(variance.daz),
    dthetaErr: (arcsecPerRad * Math.sqrt(place.x ** 2 * vy + place.y ** 2 * vx)) / r2,
    e1: turned.e1,
    e2: turned.e2,
  };
}

export class OnSky implements MessageSink {
  readonly #next: MessageSink;
  #pointing: Pointing | null;

  constructor(next: MessageSink, pointing: Pointing | null) {
    this.#next = next;
    this.#pointing = pointing;
  }

  /** In force for everything said from now on; null: not known. */
  get pointing(): Pointing | null {
    return this.#pointing;
  }

  set pointing(pointing: Pointing | null) {
    this.#pointing = pointing;
  }

  publish(message: AgentMessage): void {
    this.#next.publish(this.#pointing === null ? message : withSky(message, this.#pointing));
  }
}

function withSky(message: AgentMessage, pointing: Pointing): AgentMessage {
  switch (message.kind) {
    case 'guider.result':
      return { ...message, sky: skyOfResult(message, pointing) };
    case 'guider.offsets':
      return { ...message, sky: skyOfFit(message.fit, pointing) };
    case 'guider.acquisition':
      return { ...message, results: skyOfResults(message, pointing) };
    default:
      return message;
  }
}

function skyOfResults(message: AcquisitionMessage, pointing: Pointing): (StampResult | null)[] {
  return message.results.map((r, i) => {
    if (r === null) return null;
    // What displacements count from may have changed since the result left.
    const { dx = r.centroidDx, dy = r.centroidDy } = message.tracks[i] ?? {};
    return { ...r, sky: skyOfResult({ ...r, centroidDx: dx, centroidDy: dy }, pointing) };
  });
}
