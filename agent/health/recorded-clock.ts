// SPDX-License-Identifier: Apache-2.0
// The clock of a recording: time is what the records say, and a timer fires before the first record that is not
// earlier than it. So what a role does with a recording does not depend on how fast it is played, or by whom.

import type { Clock, Timer } from '../model/clock.js';

interface Pending {
  readonly ns: bigint;
  readonly call: () => void;
}

export class RecordedClock implements Clock {
  readonly #host: Pick<Clock, 'taiNs'>;
  #nowNs = 0n;
  /** in the order of their times, then of their setting */
  #pending: Pending[] = [];

  /** TAI is for stamps of sending only: it is the host's. */
  constructor(host: Pick<Clock, 'taiNs'>) {
    this.#host = host;
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

  /** A record of this time comes next. Time never goes back. */
  advance(toNs: bigint): void {
    for (let next = this.#pending[0]; next && next.ns <= toNs; next = this.#pending[0]) this.#fire(next);
    if (toNs > this.#nowNs) this.#nowNs = toNs;
  }

  /** Nothing comes any more: whatever waits is due. */
  finish(): void {
    for (let next = this.#pending[0]; next; next = this.#pending[0]) this.#fire(next);
  }

  #fire(next: Pending): void {
    this.#pending.shift();
    if (next.ns > this.#nowNs) this.#nowNs = next.ns;
    next.call();
  }
}
