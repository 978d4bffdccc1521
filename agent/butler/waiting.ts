// SPDX-License-Identifier: Apache-2.0
// Files that wait for something, such as their exposure: one small file each in a folder, so that they outlive this process.
// A file that is gone by its time is told and given up.

import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { makeFolders, syncFolder, writeWhole } from './durable.js';

const longestName = 60;

/** One for each path, also of files of one name in two folders. */
function noteOf(path: string): string {
  const digest = createHash('sha256').update(path).digest('hex').slice(0, 8);
  return `${basename(path).slice(0, longestName)}.${digest}.path`;
}

export class WaitingFiles {
  readonly #folder: string;
  readonly #files = new Map<string, string>();
  /** those that an earlier process left */
  readonly earlier: ReadonlySet<string> = new Set();

  constructor(folder: string) {
    this.#folder = folder;
    if (!existsSync(this.#folder)) return;
    for (const name of readdirSync(this.#folder))
      if (name.endsWith('.path'))
        this.#files.set(readFileSync(join(this.#folder, name), 'utf8').replace(/\n$/, ''), name);
    this.earlier = new Set(this.#files.keys());
  }

  get files(): readonly string[] {
    return [...this.#files.keys()];
  }

  /** On the disk when this returns. */
  add(file: string): void {
    const path = resolve(file);
    if (this.#files.has(path)) return;
    const name = noteOf(path);
    makeFolders(this.#folder);
    writeWhole(join(this.#folder, name), `${path}\n`);
    syncFolder(this.#folder);
    this.#files.set(path, name);
  }

  remove(file: string): void {
    const name = this.#files.get(resolve(file));
    if (name === undefined) return;
    rmSync(join(this.#folder, name), { force: true });
    this.#files.delete(resolve(file));
  }
}
