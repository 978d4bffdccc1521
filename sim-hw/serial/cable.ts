// SPDX-License-Identifier: Apache-2.0
// The cable between a simulated device and its reader: a pseudo terminal behind a path that comes and goes.
import { lstatSync, symlinkSync, unlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { native, type Pty } from '../native.js';

const pollMs = 5;
/** A line counts as read when its bytes are gone for so many polls: the kernel hands them over in its own time. */
const quietPolls = 60;

export class Cable {
  readonly #path: string;
  readonly #baudRate: number;
  #pty: Pty | null = null;

  constructor(path: string, baudRate: number) {
    this.#path = path;
    this.#baudRate = baudRate;
  }

  plug(): void {
    const found = lstatSync(this.#path, { throwIfNoEntry: false });
    if (found && !found.isSymbolicLink()) throw new Error(`${this.#path}: expected no such file, got one`);
    if (found) unlinkSync(this.#path);
    this.#pty = new native.Pty();
    symlinkSync(this.#pty.path(), this.#path);
  }

  unplug(): void {
    if (this.#pty === null) return;
    unlinkSync(this.#path);
    this.#pty.close();
    this.#pty = null;
  }

  /** Until a reader has opened the path and set the baud rate of the device. */
  async reader(stop: AbortSignal): Promise<void> {
    while (this.#pty?.baudRate() !== this.#baudRate && !stop.aborted) await sleep(pollMs);
  }

  /** Until the line has taken all of it. */
  async write(text: string, stop: AbortSignal): Promise<void> {
    let bytes = Buffer.from(text, 'latin1');
    while (bytes.length > 0 && this.#pty !== null && !stop.aborted) {
      const taken = this.#pty.write(bytes);
      if (taken < 0) throw new Error(`${this.#path}: write failed with errno ${-taken}`);
      bytes = bytes.subarray(taken);
      if (bytes.length > 0) await sleep(pollMs);
    }
  }

  /** Until the reader has read all of it. */
  async drained(stop: AbortSignal): Promise<void> {
    for (let quiet = 0; quiet < quietPolls && this.#pty !== null && !stop.aborted; await sleep(pollMs)) {
      quiet = this.#pty.unread() === 0 ? quiet + 1 : 0;
    }
  }
}
