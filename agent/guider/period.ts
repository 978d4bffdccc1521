// SPDX-License-Identifier: Apache-2.0
// Time from stamp to stamp: the ROI timing model until two stamps were seen, then what was seen.

/** Intervals remembered: enough to outlive one irregular one, few enough to follow a change of cadence. */
const memory = 5;

export class StampPeriod {
  #modelNs: bigint;
  readonly #intervals: bigint[] = [];
  #sensor = -1;
  #stamp = -1;
  #timeNs = 0n;

  constructor(modelNs: bigint) {
    this.#modelNs = modelNs;
  }

  /** A new series: nothing seen yet. */
  restart(modelNs: bigint): void {
    this.#modelNs = modelNs;
    this.#intervals.length = 0;
    this.#sensor = -1;
  }

  /** A pause is no interval. */
  interrupt(): void {
    this.#sensor = -1;
  }

  /** Takes one stamp; only consecutive stamps of one sensor make an interval. */
  take(sensor: number, stamp: number, timeNs: bigint): void {
    // One sensor is followed; another takes over when that one has been silent for three stamps.
    if (this.#sensor >= 0 && sensor !== this.#sensor && stamp < this.#stamp + 3) return;
    if (sensor === this.#sensor && stamp === this.#stamp + 1 && timeNs > this.#timeNs) {
      this.#intervals.push(timeNs - this.#timeNs);
      if (this.#intervals.length > memory) this.#intervals.shift();
    }
    this.#sensor = sensor;
    this.#stamp = stamp;
    this.#timeNs = timeNs;
  }

  /** The lower median of the last intervals. */
  get ns(): bigint {
    const n = this.#intervals.length;
    if (n === 0) return this.#modelNs;
    const sorted = [...this.#intervals].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    return sorted[(n - 1) >> 1] ?? this.#modelNs;
  }
}
