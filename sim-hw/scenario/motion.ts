// SPDX-License-Identifier: Apache-2.0
// What the happenings of a scenario add to the motion that all stars share: wind, drift, rotation, jumps.
import { arcsecPerMm } from '../../agent/model/geometry.js';
import type { CommonMotion } from '../sky.js';
import {
  type Happening,
  inside,
  type Moment,
  type ShakeLine,
  sinceStart,
  type Window,
} from './happenings.js';

const radians = Math.PI / 180;

interface Arcsec {
  readonly x: number;
  readonly y: number;
  readonly rotation: number;
}

const still: Arcsec = { x: 0, y: 0, rotation: 0 };

/** Seconds that an even motion has gone on: it keeps what it reached when its window is over. */
function lastedS(window: Window, moment: Moment): number {
  const since = sinceStart(window, moment) ?? 0;
  return Math.min(Math.max(since, 0), window.stamps ?? Number.POSITIVE_INFINITY) * moment.periodS;
}

function along(directionDeg: number | undefined, length: number): Arcsec {
  const angle = (directionDeg ?? 0) * radians;
  return { x: length * Math.cos(angle), y: length * Math.sin(angle), rotation: 0 };
}

function shaken(line: ShakeLine, t: number): Arcsec {
  const phase = 2 * Math.PI * line.hz * t + (line['phase-deg'] ?? 0) * radians;
  return along(line['direction-deg'], line.arcsec * Math.sin(phase));
}

function sum(parts: readonly Arcsec[]): Arcsec {
  return parts.reduce((a, b) => ({ x: a.x + b.x, y: a.y + b.y, rotation: a.rotation + b.rotation }), still);
}

function motionOf(one: Happening, moment: Moment): Arcsec {
  switch (one.what) {
    case 'drift':
      return along(one['direction-deg'], one['arcsec-per-s'] * lastedS(one, moment));
    case 'rotation':
      return { ...still, rotation: one['arcsec-per-s'] * lastedS(one, moment) };
    case 'jump':
      return inside(one, moment) === null ? still : { ...still, x: one.arcsec[0], y: one.arcsec[1] };
    case 'wind':
      if (inside(one, moment) === null) return still;
      return sum(one.lines.map((line) => shaken(line, moment.inSeries * moment.periodS)));
    default:
      return still;
  }
}

/** The sky's own motion with what the happenings add, and the names of those that do. */
export function disturbedMotion(
  happenings: readonly Happening[],
  own: CommonMotion,
  moment: Moment,
): CommonMotion {
  if (happenings.length === 0) return own;
  const extra = sum(happenings.map((one) => motionOf(one, moment)));
  return {
    dxMm: own.dxMm + extra.x / arcsecPerMm,
    dyMm: own.dyMm + extra.y / arcsecPerMm,
    rotationArcsec: own.rotationArcsec + extra.rotation,
  };
}
