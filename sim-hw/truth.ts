// SPDX-License-Identifier: Apache-2.0
// The truth file: one JSON line per stamp and sensor, written before the stamp leaves.
import { closeSync, openSync, writeFileSync } from 'node:fs';

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
  readonly gain: number;
  readonly read_noise_e: number;
  readonly dx_mm: number;
  readonly dy_mm: number;
  readonly rotation_arcsec: number;
  readonly own_dx_px: number;
  readonly own_dy_px: number;
  readonly faults: readonly string[];
  /** what the scenario does to it */
  readonly nuisances: readonly string[];
}

export class TruthFile {
  readonly #path: string;
  readonly #onFailure: (sentence: string) => void;
  /** null: none was wanted, or it could not be written */
  #file: number | null;
  #lines = '';

  /** A path to write to, or null for none. `onFailure` is called once at most: nothing is written after it. */
  constructor(path: string | null, onFailure: (sentence: string) => void) {
    this.#path = path ?? '';
    this.#onFailure = onFailure;
    this.#file = path === null ? null : openSync(path, 'w');
  }

  add(line: TruthLine): void {
    if (this.#file !== null) this.#lines += `${JSON.stringify(line)}\n`;
  }

  flush(): void {
    const file = this.#file;
    const lines = this.#lines;
    this.#lines = '';
    // A file is written as a whole, however little of it one call takes.
    if (file !== null && lines !== '') this.#orFail(() => writeFileSync(file, lines));
  }

  close(): void {
    this.flush();
    const file = this.#file;
    if (file !== null) this.#orFail(() => closeSync(file));
    this.#file = null;
  }

  #orFail(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#file = null;
      this.#onFailure(
        `cannot write the truth file ${this.#path}: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }
}
