// SPDX-License-Identifier: Apache-2.0
// The time from stamp to stamp. Two laboratory series of the camera have a standard deviation of 0.70 and 0.77 ms
// about their median, from 1 ms below it to 4 ms above: a narrow core with a tail of late ones. Each stamp follows the
// one before, so that a late one shifts those after it.
import type { Random } from './random.js';

export interface CadenceSettings {
  /** 1 sigma of the time from stamp to stamp, tail included */
  readonly jitterMs: number;
  /** the first two stamps after RESUME come up to half a period late */
  readonly irregularStart: boolean;
  /** of the first stamps after RESUME, instead */
  readonly startDelaysMs: readonly number[] | null;
}

/** In units of the whole distribution's sigma: a normal core, and in 8 of 100 a tail that ends at `tailEnd`. */
const core = 0.745;
const tailShare = 0.08;
const tailMean = 2.7;
const tailEnd = 5.7;
/** Mean of an exponential distribution that is drawn again beyond its end, over its scale. */
const tailMeanCut =
  1 - (tailEnd / tailMean) * (Math.exp(-tailEnd / tailMean) / (1 - Math.exp(-tailEnd / tailMean)));
const mean = tailShare * tailMean * tailMeanCut;

/** Mean 0, variance 1, skewed to the late side. */
export function drawJitter(random: Random): number {
  const normal = core * random.normal();
  const inTail = random.uniform() < tailShare;
  const reach = 1 - Math.exp(-tailEnd / tailMean);
  const late = -tailMean * Math.log(1 - reach * random.uniform());
  return normal + (inTail ? late : 0) - mean;
}

export class Cadence {
  readonly #settings: CadenceSettings;
  readonly #random: Random;

  constructor(settings: CadenceSettings, random: Random) {
    this.#settings = settings;
    this.#random = random;
  }

  /** ms from the stamp before (or RESUME) to stamp `n` of an exposure, from 0. */
  interval(n: number, periodMs: number): number {
    const { jitterMs, irregularStart, startDelaysMs } = this.#settings;
    const jitter = jitterMs * drawJitter(this.#random);
    const late = irregularStart && n < 2 ? this.#random.between(0, 0.5) * periodMs : 0;
    const delay = startDelaysMs === null ? late : (startDelaysMs[n] ?? 0);
    return periodMs + delay + Math.max(-periodMs / 2, Math.min(jitter, periodMs / 2));
  }
}
