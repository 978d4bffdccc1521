// SPDX-License-Identifier: Apache-2.0
// One count of series over several links. Links of one DAQ partition number their series alike, but each link counts by
// itself the restarts that it saw. Whichever link begins a series begins it for all. A link whose source alone begins
// anew while others deliver is out of step: its stamps are told as those of an older series, until a START of its comes
// with one of the others.

import { type DaqRecord, EventType } from '../model/daq.js';

/** STARTs of one series come within this long over all links. */
const togetherNs = 1_000_000_000n;
/** Others deliver: a stamp of the series came so recently. Slower stamps than this do not exist. */
const aliveNs = 1_500_000_000n;
/** series and stamps are u16 on the wire */
const turn = 65_536n;

class Place {
  /** the link's newest series, as the link counts; null: nothing came yet */
  native: bigint | null = null;
  /** what is added to it */
  shift = 0n;
  out = false;
  /** it has told of the series in force */
  joined = false;
  /** of its last stamp in it */
  stampNs = 0n;
  /** what is added to numbers of stamps; null: not known yet */
  turns: bigint | null = null;
  /** when its last START came while it was out */
  startedNs = 0n;
  /** events since then, while it was out */
  held: DaqRecord[] = [];

  join(series: bigint): void {
    this.shift = series - (this.native ?? series);
    this.out = false;
  }
}

export class InStep {
  readonly #places: readonly Place[];
  /** the series in force; null: none began */
  #series: bigint | null = null;
  #begunNs = 0n;
  /** its newest stamp */
  #newest = -1n;

  constructor(links: number) {
    this.#places = Array.from({ length: links }, () => new Place());
  }

  isIn(link: number): boolean {
    return this.#places[link]?.out !== true;
  }

  /** The records in the common count that follow from this one: itself, after events that waited for their series. */
  take(link: number, record: DaqRecord): readonly DaqRecord[] {
    const place = this.#places[link];
    if (!place || !tellsItsSeries(record)) return [record];
    if (place.native === null || record.series > place.native) this.#turnTo(place, record);
    if (place.out) return this.#outside(place, record);
    const series = record.series + place.shift;
    if (this.#series === null || series > this.#series) this.#begin(series, record);
    if (series === this.#series) this.#note(place, record);
    const held = place.held.map((event) => renumbered(event, series, 0n));
    place.held = [];
    return [...held, renumbered(record, series, place.turns ?? 0n)];
  }

  /** A link's series changed: is it the one of the others? */
  #turnTo(place: Place, record: DaqRecord): void {
    const before = place.native;
    place.native = record.series;
    place.joined = false;
    const { eventType, tDeliveredNs } = record;
    if (this.#series === null) return;
    if (before === null) place.shift = nearest(record.series, this.#series) - record.series;
    const own = record.series + place.shift;
    const restarted =
      before !== null && before / turn !== record.series / turn && !wrapped(before, record.series);
    if (!restarted && !place.out && own >= this.#series) return;
    const justBegun = tDeliveredNs - this.#begunNs < togetherNs;
    // The others were told a moment ago; without START the link is believed when it begins anew as they did.
    if (
      justBegun &&
      (eventType === EventType.start || (restarted && !this.#othersDeliver(place, tDeliveredNs)))
    ) {
      place.join(this.#series);
      place.held = [];
      return;
    }
    place.out = this.#othersDeliver(place, tDeliveredNs);
    if (!place.out) place.join(this.#series + 1n);
  }

  #othersDeliver(place: Place, nowNs: bigint): boolean {
    return this.#places.some(
      (one) => one !== place && !one.out && one.joined && nowNs - one.stampNs < aliveNs,
    );
  }

  #outside(place: Place, record: DaqRecord): readonly DaqRecord[] {
    if (record.eventType === EventType.stamp) return [renumbered(record, (this.#series ?? 1n) - 1n, 0n)];
    if (record.eventType === EventType.start) {
      if (place.held[0]?.series !== record.series) place.held = [];
      place.startedNs = record.tDeliveredNs;
    }
    place.held.push(record);
    return [];
  }

  #begin(series: bigint, { tDeliveredNs }: DaqRecord): void {
    this.#series = series;
    this.#begunNs = tDeliveredNs;
    this.#newest = -1n;
    for (const place of this.#places) {
      place.joined = false;
      place.turns = null;
      // Its START came a moment before that of the first link in step.
      if (place.out && tDeliveredNs - place.startedNs < togetherNs) place.join(series);
    }
  }

  #note(place: Place, record: DaqRecord): void {
    if (record.eventType === EventType.start) place.joined = true;
    if (record.eventType !== EventType.stamp) return;
    // Who joins late does not know how often the number of stamps wrapped.
    place.turns ??= this.#newest < 0n ? 0n : nearest(record.stampIndex, this.#newest) - record.stampIndex;
    place.joined = true;
    place.stampNs = record.tDeliveredNs;
    const stamp = record.stampIndex + place.turns;
    if (stamp > this.#newest) this.#newest = stamp;
  }
}

function tellsItsSeries({ eventType, location }: DaqRecord): boolean {
  return location !== 255 && eventType <= EventType.resume;
}

/** From 65535 to 0; whatever else makes it smaller is a DAQ that began anew. */
function wrapped(before: bigint, after: bigint): boolean {
  return before % turn >= turn / 2n && after % turn < turn / 2n;
}

/** What looks like `number` on the wire and is nearest to `to`. */
function nearest(number: bigint, to: bigint): bigint {
  const least = (to / turn) * turn + (number % turn);
  const far = (one: bigint) => (one > to ? one - to : to - one);
  return [least - turn, least, least + turn]
    .filter((one) => one >= 0n)
    .reduce((best, one) => (far(one) < far(best) ? one : best));
}

function renumbered(record: DaqRecord, series: bigint, turns: bigint): DaqRecord {
  if (record.series === series && turns === 0n) return record;
  return { ...record, series, stampIndex: record.stampIndex + turns };
}
