// SPDX-License-Identifier: Apache-2.0
// The truth file: one JSON line per stamp and sensor, written before the stamp leaves.
import { closeSync, openSync, writeSync } from 'node:fs';

/** Keys as they stand in the file; meaning in sim-hw/README.md. */
export interface TruthLine {
  readonly sensor: string;
  readonly location: number;
  readonly sequence: number;
  /** u16, as on the wire */
  readonly stamp: number;
  readonly obsid: string;
  /** decimal text: a JSON number cannot hold it */
  readonly tai_ns: string;
  readonly x: number;
  readonly y: number;
  readonly flux_e: number;
  readonly fwhm_px: number;
  readonly snr: number;
  readonly dx_mm: number;
  readonly dy_mm: number;
  readonly rotation_arcsec: number;
  readonly own_dx_px: number;
  readonly own_dy_px: number;
  readonly faults: readonly string[];
}

export class TruthFile {
  readonly #file: number | null;
  #lines = '';

  /** A path to write to, or null for none. */
  constructor(path: string | null) {
    this.#file = path === null ? null : openSync(path, 'w');
  }

  add(line: TruthLine): void {
    if (this.#file !== null) this.#lines += `${JSON.stringify(line)}\n`;
  }

  flush(): void {
    if (this.#file !== null && this.#lines !== '') writeSync(this.#file, this.#lines);
    this.#lines = '';
  }

  close(): void {
    this.flush();
    if (this.#file !== null) closeSync(this.#file);
  }
}
