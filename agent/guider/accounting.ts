// SPDX-License-Identifier: Apache-2.0
// What became of every stamp. The link counts what arrived; the role counts what left. Together they obey
//   seen = complete + incomplete + bad + duplicate + dropped
//   sent = complete + incomplete + dropped + lost
//   complete = published + withheld + superseded + rejected

import type { DaqRecord, SensorCounters } from '../model/daq.js';
import type { SensorAccount, SeriesAccount } from '../model/messages.js';

interface Tally {
  complete: number;
  incomplete: number;
  dropped: number;
  published: number;
  withheld: number;
  superseded: number;
  rejected: number;
  lost: number;
  late: number;
}

function newTally(): Tally {
  return {
    complete: 0,
    incomplete: 0,
    dropped: 0,
    published: 0,
    withheld: 0,
    superseded: 0,
    rejected: 0,
    lost: 0,
    late: 0,
  };
}

/** Counts records by location, for the agent's life and for the current series. */
export class Accounting {
  readonly #life = new Map<number, Tally>();
  readonly #series = new Map<number, Tally>();
  /** stamps the DAQ said it sent in series that are over; null: not known for all of them */
  readonly #sent = new Map<number, bigint | null>();

  /** One stamp record, when its message has left or, outside ENABLED, was withheld. */
  take(record: DaqRecord, how: { late: boolean; current: boolean; withheld: boolean }): void {
    count(tallyOf(this.#life, record.location), record, how);
    if (how.current) count(tallyOf(this.#series, record.location), record, how);
  }

  /** The series is over: `sent` of each of its sensors from STOP or PAUSE, null where the DAQ did not tell. */
  endSeries(sent: ReadonlyMap<number, bigint | null>, joinedLate: boolean): void {
    for (const [location, told] of sent) {
      const before = this.#sent.get(location);
      const known = before !== null && told !== null && !joinedLate;
      this.#sent.set(location, known ? (before ?? 0n) + told : null);
    }
    this.#series.clear();
  }

  /** Counts of the current series. */
  series(location: number, sent: bigint | null): SeriesAccount {
    const tally = this.#series.get(location) ?? newTally();
    // What the DAQ sent and nobody saw at the end of the series is in no record's gap.
    const arrived = tally.complete + tally.incomplete + tally.dropped;
    const lost = sent === null ? tally.lost : Math.max(0, Number(sent) - arrived);
    return { sent, ...tally, lost };
  }

  /** Counts since the agent's start; `running`: what the DAQ sent in the series not yet over, null: not told. */
  account(counters: SensorCounters, running: bigint | null): SensorAccount {
    const tally = this.#life.get(counters.location) ?? newTally();
    const past = this.#sent.get(counters.location);
    const sent = past === null || running === null ? null : (past ?? 0n) + running;
    return {
      sent,
      seen: counters.seen,
      complete: counters.complete,
      incomplete: counters.incomplete,
      bad: counters.bad,
      duplicate: counters.duplicate,
      dropped: counters.dropped,
      published: BigInt(tally.published),
      withheld: BigInt(tally.withheld),
      superseded: counters.superseded,
      rejected: BigInt(tally.rejected),
      lost: counters.lost,
      late: BigInt(tally.late),
      reordered: counters.reordered,
    };
  }
}

function tallyOf(map: Map<number, Tally>, location: number): Tally {
  let tally = map.get(location);
  if (!tally) {
    tally = newTally();
    map.set(location, tally);
  }
  return tally;
}

function count(tally: Tally, record: DaqRecord, how: { late: boolean; withheld: boolean }): void {
  tally.superseded += record.superseded;
  tally.complete += record.superseded;
  tally.lost += record.gap;
  if (how.late) tally.late++;
  switch (record.outcome) {
    case 'measured':
      tally.complete++;
      if (how.withheld) tally.withheld++;
      else tally.published++;
      break;
    case 'refused':
      tally.complete++;
      if (how.withheld) tally.withheld++;
      else tally.rejected++;
      break;
    case 'incomplete':
      tally.incomplete++;
      break;
    case 'dropped':
      tally.dropped++;
      break;
    case 'event':
      break;
  }
}

export interface Conservation {
  readonly conserved: boolean;
  /** complete stamps on their way between the link thread and the publisher */
  readonly inFlight: bigint;
  /** which law fails, with its numbers; '' when none does */
  readonly problem: string;
}

/** Checks the three laws; stamps in flight are no fault. */
export function checkConservation(a: SensorAccount): Conservation {
  const inFlight = a.complete - a.published - a.withheld - a.superseded - a.rejected;
  const problems: string[] = [];
  const arrived = a.complete + a.incomplete + a.bad + a.duplicate + a.dropped;
  if (a.seen !== arrived) problems.push(`seen ${a.seen} != ${arrived} accounted`);
  if (inFlight < 0n) problems.push(`complete ${a.complete} < ${a.complete - inFlight} that left`);
  if (a.sent !== null) {
    const told = a.complete + a.incomplete + a.dropped + a.lost;
    if (a.sent !== told) problems.push(`sent ${a.sent} != ${told} accounted`);
  }
  return { conserved: problems.length === 0, inFlight, problem: problems.join('; ') };
}
