// SPDX-License-Identifier: Apache-2.0
// The system clock beside a timing receiver: the median of the last sentences, so that one late line says nothing.

import type { Alarms } from './alarms.js';

const kept = 5;
/** An alarm ends when the offset is below this part of what raised it. */
const hysteresis = 0.5;

export class ReceivedTime {
  readonly #alarms: Alarms;
  readonly #offsets: number[] = [];
  #offsetMs = Number.NaN;

  constructor(alarms: Alarms) {
    this.#alarms = alarms;
  }

  /** ms, system clock minus receiver; NaN until enough sentences came */
  get offsetMs(): number {
    return this.#offsetMs;
  }

  /** The receiver and the system clock do not agree. */
  get suspect(): boolean {
    return this.#alarms.isOn('time_offset');
  }

  note(offsetMs: number, maxOffsetMs: number): void {
    this.#offsets.push(offsetMs);
    if (this.#offsets.length > kept) this.#offsets.shift();
    if (this.#offsets.length < kept) return;
    this.#offsetMs = [...this.#offsets].sort((a, b) => a - b)[Math.floor(kept / 2)] ?? Number.NaN;
    const size = Math.abs(this.#offsetMs);
    const now = `the system clock is ${this.#offsetMs.toFixed(1)} ms from the timing receiver`;
    if (size > maxOffsetMs) {
      this.#alarms.raise(
        'time_offset',
        'serious',
        `${now}, more than ${maxOffsetMs} ms: results are flagged time_suspect`,
      );
    } else if (size <= maxOffsetMs * hysteresis) this.#alarms.clear('time_offset', now);
  }
}
