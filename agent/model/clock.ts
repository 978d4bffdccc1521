// SPDX-License-Identifier: Apache-2.0
// Time as the rooms see it: passed in, so that tests decide what time it is.

export interface Clock {
  /** CLOCK_MONOTONIC, ns: the scale of every `t*Ns` except `tSrcTaiNs` */
  monotonicNs(): bigint;
  /** TAI now, ns since 1970 */
  taiNs(): bigint;
  /** Calls once at or after a monotonic time, when records that already arrived have been handed over. */
  at(monotonicNs: bigint, call: () => void): Timer;
}

export interface Timer {
  cancel(): void;
}
