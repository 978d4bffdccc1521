// SPDX-License-Identifier: Apache-2.0
// Which series and exposure a record belongs to. The DAQ tells each sensor separately (START, RESUME, PAUSE,
// STOP), any of these may be lost or come twice, and the agent may join in the middle.

import { type DaqRecord, EventType, type SeriesMetadata } from '../model/daq.js';
import { frameFlag } from '../model/flags.js';
import type { StampIdentity } from '../model/messages.js';
import { parseObsId } from '../model/obs-id.js';

export const unknownObsid = 'UNKNOWN';

/** What RESUME..PAUSE delimits inside a series. */
export class Exposure {
  /** place in the series from 1; 0: what came before the first RESUME */
  readonly index: number;
  identity: StampIdentity;
  /** the DAQ named it, or nobody will: a late RESUME changes nothing */
  named: boolean;
  /** the agent came when it ran: which of its stamps is the first is not known */
  readonly joinedInside: boolean;
  /** number of its first stamp; -1: none came yet */
  base = -1;
  /** TAI of its first stamp; 0: none */
  firstTaiNs = 0n;
  /** location -> TAI of its RESUME */
  readonly resumed = new Map<number, bigint>();
  /** location -> TAI of its PAUSE or STOP; empty: it runs */
  readonly paused = new Map<number, bigint>();

  constructor(index: number, identity: StampIdentity, named: boolean, joinedInside: boolean) {
    this.index = index;
    this.identity = identity;
    this.named = named;
    this.joinedInside = joinedInside;
  }

  /** what belongs to it has left */
  settled = false;

  get running(): boolean {
    return this.paused.size === 0;
  }

  /** An event of this time came before the exposure began: it was overtaken on its way. */
  isAfter(taiNs: bigint): boolean {
    for (const resumed of this.resumed.values()) if (taiNs !== 0n && resumed > taiNs) return true;
    return false;
  }
}

/** Where a stamp belongs. */
export interface StampPlace {
  readonly exposure: Exposure;
  /** number in the exposure from 0; null: not known */
  readonly place: number | null;
}

/** One series as far as it is known. */
export class Series {
  readonly seqNo: number;
  readonly series: bigint;
  seriesId: string;
  /** no START was seen: nothing is known of ROI, period and the stamps before */
  readonly joinedLate: boolean;
  /** the agent was there for its first stamps */
  readonly fromItsStart: boolean;
  /** per location: metadata of START */
  readonly started = new Map<number, SeriesMetadata>();
  readonly #startTimes = new Map<number, bigint>();
  /** locations that delivered a stamp */
  readonly seen = new Set<number>();
  /** stamps the DAQ says it sent, from PAUSE and STOP */
  readonly sent = new Map<number, bigint>();
  /** per location: index of the exposure in which that was said last */
  readonly #sentIn = new Map<number, number>();
  exposure: Exposure;
  #before: Exposure | null = null;
  /** number of the first stamp of a series */
  #firstNumber = 0;
  #anyComment = false;
  #hasId = false;

  constructor(record: DaqRecord, joinedLate: boolean) {
    this.seqNo = record.sequence;
    this.series = record.series;
    this.joinedLate = joinedLate;
    this.seriesId = `series-${record.series}`;
    const fromItsFirst = record.eventType === EventType.stamp && (record.frameFlags & frameFlag.first) !== 0;
    this.fromItsStart = !joinedLate || fromItsFirst;
    const inside = !this.fromItsStart && record.eventType !== EventType.resume;
    this.exposure = new Exposure(
      0,
      this.#identityOf(inside ? unknownObsid : this.seriesId, 0),
      false,
      inside,
    );
  }

  get identity(): StampIdentity {
    return this.exposure.identity;
  }

  /** its START came */
  hasStart(location: number): boolean {
    return this.#startTimes.has(location);
  }

  /** START or RESUME named this sensor, or it delivered stamps. */
  has(location: number): boolean {
    return this.started.has(location) || this.seen.has(location) || this.exposure.resumed.has(location);
  }

  #identityOf(obsid: string, exposureIndex: number): StampIdentity {
    return {
      seqNo: this.seqNo,
      series: this.series,
      seriesId: this.seriesId,
      obsid,
      exposureId: parseObsId(obsid)?.exposureId ?? null,
      exposureIndex,
    };
  }

  /** `other`: a START that belongs to another series: the DAQ restarted and counts from the same number. */
  takeStart(record: DaqRecord): 'new' | 'known' | 'other' {
    const before = this.#startTimes.get(record.location);
    if (before !== undefined) return before === record.tSrcTaiNs ? 'known' : 'other';
    this.#startTimes.set(record.location, record.tSrcTaiNs);
    this.#learnNumbering(record);
    if (record.seriesMetadata) {
      this.started.set(record.location, record.seriesMetadata);
      if (record.seriesMetadata.id !== '') this.#name(record.seriesMetadata.id);
    }
    return 'new';
  }

  #learnNumbering(record: DaqRecord): void {
    if (record.frameFlags & frameFlag.oneBased) this.#firstNumber = 1;
  }

  #name(seriesId: string): void {
    const { exposure } = this;
    this.#hasId = true;
    const unnamed = exposure.identity.obsid === this.seriesId;
    this.seriesId = seriesId;
    exposure.identity = this.#identityOf(unnamed ? seriesId : exposure.identity.obsid, exposure.index);
  }

  /**
   * `new`: a new exposure begins; `more`: another sensor's RESUME of the same one; `names`: the RESUME of an
   * exposure that its stamps had opened; `known`: a repetition.
   */
  resumeKind(record: DaqRecord): 'new' | 'more' | 'names' | 'known' {
    const { exposure } = this;
    const time = record.tSrcTaiNs;
    const before = exposure.resumed.get(record.location);
    if (before !== undefined && before === time) return 'known';
    if (exposure.index === 0 || before !== undefined) return 'new';
    const early = time !== 0n && exposure.firstTaiNs !== 0n && time <= exposure.firstTaiNs;
    if (!exposure.named) return early ? 'names' : 'new';
    if (this.#obsidOf(record) !== exposure.identity.obsid) return 'new';
    return exposure.running || early ? 'more' : 'new';
  }

  takeResume(record: DaqRecord, kind: 'new' | 'more' | 'names'): void {
    this.#learnNumbering(record);
    if (record.text.trim() !== '') this.#anyComment = true;
    const obsid = this.#obsidOf(record);
    if (kind === 'new') this.#open(obsid, true);
    if (kind === 'names') {
      this.exposure.named = true;
      this.exposure.identity = this.#identityOf(obsid, this.exposure.index);
    }
    this.exposure.resumed.set(record.location, record.tSrcTaiNs);
  }

  #open(obsid: string, named: boolean): void {
    const index = this.exposure.index + 1;
    this.#before = this.exposure;
    this.exposure = new Exposure(index, this.#identityOf(obsid, index), named, false);
  }

  #obsidOf(record: DaqRecord): string {
    const comment = record.text.trim();
    return comment === '' ? this.seriesId : comment;
  }

  /** Notes a stamp; true when no known exposure can have produced it: its RESUME was lost. */
  hears(record: DaqRecord): boolean {
    this.seen.add(record.location);
    this.#learnNumbering(record);
    return this.#isBeyond(record, Number(record.stampIndex));
  }

  /** An exposure whose RESUME was lost. */
  openUntold(): void {
    // The DAQ's own fallback: without a comment the series id names the exposure.
    this.#open(this.#anyComment || !this.#hasId ? unknownObsid : this.seriesId, false);
  }

  /** Where a stamp belongs. */
  placeOf(record: DaqRecord): StampPlace {
    const stamp = Number(record.stampIndex);
    const { exposure } = this;
    if (exposure.joinedInside) return { exposure, place: null };
    if (exposure.base < 0) {
      exposure.base = this.#firstOf(stamp - record.gap, stamp);
      exposure.firstTaiNs = record.tSrcTaiNs;
    }
    if (stamp >= exposure.base || this.#before === null) {
      return { exposure, place: stamp - exposure.base };
    }
    const { base } = this.#before;
    return { exposure: this.#before, place: base < 0 || stamp < base ? null : stamp - base };
  }

  #isBeyond(record: DaqRecord, stamp: number): boolean {
    const { exposure } = this;
    if (exposure.joinedInside && exposure.running) return false;
    if (exposure.index === 0 && !exposure.joinedInside) return true;
    if (exposure.running) return false;
    const end = this.#end();
    if (end !== null) return stamp >= end;
    const pausedTaiNs = exposure.paused.get(record.location) ?? exposure.paused.values().next().value ?? 0n;
    return record.tSrcTaiNs !== 0n && pausedTaiNs !== 0n && record.tSrcTaiNs > pausedTaiNs;
  }

  /** One past the last stamp number the DAQ spoke of; null: it never told. */
  #end(): number | null {
    let most = -1n;
    for (const sent of this.sent.values()) if (sent > most) most = sent;
    return most < 0n ? null : Number(most) + this.#firstNumber;
  }

  /** The first stamp of an exposure: where the one before it ended, if that is known. */
  #firstOf(guess: number, stamp: number): number {
    const end = this.#before?.running === false ? this.#end() : null;
    return end !== null && end > guess && end <= stamp ? end : guess;
  }

  /** PAUSE or STOP; true when it is the first to say that the exposure is over. */
  takeHalt(record: DaqRecord): boolean {
    this.#learnNumbering(record);
    if (record.stampsSent !== null) this.sent.set(record.location, record.stampsSent);
    if (this.exposure.isAfter(record.tSrcTaiNs)) return false;
    if (record.stampsSent !== null) this.#sentIn.set(record.location, this.exposure.index);
    return this.halt(record.location, record.tSrcTaiNs);
  }

  /** What the DAQ sent of a sensor up to now; null: it has not told since the exposure began. */
  sentOf(location: number): bigint | null {
    const told = this.#sentIn.get(location) === this.exposure.index;
    return told ? (this.sent.get(location) ?? null) : null;
  }

  /** The exposure is over, whoever says so. */
  halt(location: number, taiNs: bigint): boolean {
    const first = this.exposure.running;
    this.exposure.paused.set(location, taiNs);
    return first;
  }
}
