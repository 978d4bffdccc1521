// SPDX-License-Identifier: Apache-2.0
// Groups the results of one stamp over the sensors and decides when the group is closed: when every expected
// sensor has answered, when the missing ones have already delivered a later stamp, or at a deadline.

import type { Clock, Timer } from '../model/clock.js';
import type { ClosedBy, StampResult } from '../model/messages.js';

export interface Acquisition {
  readonly stamp: number;
  /** in the profile's sensor order */
  readonly results: (StampResult | null)[];
  /** last packet of the sensor that came first, monotonic ns */
  readonly firstSensorNs: bigint;
}

interface Open extends Acquisition {
  timer: Timer | null;
}

export type CloseHandler = (acquisition: Acquisition, closedBy: ClosedBy) => void;

/** More than this many open at once means that the source is not what it says; the oldest closes. */
const mostOpen = 64;

export class AcquisitionBook {
  readonly #clock: Clock;
  readonly #close: CloseHandler;
  readonly #nSensors: number;
  /** in the order of stamps */
  readonly #open: Open[] = [];
  readonly #newest: number[];
  #newestClosed = -1;

  constructor(nSensors: number, clock: Clock, close: CloseHandler) {
    this.#nSensors = nSensors;
    this.#clock = clock;
    this.#close = close;
    this.#newest = new Array<number>(nSensors).fill(-1);
  }

  /** A new series: stamp numbers begin again. Anything open is closed first by `closeAll`. */
  restart(): void {
    this.#newest.fill(-1);
    this.#newestClosed = -1;
  }

  /** True when the acquisition of this stamp is closed: its result comes too late to be combined. */
  isClosed(stamp: number): boolean {
    return stamp <= this.#newestClosed && !this.#open.some((o) => o.stamp === stamp);
  }

  /** Adds a result of an acquisition that is not closed; closes whatever this completes, oldest first. */
  add(result: StampResult, expected: readonly boolean[]): void {
    const open = this.#openFor(result.stamp, result.tLastNs);
    open.results[result.index] = result;
    if (result.stamp > (this.#newest[result.index] ?? -1)) this.#newest[result.index] = result.stamp;
    while (this.#open.length > mostOpen) this.#closeAt(0, 'next');
    for (let i = 0; i < this.#open.length; ) {
      const candidate = this.#open[i];
      if (!candidate || candidate.stamp > result.stamp) break;
      const closedBy = this.#verdict(candidate, expected);
      if (closedBy) this.#closeAt(i, closedBy);
      else i++;
    }
  }

  /** Sets deadlines for what is still open: of each acquisition once, with the period as it is known then. */
  arm(closingNs: () => bigint): void {
    for (const open of this.#open) {
      if (open.timer) continue;
      open.timer = this.#clock.at(open.firstSensorNs + closingNs(), () => {
        const at = this.#open.indexOf(open);
        if (at >= 0) this.#closeAt(at, 'timeout');
      });
    }
  }

  closeAll(closedBy: ClosedBy): void {
    while (this.#open.length > 0) this.#closeAt(0, closedBy);
  }

  #openFor(stamp: number, lastNs: bigint): Open {
    const found = this.#open.find((o) => o.stamp === stamp);
    if (found) return found;
    const results = new Array<StampResult | null>(this.#nSensors).fill(null);
    const open: Open = { stamp, results, firstSensorNs: lastNs, timer: null };
    const at = this.#open.findIndex((o) => o.stamp > stamp);
    this.#open.splice(at < 0 ? this.#open.length : at, 0, open);
    return open;
  }

  #verdict(open: Open, expected: readonly boolean[]): ClosedBy | null {
    let closedBy: ClosedBy = 'complete';
    for (let i = 0; i < expected.length; i++) {
      if (!expected[i] || open.results[i]) continue;
      if ((this.#newest[i] ?? -1) <= open.stamp) return null;
      closedBy = 'next';
    }
    return closedBy;
  }

  #closeAt(at: number, closedBy: ClosedBy): void {
    const [open] = this.#open.splice(at, 1);
    if (!open) return;
    open.timer?.cancel();
    if (open.stamp > this.#newestClosed) this.#newestClosed = open.stamp;
    this.#close(open, closedBy);
  }
}
