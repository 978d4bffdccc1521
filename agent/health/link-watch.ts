// SPDX-License-Identifier: Apache-2.0
// Looks once a second whether the link thread still works: only its counters.

import type { LinkCounters } from '../model/daq.js';

/** The link thread turns at least every 50 ms; one that did not for so many looks hangs. */
const stuckLooks = 5;

export type LinkTrouble = {
  readonly fault: 'driver_failed' | 'link_stuck';
  readonly detail: string;
};

export class LinkWatch {
  #heartbeat: bigint | null = null;
  #still = 0;

  /** The link was opened: looks count from here. */
  reset(): void {
    this.#heartbeat = null;
    this.#still = 0;
  }

  /** null: nothing is wrong. */
  look({ heartbeat, driver, driverError }: LinkCounters): LinkTrouble | null {
    if (driverError !== 0) {
      return { fault: 'driver_failed', detail: `driver ${driver} fails with error ${driverError}` };
    }
    this.#still = heartbeat === this.#heartbeat ? this.#still + 1 : 0;
    this.#heartbeat = heartbeat;
    if (this.#still < stuckLooks) return null;
    return { fault: 'link_stuck', detail: `driver ${driver} has not returned for ${this.#still} s` };
  }
}
