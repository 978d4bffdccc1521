// SPDX-License-Identifier: Apache-2.0
// What becomes of the messages about a series (START, RESUME, PAUSE, STOP), and which sensors join late.
import { concerns, type Happening, type Window } from './happenings.js';

export type LifeEvent = 'START' | 'RESUME' | 'PAUSE' | 'STOP';
export type EventFateName = 'lost' | 'twice' | 'bdi-error';

export interface EventFate extends Window {
  readonly event: LifeEvent;
  readonly fate: EventFateName;
}

/** null: it leaves as it should. `series` and `exposure` as the DAQ counts them, from 1. */
export function eventFate(
  fates: readonly EventFate[],
  event: LifeEvent,
  sensor: string,
  series: number,
  exposure: number,
): EventFateName | null {
  const found = fates.find(
    (one) =>
      one.event === event &&
      concerns(one, sensor) &&
      (one.series ?? series) === series &&
      (one.exposure ?? exposure) === exposure,
  );
  return found?.fate ?? null;
}

export interface LateStart {
  /** stamps of the series before it joins */
  readonly stamps: number;
  readonly start: 'late' | 'on-time' | 'never';
}

/** null: it is there from the beginning. */
export function lateStart(
  happenings: readonly Happening[],
  sensor: string,
  series: number,
): LateStart | null {
  for (const one of happenings) {
    if (one.what !== 'late-start' || !concerns(one, sensor) || (one.series ?? series) !== series) continue;
    return { stamps: one.stamps ?? 0, start: one.start ?? 'late' };
  }
  return null;
}

export interface SplitRoi {
  readonly column: number;
  readonly stepAdu: number;
}

/** null: the ROI lies in one amplifier. */
export function splitRoi(
  happenings: readonly Happening[],
  sensor: string,
  series: number,
  cols: number,
): SplitRoi | null {
  for (const one of happenings) {
    if (one.what !== 'split-roi' || !concerns(one, sensor) || (one.series ?? series) !== series) continue;
    return { column: one.column ?? Math.floor(cols / 2), stepAdu: one['step-adu'] ?? 300 };
  }
  return null;
}
