// SPDX-License-Identifier: Apache-2.0
// Scores of answers against truth. All functions are pure; a flagged answer counts as none, for it says "do not use".
import { type Answer, assumedGain, type Judged, type TruthRow } from './stamps.js';

/** Farther than this an answer is wrong, px. */
const wrongPx = 1;

function farOf({ x, y }: TruthRow): number {
  return Number.isFinite(x + y) ? 0 : Number.POSITIVE_INFINITY;
}

export function distance(truth: TruthRow, answer: Answer): number {
  return farOf(truth) + Math.hypot(answer.x - truth.x, answer.y - truth.y);
}

/** An answer where none was due, or more than 1 px off. */
export function isWrong(truth: TruthRow, answer: Answer): boolean {
  return !truth.star || truth.want === 'reject' || !(distance(truth, answer) <= wrongPx);
}

/** What fits noise is near the star; the rest is another thing taken for it, and is counted, not averaged. */
function isElsewhere(truth: TruthRow, answer: Answer): boolean {
  return distance(truth, answer) > Math.max(3, 8 * Math.max(truth.crlbX, truth.crlbY));
}

export interface Accuracy {
  readonly stamps: number;
  /** share with an unflagged answer */
  readonly answered: number;
  /** unflagged answers that are not this star at all */
  readonly elsewhere: number;
  /** rms of error / Cramer-Rao bound, x and y pooled; NaN without answers */
  readonly rmsOverBound: number;
  /** 1 sigma of rmsOverBound and pull from the number of answers */
  readonly relativeError: number;
  /** rms of error / stated error; NaN where none is stated */
  readonly pull: number;
  /** px */
  readonly rmsPx: number;
  /** mean of measured / true - 1 */
  readonly fwhmBias: number;
  readonly fluxBias: number;
}

export function accuracyOf(cell: readonly Judged[]): Accuracy {
  const given = cell.flatMap(({ truth, answer }) =>
    answer === null || answer.flagged ? [] : [{ truth, answer }],
  );
  const near = given.filter(({ truth, answer }) => !isElsewhere(truth, answer));
  const both = (of: (truth: TruthRow, answer: Answer) => readonly [number, number]): number =>
    rms(near.flatMap(({ truth, answer }) => of(truth, answer)));
  return {
    stamps: cell.length,
    answered: given.length / cell.length,
    elsewhere: given.length - near.length,
    rmsOverBound: both((t, a) => [(a.x - t.x) / t.crlbX, (a.y - t.y) / t.crlbY]),
    relativeError: 1 / Math.sqrt(4 * near.length),
    pull: both((t, a) => [(a.x - t.x) / (a.ex ?? Number.NaN), (a.y - t.y) / (a.ey ?? Number.NaN)]),
    rmsPx: both((t, a) => [a.x - t.x, a.y - t.y]),
    fwhmBias: mean(near.map(({ truth, answer }) => (answer.fwhm ?? Number.NaN) / truth.fwhmPx)) - 1,
    fluxBias: mean(near.map(({ truth, answer }) => fluxOf(truth, answer) / truth.fluxE)) - 1,
  };
}

/** electron, with the gain the stamp really has: the measurement was not told */
function fluxOf({ gain }: TruthRow, { flux = Number.NaN }: Answer): number {
  return (flux * gain) / assumedGain;
}

export interface Reliability {
  readonly stamps: number;
  readonly wrongUnflagged: number;
  /** flagged or not */
  readonly wrong: number;
  /** null or flagged */
  readonly noAnswer: number;
  /** of those where a position is due */
  readonly due: number;
  readonly missing: number;
}

export function reliabilityOf(cell: readonly Judged[]): Reliability {
  const wrong = cell.filter(({ truth, answer }) => answer !== null && isWrong(truth, answer));
  const none = cell.filter(({ answer }) => answer === null || answer.flagged);
  return {
    stamps: cell.length,
    wrongUnflagged: wrong.filter(({ answer }) => answer?.flagged === false).length,
    wrong: wrong.length,
    noAnswer: none.length,
    due: cell.filter(({ truth }) => truth.want === 'measure').length,
    missing: none.filter(({ truth }) => truth.want === 'measure').length,
  };
}

export interface PhaseCurve {
  /** mean error in x at each sub-pixel phase, px */
  readonly phases: readonly { readonly phase: number; readonly bias: number }[];
  readonly peak: number;
  readonly rms: number;
  /** 1 sigma of one mean, px */
  readonly noise: number;
}

export function phaseCurveOf(cell: readonly Judged[]): PhaseCurve {
  const errors = new Map<number, number[]>();
  for (const { truth, answer } of cell) {
    if (answer === null || answer.flagged || isElsewhere(truth, answer)) continue;
    const phase = Math.round((truth.x - Math.floor(truth.x)) * 1000) / 1000;
    errors.set(phase, [...(errors.get(phase) ?? []), answer.x - truth.x]);
  }
  const phases = [...errors]
    .map(([phase, list]) => ({ phase, bias: mean(list) }))
    .sort((a, b) => a.phase - b.phase);
  const bias = phases.map((one) => one.bias);
  const bound = mean(cell.map(({ truth }) => truth.crlbX));
  return {
    phases,
    peak: Math.max(...bias.map(Math.abs)),
    rms: rms(bias),
    noise: bound / Math.sqrt(cell.length / Math.max(1, phases.length)),
  };
}

export interface Series {
  readonly stamps: number;
  /** star there, no answer */
  readonly lost: number;
  /** answer, star not there */
  readonly false: number;
  /** star there, answer more than 1 px off */
  readonly wrong: number;
}

/** What tracking did with the stamps of `least` SNR and more, and with those without a star. */
export function seriesOf(stamps: readonly Judged[], least: number): Series {
  const bright = stamps.filter(({ truth }) => truth.star && truth.snr >= least);
  const given = (list: readonly Judged[]) => list.filter(({ answer }) => answer?.flagged === false);
  return {
    stamps: stamps.length,
    lost: bright.length - given(bright).length,
    false: given(stamps.filter(({ truth }) => !truth.star)).length,
    wrong: given(bright).filter(({ truth, answer }) => answer !== null && isWrong(truth, answer)).length,
  };
}

/** All cells as one; for pooled figures. */
export function pooled(cells: Iterable<readonly Judged[]>): readonly Judged[] {
  return [...cells].flat();
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

export function rms(values: readonly number[]): number {
  return Math.sqrt(mean(values.map((value) => value * value)));
}
