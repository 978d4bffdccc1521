// SPDX-License-Identifier: Apache-2.0
// Offsets against the simulator's truth: rms beside theory, and pulls (error over the error the agent reports).
import type { Theory } from './theory.js';

/** The common motion of one stamp. */
export interface MotionTruth {
  readonly dx_mm: number;
  readonly dy_mm: number;
  readonly rotation_arcsec: number;
}

/** `guider.offsets`, as far as it is scored. */
export interface Offset {
  readonly x: number;
  readonly y: number;
  readonly x_err: number;
  readonly y_err: number;
  readonly rotation: number;
  readonly rotation_err: number;
}

export interface Scored {
  /** offset minus truth: mm, mm, arcsec */
  readonly error: readonly [number, number, number];
  readonly reported: readonly [number, number, number];
}

export interface Axis {
  readonly rms: number;
  readonly theory: number;
  readonly ratio: number;
  /** standard deviation of error / reported error */
  readonly pull: number;
}

export interface Score {
  readonly count: number;
  readonly x: Axis;
  readonly y: Axis;
  readonly rotation: Axis;
}

export function scored(offset: Offset, now: MotionTruth, reference: MotionTruth): Scored {
  return {
    error: [
      offset.x - (now.dx_mm - reference.dx_mm),
      offset.y - (now.dy_mm - reference.dy_mm),
      offset.rotation - (now.rotation_arcsec - reference.rotation_arcsec),
    ],
    reported: [offset.x_err, offset.y_err, offset.rotation_err],
  };
}

function rms(values: readonly number[]): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}

function axis(all: readonly Scored[], at: 0 | 1 | 2, theory: number): Axis {
  const own = rms(all.map(({ error }) => error[at]));
  const pull = rms(all.map(({ error, reported }) => error[at] / reported[at]));
  return { rms: own, theory, ratio: own / theory, pull };
}

export function scoreOf(all: readonly Scored[], theory: Theory): Score {
  return {
    count: all.length,
    x: axis(all, 0, theory.x),
    y: axis(all, 1, theory.y),
    rotation: axis(all, 2, theory.rotation),
  };
}
