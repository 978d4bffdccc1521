// SPDX-License-Identifier: Apache-2.0
// The machine's clocks: CLOCK_MONOTONIC for intervals and order, TAI for everybody else. Nothing that is waited for or
// subtracted comes from the system clock, so that it may be set while stamps flow.

import type { Clock, Timer } from '../model/clock.js';

export interface ClockSource {
  /** the system clock, ms since 1970, cut to the ms */
  readonly wallMs: () => number;
  /** CLOCK_MONOTONIC, ns */
  readonly monotonicNs: () => bigint;
}

export const systemClocks: ClockSource = {
  wallMs: () => Date.now(),
  monotonicNs: () => process.hrtime.bigint(),
};

const nsPerMs = 1_000_000n;
/** Slewing changes a clock by at most 0.5 ms each second: more than this is a step. */
const stepNs = 100n * nsPerMs;

function size(ns: bigint): bigint {
  return ns < 0n ? -ns : ns;
}

export class HostClock implements Clock {
  readonly #source: ClockSource;
  #taiMinusUtcNs: bigint;
  /** CLOCK_REALTIME - CLOCK_MONOTONIC */
  #realtimeOffsetNs: bigint;

  constructor(taiMinusUtcS: number, source: ClockSource = systemClocks) {
    this.#source = source;
    this.#taiMinusUtcNs = BigInt(taiMinusUtcS) * 1_000_000_000n;
    this.#realtimeOffsetNs = this.#waitForTick();
  }

  set taiMinusUtcS(seconds: number) {
    this.#taiMinusUtcNs = BigInt(seconds) * 1_000_000_000n;
  }

  monotonicNs(): bigint {
    return this.#source.monotonicNs();
  }

  taiNs(): bigint {
    return this.utcNs() + this.#taiMinusUtcNs;
  }

  /** UTC by the system clock, ns since 1970. */
  utcNs(): bigint {
    return this.#source.monotonicNs() + this.#realtimeOffsetNs;
  }

  /**
   * Follows steps and slew of the system clock: what its reading cuts off is less than 1 ms. Returns by how much it was
   * stepped since the last call, s; 0 when it was not.
   */
  refresh(): number {
    const before = this.#realtimeOffsetNs;
    // A pause between the two readings looks like a step back; the next try has none.
    let least = this.#leastOffsetNs();
    for (let again = 0; again < 3 && size(least - before) > stepNs; again++) {
      const next = this.#leastOffsetNs();
      if (next > least) least = next;
    }
    if (this.#realtimeOffsetNs < least) this.#realtimeOffsetNs = least;
    if (this.#realtimeOffsetNs > least + nsPerMs) this.#realtimeOffsetNs = least + nsPerMs;
    const change = this.#realtimeOffsetNs - before;
    return size(change) > stepNs ? Number(change) / 1e9 : 0;
  }

  at(monotonicNs: bigint, call: () => void): Timer {
    const waitNs = monotonicNs - this.#source.monotonicNs();
    const waitMs = waitNs > 0n ? Math.ceil(Number(waitNs) / 1e6) : 0;
    let immediate: NodeJS.Immediate | null = null;
    // When this thread was busy, timers run before the records that arrived meanwhile; one turn later they
    // have been handed over.
    const timeout = setTimeout(() => {
      immediate = setImmediate(call);
    }, waitMs);
    return {
      cancel() {
        clearTimeout(timeout);
        if (immediate) clearImmediate(immediate);
      },
    };
  }

  #leastOffsetNs(): bigint {
    return BigInt(this.#source.wallMs()) * nsPerMs - this.#source.monotonicNs();
  }

  /** The system clock is read cut to the ms: the moment it ticks tells the difference of the clocks to some us. */
  #waitForTick(): bigint {
    const start = this.#source.wallMs();
    for (;;) {
      const now = this.#source.wallMs();
      if (now !== start) return BigInt(now) * nsPerMs - this.#source.monotonicNs();
    }
  }
}
