// SPDX-License-Identifier: Apache-2.0
// The clock of a role that follows a stream: time is when records were delivered, and a timer fires before the first
// record that is not earlier than it. So what a role makes of a stream is the same live and of its recording, at any speed.

import type { Clock, Timer } from '../model/clock.js';

/** A stream that happens now: timers also fire when nothing comes. */
export interface LiveStream {
  /** the machine's */
  readonly clock: Clock;
  /** when the record was delivered that is on its way; 0: none is, 1: that is not known yet */
  busySinceNs(): bigint;
  /** hands on what waits */
  look(): void;
  /** calls when others have had their turn */
  soon(call: () => void): void;
}

interface Pending {
  readonly ns: bigint;
  readonly call: () => void;
}

/** A deadline does not wait longer for a link thread that is stuck. */
const patienceNs = 20_000_000n;

export class StreamClock implements Clock {
  readonly #host: Pick<Clock, 'taiNs'>;
  readonly #live: LiveStream | null;
  #nowNs = 0n;
  /** in the order of their times, then of their setting */
  #pending: Pending[] = [];
  /** of the machine, for what is due first */
  #alarm: { readonly ns: bigint; readonly timer: Timer } | null = null;

  /** TAI is for stamps of sending only: it is the host's. `live` null: a recording. */
  constructor(host: Pick<Clock, 'taiNs'>, live: LiveStream | null) {
    this.#host = host;
    this.#live = live;
  }

  monotonicNs(): bigint {
    return this.#nowNs;
  }

  taiNs(): bigint {
    return this.#host.taiNs();
  }

  at(monotonicNs: bigint, call: () => void): Timer {
    const pending = { ns: monotonicNs, call };
    const later = this.#pending.findIndex(({ ns }) => ns > monotonicNs);
    this.#pending.splice(later < 0 ? this.#pending.length : later, 0, pending);
    return {
      cancel: () => {
        this.#pending = this.#pending.filter((other) => other !== pending);
      },
    };
  }

  /** True when something fires before a record of this time. */
  isDue(toNs: bigint): boolean {
    const next = this.#pending[0];
    return next !== undefined && next.ns <= toNs;
  }

  /** A record of this time comes next. Time never goes back. */
  advance(toNs: bigint): void {
    for (let next = this.#pending[0]; next && next.ns <= toNs; next = this.#pending[0]) this.#fire(next);
    if (toNs > this.#nowNs) this.#nowNs = toNs;
  }

  /** All records that were there have been handed on: what waits now fires by itself, if nothing comes. */
  settle(): void {
    const next = this.#pending[0];
    const stream = this.#live;
    if (!stream || next?.ns === this.#alarm?.ns) return;
    this.#alarm?.timer.cancel();
    this.#alarm = null;
    if (!next) return;
    const { ns } = next;
    this.#alarm = { ns, timer: stream.clock.at(ns, () => this.#onAlarm(stream, ns)) };
  }

  /** Nothing comes any more: whatever waits is due. */
  finish(): void {
    for (let next = this.#pending[0]; next; next = this.#pending[0]) this.#fire(next);
    this.settle();
  }

  /** Whatever was delivered in time is handed on first, what is being measured included. */
  #onAlarm(stream: LiveStream, ns: bigint): void {
    const since = stream.busySinceNs();
    if (since !== 0n && since <= ns && stream.clock.monotonicNs() < ns + patienceNs) {
      stream.soon(() => {
        if (this.#alarm?.ns === ns) this.#onAlarm(stream, ns);
      });
      return;
    }
    this.#alarm = null;
    stream.look();
    this.advance(ns);
    this.settle();
  }

  #fire(next: Pending): void {
    this.#pending.shift();
    if (next.ns > this.#nowNs) this.#nowNs = next.ns;
    next.call();
  }
}
