// SPDX-License-Identifier: Apache-2.0
// Generates a stamp set and has it measured: blind by `summit-agent measure`, and with a predicted place by the same
// kernel, as the live agent does while it tracks.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { NativeKernel } from '../../../agent/daq/kernel.js';
import { answerOf } from '../../../agent/measure/kernel.js';
import { readStampSet } from '../../../agent/measure/stamp-set.js';
import { Random } from '../../../sim-hw/random.js';
import { type Answer, type Answers, assumedGain, readAnswers, type TruthGroup } from './stamps.js';

export interface SetOptions {
  readonly seed: number;
  /** stamps per accuracy cell */
  readonly cell: number;
  /** stamps per nuisance class */
  readonly class: number;
}

/** Writes the set unless one is there; true when it was written. */
export function generate(directory: string, { seed, cell, class: perClass }: SetOptions): boolean {
  if (existsSync(join(directory, 'index.json'))) return false;
  const numbers = ['--seed', String(seed), '--cell', String(cell), '--class', String(perClass)];
  const args = ['dist/sim-hw/stamps/main.js', '--out', directory, ...numbers];
  execFileSync(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  return true;
}

export function measureBlind(directory: string, out: string): Answers {
  const args = ['dist/agent/main.js', 'measure', directory, '--out', out];
  execFileSync(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  return readAnswers(out);
}

const saturation = 2 ** 18 - 1;
/** How far the prediction is from the star, px each way; the radius is that of the live agent. */
const predictionError = 1.5;
const radius = 5;

/**
 * The stamps of the groups named, each alone, with a prediction: near the star, or anywhere in a stamp without one.
 */
export function measurePredicted(
  directory: string,
  groups: readonly TruthGroup[],
  names: readonly string[],
  seed: number,
): Answers {
  const out: Record<string, (Answer | null)[]> = {};
  for (const set of readStampSet(directory)) {
    const truth = groups.find((group) => group.name === set.name);
    if (truth === undefined || !names.includes(set.name)) continue;
    const { rows, cols } = set;
    const kernel = new NativeKernel({
      maxRows: rows,
      maxCols: cols,
      gain: assumedGain,
      readNoise: 0,
      saturation,
      expectedFwhm: 4,
    });
    const read = set.open();
    const random = new Random(seed, `prediction ${set.name}`);
    out[set.name] = truth.rows.map((row, i) => {
      kernel.reset();
      const near = (at: number, side: number): number =>
        Number.isFinite(at)
          ? at + random.between(-predictionError, predictionError)
          : random.between(8, side - 9);
      const prediction = { x: near(row.x, cols), y: near(row.y, rows), radius };
      return answerOf(kernel.measure(read(i), rows, cols, prediction));
    });
  }
  return out;
}
