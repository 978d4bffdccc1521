// SPDX-License-Identifier: Apache-2.0
// What this room needs of the measuring chain; the native addon has it (addons/pixels/measure.h).

import type { Measurement } from '../model/daq.js';
import { faultName, flagNames, isFlagged } from '../model/flags.js';

export type Pixels = Int32Array | Uint16Array | Float32Array;

/** Where the star is expected, px; the kernel searches within the radius only. */
export interface Prediction {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
}

export interface Kernel {
  /** One stamp, row by row. */
  measure(pixels: Pixels, rows: number, cols: number, prediction: Prediction | null): Measurement;
  /** A new series begins: forgets what earlier stamps taught. */
  reset(): void;
}

export interface KernelSettings {
  readonly maxRows: number;
  readonly maxCols: number;
  /** electron/ADU */
  readonly gain: number;
  /** electron; 0: estimated from the pixels */
  readonly readNoise: number;
  /** ADU */
  readonly saturation: number;
  /** px */
  readonly expectedFwhm: number;
}

/** One measured stamp. Positions in px, 0-based, an integer is a pixel's centre. */
export interface Answer {
  readonly x: number;
  readonly y: number;
  readonly ex: number;
  readonly ey: number;
  /** electron */
  readonly flux: number;
  readonly fluxErr: number;
  /** px */
  readonly fwhm: number;
  readonly snr: number;
  readonly chi2: number;
  /** any flag that says: do not use this position */
  readonly flagged: boolean;
  readonly flags: readonly string[];
}

/** null: no measurement. */
export function answerOf(m: Measurement, x0 = 0, y0 = 0): Answer | null {
  if (!Number.isFinite(m.x + m.y)) return null;
  const { ex, ey, flux, fluxErr, fwhm, snr, chi2, flags } = m;
  return {
    x: m.x + x0,
    y: m.y + y0,
    ex,
    ey,
    flux,
    fluxErr,
    fwhm,
    snr,
    chi2,
    flagged: isFlagged(flags),
    flags: flagNames(flags),
  };
}

/** A measurement, or the word that says why there is none: the fault for which the pixels were refused, or no_star. */
export type Outcome = Answer | string;

export function outcomeOf(m: Measurement, x0 = 0, y0 = 0): Outcome {
  return answerOf(m, x0, y0) ?? (m.fault === 0 ? 'no_star' : faultName(m.fault));
}

/** null: no measurement. */
export function answerIn(outcome: Outcome): Answer | null {
  return typeof outcome === 'string' ? null : outcome;
}
