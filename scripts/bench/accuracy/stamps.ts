// SPDX-License-Identifier: Apache-2.0
// The truth of a stamp set (sim-stamps) and the answers given to it (`summit-agent measure`, or a peer).
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Answer {
  readonly x: number;
  readonly y: number;
  readonly ex?: number;
  readonly ey?: number;
  readonly flux?: number;
  readonly fwhm?: number;
  readonly flagged: boolean;
}

export type Answers = Readonly<Record<string, readonly (Answer | null)[]>>;

export interface TruthRow {
  readonly cls: string;
  readonly want: 'measure' | 'either' | 'reject';
  readonly star: boolean;
  /** px; NaN without a star */
  readonly x: number;
  readonly y: number;
  readonly fluxE: number;
  readonly fwhmPx: number;
  readonly snr: number;
  readonly snrEff: number;
  readonly crlbX: number;
  readonly crlbY: number;
  readonly gain: number;
}

export interface TruthGroup {
  readonly name: string;
  readonly file: string;
  readonly dtype: 'int32' | 'uint16';
  readonly shape: readonly [number, number, number];
  readonly rows: readonly TruthRow[];
}

interface IndexGroup extends Omit<TruthGroup, 'rows'> {
  readonly truth: Readonly<Record<string, readonly (string | number | boolean | null)[] | undefined>>;
}

export function readTruth(directory: string): readonly TruthGroup[] {
  const index = JSON.parse(readFileSync(join(directory, 'index.json'), 'utf8')) as {
    groups: readonly IndexGroup[];
  };
  return index.groups.map((group) => ({
    name: group.name,
    file: group.file,
    dtype: group.dtype,
    shape: group.shape,
    rows: Array.from({ length: group.shape[0] }, (_, i) => rowOf(group, i)),
  }));
}

function rowOf({ truth }: IndexGroup, i: number): TruthRow {
  const number = (name: string): number => {
    const value = truth[name]?.[i];
    return typeof value === 'number' ? value : Number.NaN;
  };
  return {
    cls: String(truth.cls?.[i] ?? ''),
    want: (truth.want?.[i] ?? 'measure') as TruthRow['want'],
    star: truth.star?.[i] === true,
    x: number('x'),
    y: number('y'),
    fluxE: number('flux_e'),
    fwhmPx: number('fwhm_px'),
    snr: number('snr'),
    snrEff: number('snr_eff'),
    crlbX: number('crlb_x'),
    crlbY: number('crlb_y'),
    gain: number('gain'),
  };
}

export function readAnswers(path: string): Answers {
  return JSON.parse(readFileSync(path, 'utf8')) as Answers;
}

/** electron/ADU: what `summit-agent measure` takes for every stamp when not told, and the gain of most groups. */
export const assumedGain = 1.46;

/** A stamp with its answer. */
export interface Judged {
  readonly truth: TruthRow;
  readonly answer: Answer | null;
}

/** Stamps of a group by class, in the order of the classes' first stamps. A peer may have left the group out. */
export function byClass(group: TruthGroup, answers: Answers): ReadonlyMap<string, readonly Judged[]> {
  const list = answers[group.name];
  const out = new Map<string, Judged[]>();
  for (const [i, truth] of group.rows.entries()) {
    const answer = list?.[i];
    if (answer === undefined) continue;
    const cell = out.get(truth.cls);
    if (cell === undefined) out.set(truth.cls, [{ truth, answer }]);
    else cell.push({ truth, answer });
  }
  return out;
}
