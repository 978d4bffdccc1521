// SPDX-License-Identifier: Apache-2.0
// The system's leap-second table, read again now and then: packages update it while an agent runs.

import { readFileSync } from 'node:fs';
import { leapTablePath } from '../model/tai.js';

const againAfterS = 3600;

export class LeapTableFile {
  #text: string | null = null;
  #readS = Number.NEGATIVE_INFINITY;

  /** null: there is none. `nowS`: monotonic */
  text(nowS: number): string | null {
    if (nowS - this.#readS < againAfterS) return this.#text;
    this.#readS = nowS;
    try {
      this.#text = readFileSync(leapTablePath, 'utf8');
    } catch {
      this.#text = null;
    }
    return this.#text;
  }
}
