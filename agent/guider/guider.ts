// SPDX-License-Identifier: Apache-2.0
// The guider role: takes the link's records in order and says what they mean.
// One record in, one message out; an acquisition that closes adds its offset.

import type { Clock, Timer } from '../model/clock.js';
import { type DaqRecord, EventType, type SensorCounters } from '../model/daq.js';
import { flagBits, isFlagged } from '../model/flags.js';
import { type GuideSensor, nameOfLocation } from '../model/location.js';
import type { Log } from '../model/log.js';
import {
  GuiderStatus,
  type MessageSink,
  type SensorAccount,
  type SeriesAccount,
  type SeriesEndMessage,
  type StampIdentity,
} from '../model/messages.js';
import { type RoiCommon, type RoiSpec, stampPeriodMs } from '../model/roi.js';
import { Accounting } from './accounting.js';
import { type Acquisition, AcquisitionBook } from './acquisition.js';
import { Series } from './identity.js';
import { EventMerger, type Merged } from './lifecycle.js';
import { combineAcquisition } from './offsets.js';
import { StampPeriod } from './period.js';
import { References } from './reference.js';
import { buildResult, flagsOf, locate, secondsOf } from './result.js';

export interface GuiderSettings {
  /** in the order of the arrays in messages */
  readonly sensors: readonly GuideSensor[];
  /** closing of an acquisition after its first sensor; null: half a period */
  readonly deadlineMs: number | null;
  /** what the period is taken from until a series says it */
  readonly roi: RoiSpec | null;
  readonly scatterFloorMm: number;
  /** this machine cannot vouch for its TAI offset */
  readonly timeSuspect: boolean;
}

export interface GuiderDeps {
  readonly clock: Clock;
  readonly sink: MessageSink;
  readonly log: Log;
  readonly counters: () => readonly SensorCounters[];
}

export interface GuiderSnapshot {
  readonly series: StampIdentity | null;
  readonly daqState: number;
  readonly running: boolean;
  readonly joinedLate: boolean;
  readonly sensors: readonly string[];
  readonly expected: readonly string[];
  readonly referenceStamp: number;
  readonly periodMs: number;
  readonly nStamps: number;
  readonly nGood: number;
}

/** On-sky default of the observatory, when nobody said anything else. */
const defaultRoi: RoiCommon = { rows: 400, cols: 400, integrationMs: 200 };
/** Without START the sensors are learnt from this many acquisitions. */
const learning = 2;
/** After STOP, stamps still in the air may arrive for half a period and this. */
const graceNs = 50_000_000n;

const statusOf = new Map<number, number>([
  [EventType.start, GuiderStatus.start],
  [EventType.stop, GuiderStatus.stop],
  [EventType.pause, GuiderStatus.pause],
  [EventType.resume, GuiderStatus.resume],
]);

function msToNs(ms: number): bigint {
  return BigInt(Math.round(ms * 1e6));
}

export class Guider {
  readonly #settings: GuiderSettings;
  readonly #deps: GuiderDeps;
  readonly #indexOf: ReadonlyMap<number, number>;
  readonly #names: readonly string[];
  readonly #references: References;
  readonly #book: AcquisitionBook;
  readonly #merger: EventMerger;
  readonly #period: StampPeriod;
  readonly #accounting = new Accounting();
  readonly #strangers = new Set<number>();
  #series: Series | null = null;
  #previous: Series | null = null;
  #expected: boolean[] = [];
  #running = false;
  #daqState = 0;
  #nStamps = 0;
  #nGood = 0;
  #ending: Timer | null = null;

  constructor(settings: GuiderSettings, deps: GuiderDeps) {
    this.#settings = settings;
    this.#deps = deps;
    this.#indexOf = new Map(settings.sensors.map((s, i) => [s.location, i]));
    this.#names = settings.sensors.map((s) => s.detectorName);
    this.#references = new References(settings.sensors.length);
    this.#book = new AcquisitionBook(settings.sensors.length, deps.clock, (a, by) => this.#onClosed(a, by));
    this.#merger = new EventMerger(deps.clock, (merged) => this.#onMerged(merged));
    this.#period = new StampPeriod(this.#modelPeriodNs(null));
  }

  /** Takes a batch of records in the order of the link. */
  onRecords(records: readonly DaqRecord[]): void {
    for (const record of records) {
      if (record.eventType === EventType.stamp) this.#onStamp(record);
      else this.#onEvent(record);
    }
    this.#book.arm(this.#closingNs());
  }

  /** The link is stopped: closes what is open and says how the series ended. */
  stop(): void {
    this.#merger.flush();
    this.#endSeries('agent_stop');
  }

  /** Per sensor of the profile, since the agent's start. */
  accounts(): Record<string, SensorAccount> {
    const out: Record<string, SensorAccount> = {};
    for (const counters of this.#deps.counters()) {
      const name = nameOfLocation(counters.location);
      out[name] = this.#accounting.account(counters, this.#sentInSeries(counters.location));
    }
    return out;
  }

  /** Where the role stands, for the `snapshot` command. */
  status(): GuiderSnapshot {
    const series = this.#series;
    return {
      series: series ? series.identity : null,
      daqState: this.#daqState,
      running: this.#running,
      joinedLate: series?.joinedLate ?? false,
      sensors: this.#names,
      expected: this.#names.filter((_, i) => this.#expected[i]),
      referenceStamp: this.#references.commonStamp,
      periodMs: Number(this.#period.ns) / 1e6,
      nStamps: this.#nStamps,
      nGood: this.#nGood,
    };
  }

  #closingNs(): bigint {
    const { deadlineMs } = this.#settings;
    return deadlineMs === null ? this.#period.ns / 2n : msToNs(deadlineMs);
  }

  #modelPeriodNs(roi: RoiCommon | null): bigint {
    return msToNs(stampPeriodMs(roi ?? this.#settings.roi?.common ?? defaultRoi));
  }

  #sentInSeries(location: number): bigint | null {
    const series = this.#series;
    if (!series) return 0n;
    if (!series.started.has(location) && !series.seen.has(location)) return 0n;
    return this.#running || series.joinedLate ? null : (series.sent.get(location) ?? null);
  }

  #onStamp(record: DaqRecord): void {
    const index = this.#indexOf.get(record.location);
    const sensor = index === undefined ? undefined : this.#settings.sensors[index];
    if (index === undefined || !sensor) {
      this.#onStranger(record.location);
      return;
    }
    const series = this.#seriesOf(record);
    const current = series === this.#series;
    const stamp = Number(record.stampIndex);
    const isNewSensor = !series.seen.has(record.location);
    const place = series.takeStamp(record);
    if (current && isNewSensor) this.#expect();
    const late = !current || this.#book.isClosed(stamp);
    let flags = flagsOf(record);
    if (this.#settings.timeSuspect) flags |= flagBits.time_suspect;
    if (late) flags |= flagBits.late;
    const irregular = place !== null && place >= 0 && place < 2;
    if (irregular) flags |= flagBits.first_stamp;
    const position = locate(record, sensor);
    const inExposure = current && (place === null || place >= 0);
    if (!late && inExposure && !isFlagged(flags) && Number.isFinite(position.sigmaX + position.sigmaY)) {
      const candidate = { ...position, stamp, provisional: irregular, stale: place === null };
      if (this.#references.offer(index, candidate)) flags |= flagBits.new_reference;
    }
    const reference = inExposure ? this.#references.at(index) : null;
    if (reference?.provisional) flags |= flagBits.provisional_reference;
    if (reference?.stale) flags |= flagBits.stale_reference;
    const identity = series.identity;
    const result = buildResult(record, { identity, sensor, index, flags, position, reference });
    this.#deps.sink.publish(result);
    this.#accounting.take(record, late, current);
    if (!current) return;
    this.#running = true;
    this.#period.take(index, stamp, record.tSrcTaiNs === 0n ? record.tLastNs : record.tSrcTaiNs);
    if (!late) this.#book.add(result, this.#expected);
  }

  /** A sensor that is not in the profile: counted by the link, told once, not published. */
  #onStranger(location: number): void {
    if (this.#strangers.has(location)) return;
    this.#strangers.add(location);
    const name = nameOfLocation(location);
    this.#deps.log.warning('stamps of a sensor that is not in the profile are ignored', { sensor: name });
  }

  #seriesOf(record: DaqRecord): Series {
    if (this.#series && record.series === this.#series.series) return this.#series;
    if (this.#previous && record.series === this.#previous.series) return this.#previous;
    if (this.#series && record.series < this.#series.series) return new Series(record, true);
    return this.#beginSeries(record, true);
  }

  #beginSeries(record: DaqRecord, joinedLate: boolean): Series {
    this.#merger.flush();
    this.#endSeries('next_series');
    const series = new Series(record, joinedLate);
    this.#series = series;
    this.#nStamps = 0;
    this.#nGood = 0;
    this.#references.reset();
    this.#book.restart();
    const { rows, cols, integrationMs } = record.seriesMetadata ?? record;
    this.#period.restart(this.#modelPeriodNs(rows > 0 && cols > 0 ? { rows, cols, integrationMs } : null));
    this.#expect();
    if (joinedLate) this.#deps.log.warning('joined a running series', { seqno: series.seqNo });
    return series;
  }

  /** Expected sensors: those with START in the series, or seen; all until a late joiner has learnt. */
  #expect(): void {
    const series = this.#series;
    const learningYet = series !== null && series.started.size === 0 && this.#nStamps < learning;
    this.#expected = this.#settings.sensors.map(
      ({ location }) =>
        series !== null && (learningYet || series.started.has(location) || series.seen.has(location)),
    );
  }

  #onEvent(record: DaqRecord): void {
    if (!this.#indexOf.has(record.location)) return;
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

  #merge(record: DaqRecord, expected: number): void {
    const name = nameOfLocation(record.location);
    this.#daqState = record.daqState;
    this.#merger.take(record.eventType, name, record.tSrcTaiNs, record.daqState, expected);
  }

  #onStart(record: DaqRecord): void {
    let series = this.#series;
    if (series && record.series < series.series) return;
    if (!series || record.series !== series.series) series = this.#beginSeries(record, false);
    let taken = series.takeStart(record);
    if (taken === 'other') {
      series = this.#beginSeries(record, false);
      taken = series.takeStart(record);
    }
    if (taken === 'known') return;
    this.#running = false;
    this.#expect();
    this.#merge(record, this.#settings.sensors.length);
  }

  #onResume(record: DaqRecord): void {
    let series = this.#series;
    if (series && record.series < series.series) return;
    if (!series || record.series !== series.series) series = this.#beginSeries(record, true);
    const kind = series.resumeKind(record);
    if (kind === 'known') return;
    if (kind === 'new') {
      // What belongs to the exposure before leaves under its name and with its references.
      this.#merger.flush();
      this.#book.closeAll('end');
      this.#references.reset();
      this.#period.interrupt();
    }
    series.takeResume(record, kind);
    this.#running = true;
    this.#merge(record, this.#expectedCount());
  }

  #onHalt(record: DaqRecord): void {
    const series = this.#series;
    if (!series || record.series !== series.series) return;
    series.takeSent(record);
    this.#running = false;
    this.#period.interrupt();
    this.#merge(record, this.#expectedCount());
  }

  #expectedCount(): number {
    return Math.max(1, this.#expected.filter(Boolean).length);
  }

  #onMerged(merged: Merged): void {
    const series = this.#series;
    const status = statusOf.get(merged.eventType);
    if (!series || status === undefined) return;
    const timestamp = secondsOf(merged.taiNs);
    if (merged.eventType === EventType.start) this.#publishSeries(series, timestamp);
    const { sensors, daqState } = merged;
    const identity = series.identity;
    this.#deps.sink.publish({
      kind: 'guider.state',
      ...identity,
      status,
      stamp: -1,
      timestamp,
      sensors,
      daqState,
    });
    if (merged.eventType === EventType.stop) this.#endSoon();
  }

  #publishSeries(series: Series, timestamp: number): void {
    const { sensors } = this.#settings;
    const metadata = sensors.map((s) => series.started.get(s.location));
    const first = metadata.find((m) => m !== undefined);
    if (!first) return;
    this.#deps.sink.publish({
      kind: 'guider.series',
      ...series.identity,
      timestamp,
      sensors: this.#names,
      roiCommonNRows: first.rows,
      roiCommonNCols: first.cols,
      roiCommonIntegration: first.integrationMs,
      segment: metadata.map((m) => m?.segment ?? -1),
      startRow: metadata.map((m) => m?.startRow ?? -1),
      startCol: metadata.map((m) => m?.startCol ?? -1),
      splitRoi: metadata.map((m) => m?.splitRoi ?? false),
      daqVersion: first.version,
      platform: first.platform,
      periodMs: Number(this.#modelPeriodNs(first)) / 1e6,
    });
  }

  /** A frame that misses packets closes up to half a period after STOP; the series ends after it. */
  #endSoon(): void {
    this.#ending?.cancel();
    const { clock } = this.#deps;
    this.#ending = clock.at(clock.monotonicNs() + this.#period.ns / 2n + graceNs, () =>
      this.#endSeries('stop'),
    );
  }

  #endSeries(reason: SeriesEndMessage['reason']): void {
    const stopped = this.#ending !== null;
    this.#ending?.cancel();
    this.#ending = null;
    const series = this.#series;
    if (!series) return;
    this.#book.closeAll('end');
    const sensors: Record<string, SeriesAccount> = {};
    let nLostDaq = 0n;
    for (const { location, detectorName } of this.#settings.sensors) {
      if (!series.started.has(location) && !series.seen.has(location)) continue;
      const account = this.#accounting.series(location, series.sent.get(location) ?? null);
      sensors[detectorName] = account;
      nLostDaq += BigInt(account.lost);
    }
    const counters = this.accounts();
    this.#accounting.endSeries(series.sent, series.joinedLate);
    this.#previous = series;
    this.#series = null;
    this.#running = false;
    this.#deps.sink.publish({
      kind: 'series.end',
      ...series.identity,
      reason: stopped ? 'stop' : reason,
      nStamps: this.#nStamps,
      nGood: this.#nGood,
      nLostDaq,
      counters,
      sensors,
    });
  }

  #onClosed(acquisition: Acquisition, closedBy: 'complete' | 'timeout' | 'next' | 'end'): void {
    const series = this.#series;
    if (!series) return;
    const { sink } = this.#deps;
    const { identity } = series;
    const closed = { acquisition, closedBy, identity, sensors: this.#names, expected: this.#expected };
    const combined = combineAcquisition(closed, this.#references, this.#settings.scatterFloorMm);
    // The offset first: it is what somebody waits for.
    sink.publish(combined.offsets);
    sink.publish(combined.summary);
    sink.publish(combined.acquisition);
    sink.publish({
      kind: 'guider.state',
      ...identity,
      status: GuiderStatus.stamp,
      stamp: acquisition.stamp,
      timestamp: combined.offsets.timestamp,
      sensors: this.#names.filter((_, i) => acquisition.results[i]),
      daqState: this.#daqState,
    });
    this.#nStamps++;
    if (combined.offsets.fit.nSensors > 0) this.#nGood++;
    if (this.#nStamps === learning) this.#expect();
  }
}
