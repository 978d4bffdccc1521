// SPDX-License-Identifier: Apache-2.0
// What the service manager is told: whether the link thread turns, and one line on how the agent does.

import type { LinkCounters } from '../model/daq.js';
import type { SummaryState } from '../model/summary-state.js';

export interface VitalSignsDeps {
  readonly summaryState: () => SummaryState;
  readonly linkOpen: () => boolean;
  readonly counters: () => LinkCounters;
  /** names of the alarms that are on */
  readonly alarms: () => readonly string[];
  readonly nowMs: () => number;
}

/** Stamps are counted over this long, so that the line changes when the rate does. */
const rateWindowMs = 5000;

export class VitalSigns {
  readonly #deps: VitalSignsDeps;
  #since = 0;
  #stamps = 0n;
  #rate = 0;

  constructor(deps: VitalSignsDeps) {
    this.#deps = deps;
  }

  look(): { readonly linkHeartbeat: bigint | null; readonly status: string } {
    const { summaryState, linkOpen, counters, alarms } = this.#deps;
    const now = counters();
    this.#count(now);
    const open = linkOpen();
    const link = open ? linkText(now) : 'DAQ link closed';
    const names = alarms();
    const parts = [summaryState(), link, `${this.#rate.toFixed(0)} stamps/s`];
    parts.push(names.length === 0 ? 'no alarms' : `alarms: ${names.join(', ')}`);
    return { linkHeartbeat: open ? now.heartbeat : null, status: parts.join('; ') };
  }

  #count({ sensors }: LinkCounters): void {
    const now = this.#deps.nowMs();
    const stamps = sensors.reduce((sum, { complete }) => sum + complete, 0n);
    const elapsed = now - this.#since;
    if (elapsed < rateWindowMs) return;
    this.#rate = (Number(stamps - this.#stamps) / elapsed) * 1000;
    this.#since = now;
    this.#stamps = stamps;
  }
}

function linkText({ linkUp, links }: LinkCounters): string {
  if (!links) return `DAQ link ${linkUp ? 'up' : 'down'}`;
  const down = links.filter((link) => !link.linkUp).map(({ name }) => name);
  return `${links.length - down.length} of ${links.length} DAQ links up${down.length === 0 ? '' : ` (down: ${down.join(', ')})`}`;
}
