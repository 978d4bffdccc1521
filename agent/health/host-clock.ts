// SPDX-License-Identifier: Apache-2.0
// The machine's clocks: CLOCK_MONOTONIC for intervals, TAI for everybody else.

import type { Clock, Timer } from '../model/clock.js';

const nsPerMs = 1_000_000n;

/** Date.now() cuts to the ms: the moment it ticks tells the difference of the clocks to some us. */
function waitForTick(): bigint {
  const start = Date.now();
  for (;;) {
    const now = Date.now();
    if (now !== start) return BigInt(now) * nsPerMs - process.hrtime.bigint();
  }
}

export class HostClock implements Clock {
  readonly #taiMinusUtcNs: bigint;
  /** CLOCK_REALTIME - CLOCK_MONOTONIC */
  #realtimeOffsetNs: bigint;

  constructor(taiMinusUtcS: number) {
    this.#taiMinusUtcNs = BigInt(taiMinusUtcS) * 1_000_000_000n;
    this.#realtimeOffsetNs = waitForTick();
  }

  monotonicNs(): bigint {
    return process.hrtime.bigint();
  }

  taiNs(): bigint {
    return process.hrtime.bigint() + this.#realtimeOffsetNs + this.#taiMinusUtcNs;
  }

  /** UTC by the system clock, ns since 1970. */
  utcNs(): bigint {
    return process.hrtime.bigint() + this.#realtimeOffsetNs;
  }

  /** Follows steps and slew of the system clock: what Date.now() cut off is less than 1 ms. */
  refresh(): void {
    const least = BigInt(Date.now()) * nsPerMs - process.hrtime.bigint();
    if (this.#realtimeOffsetNs < least) this.#realtimeOffsetNs = least;
    if (this.#realtimeOffsetNs > least + nsPerMs) this.#realtimeOffsetNs = least + nsPerMs;
  }

  at(monotonicNs: bigint, call: () => void): Timer {
    const waitNs = monotonicNs - process.hrtime.bigint();
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
}
