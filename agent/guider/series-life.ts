// SPDX-License-Identifier: Apache-2.0
// Beginning and end of series and exposures, from events of which any may be missing, late or doubled.

import type { Clock, Timer } from '../model/clock.js';
import { type DaqRecord, EventType } from '../model/daq.js';
import { type GuideSensor, nameOfLocation } from '../model/location.js';
import { type Exposure, Series, type StampPlace } from './identity.js';
import type { Incidents } from './incidents.js';
import { EventMerger, type Merged } from './lifecycle.js';

export type EndReason = 'stop' | 'next_series' | 'agent_stop' | 'idle';

/** What the role does at each turn. Everything open is closed by it before it returns. */
export interface LifeHandlers {
  /** `first`: START, or whatever came of it first */
  seriesBegins(first: DaqRecord): void;
  /** sensors of the series have changed */
  membersChanged(series: Series): void;
  exposureBegins(series: Series): void;
  /** PAUSE; stamps may still be on their way */
  exposurePaused(): void;
  /** nothing more of it is awaited; called once for each */
  exposureEnds(series: Series): void;
  seriesEnds(series: Series, reason: EndReason): void;
  /** all sensors have told an event, or will not */
  merged(series: Series, merged: Merged): void;
  /** sensors that will tell an event of the current series */
  expectedCount(): number;
  /** ns; how long after STOP stamps may still be on their way */
  settlingNs(): bigint;
}

/** STATUS says this often that the DAQ does something else before it is believed: events may still be under way. */
const statusTwice = 2;
/** More series than this are not made between two that are heard: some four nights of them. */
const mostUnheard = 4096n;
const idleStates: ReadonlySet<number> = new Set([1, 5]);
const pausedStates: ReadonlySet<number> = new Set([2, 7]);

export class SeriesLife {
  readonly #sensors: readonly GuideSensor[];
  readonly #locations: ReadonlySet<number>;
  readonly #clock: Clock;
  readonly #incidents: Incidents;
  readonly #handlers: LifeHandlers;
  readonly #merger: EventMerger;
  #series: Series | null = null;
  #previous: Series | null = null;
  #ending: Timer | null = null;
  #settling: Timer | null = null;
  #daqState = 0;
  #contradictions = 0;

  constructor(sensors: readonly GuideSensor[], clock: Clock, incidents: Incidents, handlers: LifeHandlers) {
    this.#sensors = sensors;
    this.#locations = new Set(sensors.map((s) => s.location));
    this.#clock = clock;
    this.#incidents = incidents;
    this.#handlers = handlers;
    this.#merger = new EventMerger(clock, (merged) => this.#onMerged(merged));
  }

  get series(): Series | null {
    return this.#series;
  }

  get daqState(): number {
    return this.#daqState;
  }

  get running(): boolean {
    const exposure = this.#series?.exposure;
    return exposure?.running === true && (exposure.index > 0 || exposure.joinedInside);
  }

  stop(): void {
    this.#merger.flush();
    this.#end('agent_stop');
    this.#previous = null;
  }

  /** The series of a stamp; one that is over keeps its stamps. */
  seriesOf(record: DaqRecord): Series {
    if (this.#series && record.series === this.#series.series) return this.#series;
    if (this.#previous && record.series === this.#previous.series) return this.#previous;
    if (this.#series && record.series < this.#series.series) return new Series(record, true);
    return this.#begin(record, true);
  }

  /** Where a stamp of the current series belongs; it may open an exposure whose RESUME was lost. */
  placeOf(series: Series, record: DaqRecord): StampPlace {
    if (series.hears(record)) {
      const current = series === this.#series;
      if (current) this.#settle(series, series.exposure);
      series.openUntold();
      if (current) this.#tellOpened(series, record);
    }
    return series.placeOf(record);
  }

  #tellOpened(series: Series, record: DaqRecord): void {
    this.#handlers.exposureBegins(series);
    this.#incidents.tell(series.identity, {
      name: 'resume_missing',
      message: `stamps of a new exposure came without RESUME: it is called ${series.identity.obsid}`,
      stamp: Number(record.stampIndex),
    });
  }

  onEvent(record: DaqRecord): void {
    if (record.link !== undefined) return;
    if (record.eventType === EventType.status) {
      this.#onStatus(record);
      return;
    }
    if (!this.#locations.has(record.location)) return;
    switch (record.eventType) {
      case EventType.start:
        this.#onStart(record);
        return;
      case EventType.resume:
        this.#onResume(record);
        return;
      case EventType.pause:
      case EventType.stop:
        this.#onHalt(record);
        return;
      default:
        return;
    }
  }

  #begin(record: DaqRecord, joinedLate: boolean): Series {
    this.#merger.turn();
    const before = this.#series ?? this.#previous;
    this.#tellUnfinished();
    this.#end('next_series');
    const series = new Series(record, joinedLate);
    this.#series = series;
    this.#contradictions = 0;
    this.#handlers.seriesBegins(record);
    this.#tellRestart(before, series);
    if (joinedLate) this.#tellJoined(before, series);
    return series;
  }

  /** A series that the next one cuts off. */
  #tellUnfinished(): void {
    const series = this.#series;
    if (!series || this.#ending) return;
    if (series.exposure.running && series.exposure.index > 0) {
      const message = `a new series began inside exposure ${series.identity.obsid}`;
      this.#incidents.tell(series.identity, { name: 'roi_changed', message });
    } else {
      this.#incidents.tell(series.identity, {
        name: 'stop_missing',
        message: 'a new series began without STOP',
      });
    }
  }

  /** The sequence wraps from 65535 to 0; whatever else makes it smaller is a DAQ that began anew. */
  #tellRestart(before: Series | null, series: Series): void {
    if (!before || before.series >> 16n === series.series >> 16n) return;
    const wraps = before.seqNo >= 0x8000 && series.seqNo < 0x8000;
    if (wraps && series.series - before.series <= mostUnheard) return;
    this.#incidents.tell(series.identity, {
      name: 'daq_restarted',
      message: `the DAQ restarted and counts from sequence ${series.seqNo}, after ${before.seqNo}`,
      fields: { seqnoBefore: before.seqNo },
    });
  }

  #tellJoined(before: Series | null, series: Series): void {
    if (before) {
      const message = `series ${series.seqNo} came without START: its ROI is what its stamps say`;
      this.#incidents.tell(series.identity, { name: 'start_missing', message });
    } else {
      const message = `joined series ${series.seqNo} when it ran: stamps before this are not known`;
      this.#incidents.tell(series.identity, { name: 'joined_late', message });
    }
  }

  #merge(record: DaqRecord, expected: number): void {
    this.#daqState = record.daqState;
    const name = nameOfLocation(record.location);
    this.#merger.take(record.eventType, name, record.tSrcTaiNs, record.daqState, expected);
  }

  #onStart(record: DaqRecord): void {
    let series = this.#series;
    if (series && record.series < series.series) return;
    if (!series || record.series !== series.series) series = this.#begin(record, false);
    let taken = series.takeStart(record);
    if (taken === 'other') {
      const before = series;
      series = this.#begin(record, false);
      taken = series.takeStart(record);
      this.#incidents.tell(series.identity, {
        name: 'daq_restarted',
        message: `the DAQ restarted: sequence ${series.seqNo} began twice`,
        fields: { seqnoBefore: before.seqNo },
      });
    }
    if (taken === 'known') return;
    this.#handlers.membersChanged(series);
    this.#merge(record, this.#sensors.length);
  }

  #onResume(record: DaqRecord): void {
    let series = this.#series;
    if (series && record.series < series.series) return;
    if (!series || record.series !== series.series) series = this.#begin(record, true);
    const kind = series.resumeKind(record);
    if (kind === 'known') return;
    const isMember = series.has(record.location);
    if (kind === 'new') {
      this.#merger.turn();
      const before = series.exposure;
      this.#settle(series, before);
      series.takeResume(record, kind);
      this.#handlers.exposureBegins(series);
      if (before.running && before.index > 0) this.#tellPauseMissing(series, before);
    } else {
      series.takeResume(record, kind);
    }
    if (kind === 'names') {
      const message = `RESUME came after the first stamps: they belong to ${series.identity.obsid}`;
      this.#incidents.tell(series.identity, { name: 'resume_late', message });
    }
    this.#contradictions = 0;
    if (!isMember) this.#handlers.membersChanged(series);
    this.#merge(record, this.#handlers.expectedCount());
  }

  #tellPauseMissing(series: Series, exposure: Exposure): void {
    this.#incidents.tell(exposure.identity, {
      name: 'pause_missing',
      message: `exposure ${exposure.identity.obsid} of series ${series.seqNo} ended without PAUSE`,
    });
  }

  #pause(series: Series): void {
    this.#handlers.exposurePaused();
    const { exposure } = series;
    const at = this.#clock.monotonicNs() + this.#handlers.settlingNs();
    this.#settling?.cancel();
    this.#settling = this.#clock.at(at, () => this.#settle(series, exposure));
  }

  /** What belongs to the exposure leaves under its name and with its references. */
  #settle(series: Series, exposure: Exposure): void {
    if (exposure.settled) return;
    exposure.settled = true;
    this.#settling?.cancel();
    this.#settling = null;
    this.#handlers.exposureEnds(series);
  }

  #onHalt(record: DaqRecord): void {
    const series = this.#series;
    if (!series || record.series !== series.series) return;
    const { exposure } = series;
    if (record.eventType === EventType.stop && exposure.running && exposure.index > 0) {
      this.#tellPauseMissing(series, exposure);
    }
    if (series.takeHalt(record)) this.#pause(series);
    this.#contradictions = 0;
    this.#merge(record, this.#handlers.expectedCount());
  }

  /** STATUS comes at 4 Hz in every state: it tells of events that were lost. */
  #onStatus(record: DaqRecord): void {
    this.#daqState = record.daqState;
    const series = this.#series;
    if (!series || this.#ending) return;
    const idle = idleStates.has(record.daqState);
    const paused = pausedStates.has(record.daqState) && series.exposure.running && series.exposure.index > 0;
    this.#contradictions = idle || paused ? this.#contradictions + 1 : 0;
    if (this.#contradictions < statusTwice) return;
    this.#contradictions = 0;
    const { exposure } = series;
    if (exposure.running && exposure.index > 0) this.#tellPauseMissing(series, exposure);
    if (series.halt(record.location, record.tSrcTaiNs)) this.#pause(series);
    if (!idle) return;
    const message = 'STOP was missed: the DAQ says that it idles';
    this.#incidents.tell(series.identity, { name: 'stop_missing', message });
    this.#end('idle');
  }

  #onMerged(merged: Merged): void {
    const series = this.#series;
    if (!series) return;
    this.#handlers.merged(series, merged);
    if (merged.eventType === EventType.stop) this.#endSoon();
  }

  /** A frame that misses packets closes up to half a period after STOP; the series ends after it. */
  #endSoon(): void {
    this.#ending?.cancel();
    const at = this.#clock.monotonicNs() + this.#handlers.settlingNs();
    this.#ending = this.#clock.at(at, () => this.#end('stop'));
  }

  #end(reason: EndReason): void {
    const stopped = this.#ending !== null;
    this.#ending?.cancel();
    this.#ending = null;
    const series = this.#series;
    if (!series) return;
    this.#settle(series, series.exposure);
    this.#handlers.seriesEnds(series, stopped ? 'stop' : reason);
    this.#previous = series;
    this.#series = null;
  }
}
