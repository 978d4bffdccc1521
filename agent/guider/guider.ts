// SPDX-License-Identifier: Apache-2.0
// The guider role: takes the link's records in order and says what they mean.
// One record in, one message out; an acquisition that closes adds its offset.

import { type DaqRecord, EventType } from '../model/daq.js';
import type { ExposureTimes } from '../model/exposure-times.js';
import { flagBits, isFlagged } from '../model/flags.js';
import { nameOfLocation } from '../model/location.js';
import {
  type AgentMessage,
  type ClosedBy,
  GuiderStatus,
  type SensorAccount,
  type SeriesAccount,
  type StampIdentity,
} from '../model/messages.js';
import { type RoiCommon, type RoiSpec, stampPeriodMs } from '../model/roi.js';
import { Accounting } from './accounting.js';
import { type Acquisition, AcquisitionBook } from './acquisition.js';
import { Attendance } from './attendance.js';
import { Combiner, type Displaced } from './combiner.js';
import type { GuiderDeps, GuiderSettings, GuiderSnapshot } from './guider-contract.js';
import type { Series } from './identity.js';
import { Incidents } from './incidents.js';
import type { Merged } from './lifecycle.js';
import { type ClosedAcquisition, combineAcquisition, detailsOf } from './offsets.js';
import { Outbox } from './outbox.js';
import { StampPeriod } from './period.js';
import { buildResult, flagsOf, locate, secondsOf } from './result.js';
import { RoiCheck } from './roi-check.js';
import { type EndReason, SeriesLife } from './series-life.js';
import { SeriesRois } from './series-rois.js';
import { Shutter } from './shutter.js';
import { tellReference, tellTrack } from './track-news.js';

/** On-sky default of the observatory, when nobody said anything else. */
const defaultRoi: RoiCommon = { rows: 400, cols: 400, integrationMs: 200 };
/** After PAUSE and STOP, stamps still in the air may arrive for half a period and this. */
const graceNs = 50_000_000n;
/** A sensor that is first heard after this many acquisitions joined late. */
const joinedAfter = 3;

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
  readonly #incidents: Incidents;
  readonly #life: SeriesLife;
  readonly #rois: SeriesRois;
  readonly #combiner: Combiner;
  readonly #book: AcquisitionBook;
  readonly #attendance: Attendance;
  readonly #period: StampPeriod;
  readonly #roiCheck = new RoiCheck();
  readonly #shutter = new Shutter();
  readonly #accounting = new Accounting();
  readonly #outbox: Outbox;
  readonly #strangers = new Set<number>();
  readonly #frozen = new Set<number>();
  readonly #absence = (i: number): string => this.#attendance.absence(i);
  #inBatch = false;
  #nStamps = 0;
  #nGood = 0;

  constructor(settings: GuiderSettings, deps: GuiderDeps) {
    this.#settings = settings;
    this.#deps = deps;
    const { sensors } = settings;
    this.#indexOf = new Map(sensors.map((s, i) => [s.location, i]));
    this.#names = sensors.map((s) => s.detectorName);
    this.#outbox = new Outbox(deps.sink, this.#accounting, () => deps.publishing?.() ?? true);
    const news = { publish: (m: AgentMessage) => this.#outbox.news(() => deps.sink.publish(m)) };
    this.#incidents = new Incidents(news, deps.log);
    this.#rois = new SeriesRois(sensors, deps.sink, this.#incidents, (rois, series) => {
      const problem = this.#roiCheck.tell(rois, series.identity, this.#incidents);
      if (problem !== undefined) deps.roiAlarm?.(problem);
    });
    this.#combiner = new Combiner({
      sensors,
      scatterFloorMm: settings.scatterFloorMm,
      predict: deps.predict ?? (() => {}),
    });
    this.#attendance = new Attendance(sensors.length);
    this.#book = new AcquisitionBook(sensors.length, deps.clock, (a, by) => this.#onClosed(a, by));
    this.#period = new StampPeriod(this.#modelPeriodNs(null));
    this.#life = new SeriesLife(sensors, deps.clock, this.#incidents, {
      seriesBegins: (first) => this.#onSeriesBegins(first),
      membersChanged: (series) => {
        this.#expect();
        this.#rois.late(series);
      },
      exposureBegins: () => this.#onExposureBegins(),
      exposurePaused: () => this.#period.interrupt(),
      exposureEnds: (series) => this.#onExposureEnds(series),
      seriesEnds: (series, reason) => this.#onSeriesEnds(series, reason),
      merged: (series, merged) => this.#onMerged(series, merged),
      expectedCount: () => Math.max(1, this.#attendance.nExpected),
      settlingNs: () => this.#period.ns / 2n + graceNs,
    });
  }

  /** Takes a batch of records in the order of the link; also from within `look`. */
  onRecords(records: readonly DaqRecord[]): void {
    const outermost = !this.#inBatch;
    this.#inBatch = true;
    for (const record of records) {
      this.#passTime(record.tDeliveredNs);
      if (record.eventType === EventType.stamp) {
        this.#onStamp(record);
        this.#book.arm(() => this.#closingNs());
      } else {
        this.#outbox.flush();
        this.#life.onEvent(record);
      }
    }
    if (!outermost) return;
    this.#outbox.flush(this.#deps.look);
    this.#inBatch = false;
  }

  /** Deadlines that were over before this record was delivered. */
  #passTime(deliveredNs: bigint): void {
    const { stream } = this.#deps;
    if (stream?.isDue(deliveredNs)) this.#outbox.flush();
    stream?.advance(deliveredNs);
  }

  /** initGuiders asked for this; returns how to take it back. */
  expectRoi(spec: RoiSpec): () => void {
    return this.#roiCheck.expect(spec);
  }

  /** The camera says when its shutter moves. */
  onExposureTimes(times: ExposureTimes): void {
    this.#shutter.take(times);
  }

  /** The link is closed: says how the series ended. What another link delivers begins anew. */
  stop(): void {
    this.#life.stop();
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
    const { series, daqState, running } = this.#life;
    return {
      series: series ? series.identity : null,
      daqState,
      running,
      joinedLate: series?.joinedLate ?? false,
      sensors: this.#names,
      expected: this.#names.filter((_, i) => this.#attendance.expected[i]),
      silent: this.#names.filter((_, i) => this.#attendance.isSilent(i)),
      referenceStamp: this.#combiner.referenceStamp,
      tracking: this.#names.map((_, i) => this.#combiner.trackingOf(i)),
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
    const { series, running } = this.#life;
    if (!series) return 0n;
    if (!series.started.has(location) && !series.seen.has(location)) return 0n;
    return running || series.joinedLate ? null : series.sentOf(location);
  }

  #onStamp(record: DaqRecord): void {
    const index = this.#indexOf.get(record.location);
    const sensor = index === undefined ? undefined : this.#settings.sensors[index];
    if (index === undefined || !sensor) {
      this.#onStranger(record.location);
      return;
    }
    const series = this.#life.seriesOf(record);
    const current = series === this.#life.series;
    const isNewSensor = !series.seen.has(record.location);
    const { exposure, place } = this.#life.placeOf(series, record);
    const { identity } = exposure;
    if (current) this.#attend(series, record, index, isNewSensor);
    const inExposure = current && exposure === series.exposure;
    const stamp = Number(record.stampIndex);
    const late = !inExposure || this.#book.isClosed(stamp);
    let flags = flagsOf(record);
    if (this.#settings.timeSuspect()) flags |= flagBits.time_suspect;
    if (late) flags |= flagBits.late;
    if (place !== null && place < 2) flags |= flagBits.first_stamp;
    if (this.#shutter.moves(identity.obsid, record.tSrcTaiNs, record.integrationMs)) {
      flags |= flagBits.shutter_motion;
    }
    if (current && this.#rois.isSplit(series, record)) flags |= flagBits.split_roi;
    if (current) this.#tellFrozen(series, record, flags);
    const irregular = (flags & (flagBits.first_stamp | flagBits.shutter_motion)) !== 0;
    const position = locate(record, sensor);
    const good = !late && !isFlagged(flags) && Number.isFinite(position.sigmaX + position.sigmaY);
    let displaced: Displaced | null = null;
    if (inExposure) {
      displaced = this.#combiner.displace(index, position, stamp, {
        good,
        irregular,
        joinedInside: place === null,
      });
      if (displaced.becomesReference) flags |= flagBits.new_reference;
      if (displaced.provisional) flags |= flagBits.provisional_reference;
      if (displaced.stale) flags |= flagBits.stale_reference;
      if (displaced.offTrack) flags |= flagBits.off_track;
    }
    const tracking = this.#combiner.trackingOf(index);
    const star = this.#combiner.starOf(index);
    const result = buildResult(record, {
      identity,
      sensor,
      index,
      flags,
      position,
      displaced,
      tracking,
      star,
    });
    this.#outbox.result({ result, record, late, current });
    if (!current) return;
    this.#period.take(index, stamp, record.tSrcTaiNs === 0n ? record.tLastNs : record.tSrcTaiNs);
    if (!late) this.#book.add(result, this.#attendance.awaited);
  }

  /** Who is there, and with which ROI. */
  #attend(series: Series, record: DaqRecord, index: number, isNew: boolean): void {
    const sensor = this.#names[index] ?? '';
    const stamp = Number(record.stampIndex);
    this.#rois.take(series, record);
    if (this.#attendance.heard(index)) {
      const message = `${sensor} delivers stamps again`;
      this.#incidents.tell(series.identity, { name: 'sensor_back', message, sensor, stamp });
    }
    if (!isNew) return;
    this.#expect();
    if (this.#nStamps >= joinedAfter) {
      const message = `${sensor} joined the series at stamp ${stamp}`;
      this.#incidents.tell(series.identity, { name: 'sensor_joined', message, sensor, stamp });
    } else if (series.started.size > 0 && !series.hasStart(record.location)) {
      const message = `${sensor} came without START: its ROI is what its stamps say`;
      this.#incidents.tell(series.identity, { name: 'start_missing', message, sensor, stamp });
    }
  }

  /** Told when it begins: its stamps keep coming, and say nothing. */
  #tellFrozen({ identity }: Series, { location, stampIndex }: DaqRecord, flags: number): void {
    const is = (flags & flagBits.frozen) !== 0;
    if (is === this.#frozen.has(location)) return;
    if (!is) {
      this.#frozen.delete(location);
      return;
    }
    this.#frozen.add(location);
    const sensor = nameOfLocation(location);
    const message = `${sensor} delivers the same pixels again and again: its readout is stuck, its stamps are not used`;
    this.#incidents.tell(identity, { name: 'sensor_frozen', message, sensor, stamp: Number(stampIndex) });
  }

  /** A sensor that is not in the profile: counted by the link, told once, not published. */
  #onStranger(location: number): void {
    if (this.#strangers.has(location)) return;
    this.#strangers.add(location);
    const name = nameOfLocation(location);
    this.#deps.log.warning('stamps of a sensor that is not in the profile are ignored', { sensor: name });
  }

  #onSeriesBegins(first: DaqRecord): void {
    this.#nStamps = 0;
    this.#nGood = 0;
    this.#rois.begin();
    this.#roiCheck.begin();
    this.#combiner.reset();
    this.#book.restart();
    this.#attendance.beginSeries();
    const { rows, cols, integrationMs } = first.seriesMetadata ?? first;
    this.#period.restart(this.#modelPeriodNs(rows > 0 && cols > 0 ? { rows, cols, integrationMs } : null));
    this.#expect();
  }

  #onExposureBegins(): void {
    this.#combiner.reset();
    this.#attendance.beginExposure();
    this.#period.interrupt();
  }

  #onExposureEnds(series: Series): void {
    this.#book.closeAll('end');
    this.#outbox.flush();
    const { identity, sent, fromItsStart } = series;
    const { index, joinedInside } = series.exposure;
    if (index === 0 && !joinedInside) return;
    this.#deps.exposureEnded?.({ identity, sent, joinedInside, fromSeriesStart: fromItsStart });
  }

  /** Expected sensors: those that the DAQ or a stamp named in the series; all until a late joiner has learnt. */
  #expect(): void {
    const { series } = this.#life;
    const { sensors } = this.#settings;
    const learning = series !== null && series.started.size === 0 && this.#attendance.learning;
    this.#attendance.setExpected((i) => {
      const location = sensors[i]?.location ?? -1;
      return series !== null && (learning || series.has(location));
    });
  }

  #onMerged(series: Series, merged: Merged): void {
    const status = statusOf.get(merged.eventType);
    if (status === undefined) return;
    const timestamp = secondsOf(merged.taiNs);
    if (merged.eventType === EventType.start) this.#rois.publish(series, timestamp, 'start');
    const { sensors, daqState } = merged;
    const { identity } = series;
    this.#deps.sink.publish({
      kind: 'guider.state',
      ...identity,
      status,
      stamp: -1,
      timestamp,
      sensors,
      daqState,
    });
  }

  #onSeriesEnds(series: Series, reason: EndReason): void {
    const sensors: Record<string, SeriesAccount> = {};
    const told = new Map<number, bigint | null>();
    let nLostDaq = 0n;
    for (const { location, detectorName } of this.#settings.sensors) {
      if (!series.started.has(location) && !series.seen.has(location)) continue;
      const sent = series.sentOf(location);
      told.set(location, sent);
      const account = this.#accounting.series(location, sent);
      sensors[detectorName] = account;
      nLostDaq += BigInt(account.lost);
    }
    const counters = this.accounts();
    this.#accounting.endSeries(told, series.joinedLate);
    const { identity } = series;
    const nStamps = this.#nStamps;
    const nGood = this.#nGood;
    this.#deps.sink.publish({
      kind: 'series.end',
      ...identity,
      reason,
      nStamps,
      nGood,
      nLostDaq,
      counters,
      sensors,
    });
  }

  #onClosed(acquisition: Acquisition, closedBy: ClosedBy): void {
    const { series, daqState } = this.#life;
    if (!series) return;
    const { sink } = this.#deps;
    const { identity } = series;
    const closed: ClosedAcquisition = {
      acquisition,
      closedBy,
      identity,
      sensors: this.#names,
      nExpected: this.#attendance.nExpected,
      absence: this.#absence,
    };
    this.#outbox.next();
    const combined = combineAcquisition(closed, this.#combiner);
    // The offset first: it is what somebody waits for.
    sink.publish(combined.offsets);
    const news = this.#combiner.settle(acquisition.results, combined.combination.excluded);
    const details = detailsOf(closed, combined, this.#combiner);
    this.#nStamps++;
    if (combined.offsets.fit.nSensors > 0) this.#nGood++;
    const { stamp, results } = acquisition;
    const { timestamp } = combined.offsets;
    const wasLearning = this.#attendance.learning;
    const fallen = this.#attendance.closed(results);
    const learnt = wasLearning && !this.#attendance.learning;
    if (learnt) this.#expect();
    this.#outbox.details(() => {
      sink.publish(details.summary);
      sink.publish(details.acquisition);
      const sensors = this.#names.filter((_, i) => results[i]);
      const status = GuiderStatus.stamp;
      sink.publish({ kind: 'guider.state', ...identity, status, stamp, timestamp, sensors, daqState });
      tellReference(this.#incidents, identity, combined.offsets);
      for (const { index, event, star } of news) {
        tellTrack(this.#incidents, identity, { stamp, sensor: this.#names[index] ?? '', star, event });
      }
      for (const index of fallen) this.#tellSilent(identity, stamp, this.#names[index] ?? '');
      if (learnt && series.started.size === 0) this.#rois.publish(series, timestamp, 'stamps');
    });
    if (!this.#inBatch) this.#outbox.flush();
  }

  #tellSilent(identity: StampIdentity, stamp: number, sensor: string): void {
    const message = `${sensor} delivers no stamps: acquisitions no longer wait for it`;
    this.#incidents.tell(identity, { name: 'sensor_silent', message, sensor, stamp });
  }
}
