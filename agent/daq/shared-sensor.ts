// SPDX-License-Identifier: Apache-2.0
// A sensor that comes over several links: each of its stamps is used once, from the link that brings it first. One that
// misses packets closes later than another link brings it whole.

import type { DaqRecord, SensorCounters } from '../model/daq.js';
import { frameFlag } from '../model/flags.js';

/** Numbers that are remembered behind the newest one. */
const remembered = 1024n;

export class SharedSensor {
  readonly #location: number;
  #series = -1n;
  #newest = -1n;
  /** of the series: numbers that were used */
  #used = new Set<bigint>();
  #complete = 0n;
  #incomplete = 0n;
  #dropped = 0n;
  #lost = 0n;

  constructor(location: number) {
    this.#location = location;
  }

  /** The links are opened: series are counted from anew. */
  begin(): void {
    this.#enter(-1n);
  }

  #enter(series: bigint): void {
    this.#series = series;
    this.#newest = -1n;
    this.#used = new Set();
  }

  /** The stamp as it is to be used, with what is missing before it over all links; null: another link brought it. */
  take(record: DaqRecord): DaqRecord | null {
    const { series, stampIndex } = record;
    const first = series > this.#series;
    if (first) this.#enter(series);
    const old = series < this.#series || stampIndex + remembered <= this.#newest;
    if (old || this.#used.has(stampIndex)) return null;
    this.#used.add(stampIndex);
    const gap = this.#gapBefore(record, first);
    this.#lost += gap < 0n ? -1n : gap;
    if (record.outcome === 'incomplete') this.#incomplete++;
    else if (record.outcome === 'dropped') this.#dropped++;
    else this.#complete++;
    const frameFlags = gap < 0n ? record.frameFlags | frameFlag.reordered : record.frameFlags;
    return { ...record, frameFlags, gap: gap < 0n ? 0 : Number(gap), superseded: 0 };
  }

  /** Stamps that no link has brought up to now; -1: this is one that was missed. */
  #gapBefore({ stampIndex, gap }: DaqRecord, first: boolean): bigint {
    const before = this.#newest;
    if (stampIndex < before) return -1n;
    this.#newest = stampIndex;
    if (first) return BigInt(gap);
    this.#used.delete(stampIndex - remembered);
    return stampIndex - before - 1n;
  }

  /** `sources`: what each link counted of it. */
  counters(sources: readonly SensorCounters[]): SensorCounters {
    const all = (key: 'refused' | 'errXfer' | 'errSize' | 'errMissBeg' | 'errMissEnd' | 'unsettled') =>
      sources.reduce((sum, one) => sum + one[key], 0n);
    return {
      location: this.#location,
      seen: this.#complete + this.#incomplete + this.#dropped,
      complete: this.#complete,
      incomplete: this.#incomplete,
      dropped: this.#dropped,
      lost: this.#lost,
      // What is no stamp of its own, or was left in a link's ring, is in the counts of that link.
      bad: 0n,
      duplicate: 0n,
      superseded: 0n,
      reordered: 0n,
      refused: all('refused'),
      errXfer: all('errXfer'),
      errSize: all('errSize'),
      errMissBeg: all('errMissBeg'),
      errMissEnd: all('errMissEnd'),
      unsettled: all('unsettled'),
    };
  }
}
