// SPDX-License-Identifier: Apache-2.0
// summit-agent measure --calib: which detector and ROI the stamps are of, and what its calibrations say.

import { join } from 'node:path';
import { readAmplifier } from '../daq/kernel.js';
import type { CalibrationOrder } from '../model/daq.js';
import { AgentError, sentenceOf } from '../model/errors.js';
import { numberOf, type Options, wholeNumberOf } from './options.js';

/** What the stamps' own file tells; null where it does not. */
export interface KnownRoi {
  readonly detector: string | null;
  readonly segment: number | null;
  readonly startRow: number | null;
  readonly startCol: number | null;
  readonly integrationMs: number | null;
}

export interface Calibrations {
  readonly order: CalibrationOrder;
  /** electron; undefined: ptc.fits does not tell */
  readonly readNoise: number | undefined;
  /** sentences for people: what of the photon transfer curve is missing */
  readonly missing: readonly string[];
}

/**
 * Null without --calib. Options go before what the file tells. Throws AgentError where neither tells which part of
 * which detector the stamps are.
 */
export function calibrationsOf(
  options: Options,
  known: KnownRoi,
  rows: number,
  cols: number,
  usualGain: number,
): Calibrations | null {
  const root = options.calib;
  if (typeof root !== 'string') return null;
  const detector = typeof options.detector === 'string' ? options.detector : known.detector;
  if (detector === null) throw new AgentError('usage', '--calib: expected --detector NAME as well');
  const whole = (name: string, high: number, told: number | null): number => {
    if (options[name] === undefined && told === null)
      throw new AgentError('usage', `--calib: expected --${name} as well, the stamps do not tell`);
    return wholeNumberOf(options, name, 0, high, told ?? 0);
  };
  const segment = whole('segment', 17, known.segment);
  if (segment === 8 || segment === 9)
    throw new AgentError('usage', `--segment: expected 0..7 or 10..17, got ${segment}`);
  const startRow = whole('start-row', 1999, known.startRow);
  const startCol = whole('start-col', 508, known.startCol);
  const directory = join(root, detector);
  const missing: string[] = [];
  let amplifier: { readonly gain: number; readonly readNoise: number } | null = null;
  try {
    amplifier = readAmplifier(join(directory, 'ptc.fits'), segment);
  } catch (error) {
    missing.push(sentenceOf(error));
  }
  const gain = numberOf(options, 'gain', 1e-3, 1e3, amplifier?.gain ?? usualGain);
  const seconds = numberOf(options, 'integration-ms', 0, 1e6, known.integrationMs ?? 0) / 1000;
  const order = { directory, segment, startRow, startCol, rows, cols, gain, seconds };
  return { order, readNoise: amplifier?.readNoise, missing };
}
