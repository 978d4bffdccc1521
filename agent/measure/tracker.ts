// SPDX-License-Identifier: Apache-2.0
// Where the star of a series is expected next: its last good position, once two agree. Predictions widen while the
// star is not seen; after three stamps without it the whole ROI is searched again.

import type { Answer, Prediction } from './kernel.js';

/** px: guiding residuals and seeing from one stamp to the next stay well inside */
const closeBy = 5;
const patience = 3;

export class Tracker {
  #last: { readonly x: number; readonly y: number } | null = null;
  #locked = false;
  #missed = 0;

  next(): Prediction | null {
    if (this.#last === null || !this.#locked) return null;
    return { ...this.#last, radius: closeBy * (1 + this.#missed) };
  }

  take(answer: Answer | null): void {
    if (answer === null || answer.flagged) {
      this.#missed++;
      if (this.#missed >= patience) this.#locked = false;
      return;
    }
    const { x, y } = answer;
    this.#locked =
      this.#locked || (this.#last !== null && Math.hypot(x - this.#last.x, y - this.#last.y) < closeBy);
    this.#last = { x, y };
    this.#missed = 0;
  }
}
