// SPDX-License-Identifier: Apache-2.0
// One quantity against its threshold. Between `clear` and `raise` nothing changes; beyond either it has to stay.

import type { ThresholdSettings } from '../../model/health.js';

export class Threshold {
  readonly #settings: ThresholdSettings;
  #on = false;
  /** since when the value asks for the other state */
  #since: number | null = null;

  constructor(settings: ThresholdSettings) {
    this.#settings = settings;
  }

  get on(): boolean {
    return this.#on;
  }

  /** Takes a value at a time (s, monotonic); NaN says nothing. */
  take(value: number, nowS: number): boolean {
    const { raise, clear, holdS } = this.#settings;
    const high = raise >= clear;
    const bad = high ? value >= raise : value <= raise;
    const good = high ? value <= clear : value >= clear;
    if (this.#on ? good : bad) {
      this.#since ??= nowS;
      if (nowS - this.#since >= holdS) {
        this.#on = !this.#on;
        this.#since = null;
      }
    } else this.#since = null;
    return this.#on;
  }
}
