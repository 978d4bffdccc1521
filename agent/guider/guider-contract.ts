// SPDX-License-Identifier: Apache-2.0
// What the guider role is given, and what it says of itself when asked.

import type { Clock } from '../model/clock.js';
import type { SensorCounters } from '../model/daq.js';
import type { GuideSensor } from '../model/location.js';
import type { Log } from '../model/log.js';
import type { MessageSink, StampIdentity } from '../model/messages.js';
import type { RoiSpec } from '../model/roi.js';
import type { CombinerSettings } from './combiner.js';

export interface GuiderSettings {
  /** in the order of the arrays in messages */
  readonly sensors: readonly GuideSensor[];
  /** closing of an acquisition after its first sensor; null: half a period */
  readonly deadlineMs: number | null;
  /** what the period is taken from until a series says it */
  readonly roi: RoiSpec | null;
  readonly scatterFloorMm: number;
  /** this machine cannot vouch for its TAI offset */
  readonly timeSuspect: () => boolean;
}

/** Where time is when records were delivered. */
export interface StreamTime {
  /** something fires before a record of this time */
  isDue(deliveredNs: bigint): boolean;
  /** a record of this time comes next */
  advance(deliveredNs: bigint): void;
}

export interface ExposureEnd {
  readonly identity: StampIdentity;
  /** stamps by location that the DAQ told of in the series so far */
  readonly sent: ReadonlyMap<number, bigint>;
  /** the first stamps of the exposure were sent before the agent came */
  readonly joinedInside: boolean;
  /** `sent` counts from stamps that the agent was there for */
  readonly fromSeriesStart: boolean;
}

export interface GuiderDeps {
  readonly clock: Clock;
  /** the clock's own idea of the stream; default: the clock knows nothing of records */
  readonly stream?: StreamTime;
  readonly sink: MessageSink;
  readonly log: Log;
  readonly counters: () => readonly SensorCounters[];
  /** everything of this exposure has left */
  readonly exposureEnded?: (end: ExposureEnd) => void;
  /** false: what it says of stamps is withheld on its way out, and counted so; default true */
  readonly publishing?: () => boolean;
  /** a series is not, or is again, what initGuiders asked for */
  readonly roiAlarm?: (reason: string | null) => void;
  /** asks the kernel to look near a place (ROI px) for a sensor's star, or everywhere */
  readonly predict?: CombinerSettings['predict'];
  /**
   * Hands on records that have come meanwhile. Asked for between the results that leave, so that the stamp that
   * completes an acquisition does not wait behind the messages of those before it.
   */
  readonly look?: () => void;
}

export interface GuiderSnapshot {
  readonly series: StampIdentity | null;
  readonly daqState: number;
  readonly running: boolean;
  readonly joinedLate: boolean;
  readonly sensors: readonly string[];
  readonly expected: readonly string[];
  readonly silent: readonly string[];
  readonly referenceStamp: number;
  /** per sensor: acquiring, locked, coasting, lost */
  readonly tracking: readonly string[];
  readonly periodMs: number;
  readonly nStamps: number;
  readonly nGood: number;
}
