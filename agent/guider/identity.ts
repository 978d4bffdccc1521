// SPDX-License-Identifier: Apache-2.0
// Which series and exposure a record belongs to. The DAQ tells each sensor separately (START, RESUME, PAUSE,
// STOP), any of these may be lost or come twice, and the agent may join in the middle.

import type { DaqRecord, SeriesMetadata } from '../model/daq.js';
import type { StampIdentity } from '../model/messages.js';
import { parseObsId } from '../model/obs-id.js';

export const unknownObsid = 'UNKNOWN';

/** One series as far as it is known. */
export class Series implements StampIdentity {
  readonly seqNo: number;
  readonly series: bigint;
  seriesId: string;
  obsid: string;
  exposureId: number | null = null;
  /** no START was seen: nothing is known of ROI, period and the stamps before */
  readonly joinedLate: boolean;
  /** per location: metadata of START */
  readonly started = new Map<number, SeriesMetadata>();
  readonly #startTimes = new Map<number, bigint>();
  /** locations that delivered a stamp */
  readonly seen = new Set<number>();
  /** stamps the DAQ says it sent, from PAUSE and STOP */
  readonly sent = new Map<number, bigint>();
  /** RESUMEs of the current exposure: location -> time */
  readonly #resumed = new Map<number, bigint>();
  /** number of the exposure in the series; 0 before the first RESUME */
  exposure = 0;
  /** first stamp number of the exposure; -1 until a stamp came, or when the agent joined inside it */
  exposureBase = -1;
  #current: StampIdentity | null = null;

  constructor(record: DaqRecord, joinedLate: boolean) {
    this.seqNo = record.sequence;
    this.series = record.series;
    this.joinedLate = joinedLate;
    this.seriesId = `series-${record.series}`;
    this.obsid = joinedLate ? unknownObsid : this.seriesId;
  }

  /** A frozen copy for messages; the same object until something changes. */
  get identity(): StampIdentity {
    this.#current ??= {
      seqNo: this.seqNo,
      series: this.series,
      seriesId: this.seriesId,
      obsid: this.obsid,
      exposureId: this.exposureId,
    };
    return this.#current;
  }

  /** False for a START that belongs to another series: the DAQ restarted and counts from the same number. */
  takeStart(record: DaqRecord): 'new' | 'known' | 'other' {
    const before = this.#startTimes.get(record.location);
    if (before !== undefined) return before === record.tSrcTaiNs ? 'known' : 'other';
    this.#startTimes.set(record.location, record.tSrcTaiNs);
    if (record.seriesMetadata) {
      this.started.set(record.location, record.seriesMetadata);
      if (record.seriesMetadata.id !== '') this.#name(record.seriesMetadata.id);
    }
    return 'new';
  }

  #name(seriesId: string): void {
    if (this.exposure === 0 && !this.joinedLate) this.obsid = seriesId;
    this.seriesId = seriesId;
    this.#current = null;
  }

  /** `new`: a new exposure begins; `more`: another sensor's RESUME of the same one; `known`: a repetition. */
  resumeKind(record: DaqRecord): 'new' | 'more' | 'known' {
    if (this.exposure === 0 || this.#obsidOf(record) !== this.obsid) return 'new';
    const before = this.#resumed.get(record.location);
    if (before === undefined) return 'more';
    return before === record.tSrcTaiNs ? 'known' : 'new';
  }

  takeResume(record: DaqRecord, kind: 'new' | 'more'): void {
    if (kind === 'new') {
      this.exposure++;
      this.exposureBase = -1;
      this.#resumed.clear();
      this.obsid = this.#obsidOf(record);
      this.exposureId = parseObsId(this.obsid)?.exposureId ?? null;
      this.#current = null;
    }
    this.#resumed.set(record.location, record.tSrcTaiNs);
  }

  #obsidOf(record: DaqRecord): string {
    const comment = record.text.trim();
    return comment === '' ? this.seriesId : comment;
  }

  /** Notes a stamp; returns its number in the exposure, null when that cannot be known. */
  takeStamp(record: DaqRecord): number | null {
    this.seen.add(record.location);
    if (this.exposure === 0) return null;
    const stamp = Number(record.stampIndex);
    const first = stamp - record.gap;
    if (this.exposureBase < 0) this.exposureBase = first;
    return stamp - this.exposureBase;
  }

  takeSent(record: DaqRecord): void {
    if (record.stampsSent !== null) this.sent.set(record.location, record.stampsSent);
  }
}
