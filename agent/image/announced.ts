// SPDX-License-Identifier: Apache-2.0
// Which raw files of a folder have been announced, kept in the folder itself, so that the next run announces those that
// an end in between left without their message. A message counts as sent some time after it was handed over: one that
// a crash may have taken with it is sent again.
import { appendFileSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const journalName = '.summit-agent.announced';
const rawName = /^[A-Z]{2}_[A-Z]_\d{8}_\d{6}_[A-Z]\d{2}_[A-Z0-9]{3}\.fits$/;
/** ms from a message's leaving the agent's hands until it has left the machine's memory of it. */
const settleMs = 500;

export class AnnouncedFiles {
  readonly #directory: string;
  #fresh: string[] = [];
  #timer: NodeJS.Timeout | null = null;

  constructor(directory: string) {
    this.#directory = directory;
  }

  get #journal(): string {
    return join(this.#directory, journalName);
  }

  /** Raw files that nobody was told of, oldest first; those that are gone are forgotten. Throws for a folder that cannot be used. */
  open(): string[] {
    const there = readdirSync(this.#directory).filter((name) => rawName.test(name));
    const announced = new Set(this.#read());
    const kept = there.filter((name) => announced.has(name));
    const part = `${this.#journal}.part`;
    writeFileSync(part, kept.map((name) => `${name}\n`).join(''));
    renameSync(part, this.#journal);
    return there.filter((name) => !announced.has(name)).sort();
  }

  add(name: string): void {
    this.#fresh.push(name);
    this.#timer ??= setTimeout(() => this.flush(), settleMs).unref();
  }

  /** Writes down what was added. What cannot be is announced once more by the next run: better twice than never. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const names = this.#fresh;
    this.#fresh = [];
    if (names.length === 0) return;
    try {
      appendFileSync(this.#journal, names.map((name) => `${name}\n`).join(''));
    } catch {
      this.#fresh = names;
    }
  }

  #read(): string[] {
    try {
      return readFileSync(this.#journal, 'utf8').split('\n');
    } catch {
      return [];
    }
  }
}
