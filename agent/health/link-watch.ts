// SPDX-License-Identifier: Apache-2.0
// Looks once a second whether link threads still work: only their counters. One of several links whose driver failed is
// an alarm (health.ts); a thread that does not come back is a fault, whichever it is.

import { type LinkCounters, linksOf } from '../model/daq.js';

/** The link thread turns at least every 50 ms; one that did not for so many looks hangs. */
const stuckLooks = 5;

export type LinkTrouble = {
  readonly fault: 'driver_failed' | 'link_stuck';
  readonly detail: string;
};

export class LinkWatch {
  /** by link: its heartbeat, and how many looks found it so */
  readonly #seen = new Map<string, { heartbeat: bigint; still: number }>();

  /** The links were opened: looks count from here. */
  reset(): void {
    this.#seen.clear();
  }

  /** null: nothing is wrong. */
  look(counters: LinkCounters): LinkTrouble | null {
    const { driver, driverError } = counters;
    if (driverError !== 0) {
      return { fault: 'driver_failed', detail: `driver ${driver} fails with error ${driverError}` };
    }
    for (const link of linksOf(counters)) {
      const { heartbeat, name } = link;
      const before = this.#seen.get(name);
      const still = before?.heartbeat === heartbeat ? before.still + 1 : 0;
      this.#seen.set(name, { heartbeat, still });
      if (still < stuckLooks) continue;
      const which = name === '' ? link.driver : `${link.driver} of link ${name}`;
      return { fault: 'link_stuck', detail: `driver ${which} has not returned for ${still} s` };
    }
    return null;
  }
}
