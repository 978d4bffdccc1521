// SPDX-License-Identifier: Apache-2.0
// Holds new connections off an ipc endpoint: its file has another name meanwhile, and who connects tries again, as with an
// agent that is not there. What is connected stays.

import { linkSync, renameSync, rmSync } from 'node:fs';
import { heldName } from '../model/ipc.js';

export class FileDoor {
  readonly #path: string;
  #held = false;

  constructor(path: string) {
    this.#path = path;
  }

  hold(hold: boolean): void {
    if (hold === this.#held) return;
    this.#held = hold;
    const aside = heldName(this.#path);
    try {
      if (hold) renameSync(this.#path, aside);
      else {
        // Not in place of what somebody else has put there.
        linkSync(aside, this.#path);
        rmSync(aside);
      }
    } catch {
      // Somebody took the file away: nobody comes in by it.
    }
  }

  /** The endpoint is closed. */
  close(): void {
    if (this.#held) rmSync(heldName(this.#path), { force: true });
  }
}
