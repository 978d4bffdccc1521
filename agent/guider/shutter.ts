// SPDX-License-Identifier: Apache-2.0
// When the shutter's blades move. The camera tells it, not the DAQ; a stamp that was exposed meanwhile saw part of
// its light.

import type { ExposureTimes } from '../model/exposure-times.js';

/** Exposures remembered: the one that runs, and those announced ahead. */
const most = 16;

function toNs(seconds: number): bigint {
  return BigInt(Math.round(seconds * 1e9));
}

export class Shutter {
  readonly #exposures = new Map<string, ExposureTimes>();

  take(times: ExposureTimes): void {
    this.#exposures.delete(times.obsid);
    this.#exposures.set(times.obsid, times);
    for (const obsid of this.#exposures.keys()) {
      if (this.#exposures.size <= most) break;
      this.#exposures.delete(obsid);
    }
  }

  /** Did blades move while this stamp integrated? `readoutTaiNs`: its readout trigger, the end of integration. */
  moves(obsid: string, readoutTaiNs: bigint, integrationMs: number): boolean {
    const times = this.#exposures.get(obsid);
    if (!times || readoutTaiNs === 0n) return false;
    const from = readoutTaiNs - BigInt(integrationMs) * 1_000_000n;
    const open = times.startTaiNs;
    const close = open + toNs(times.exposureS);
    const blades = toNs(times.shutterS);
    const overlaps = (begin: bigint) => from < begin + blades && readoutTaiNs > begin;
    return overlaps(open) || overlaps(close);
  }
}
