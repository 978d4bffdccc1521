// SPDX-License-Identifier: Apache-2.0
// What a synchronisation is about to put into the datastore: a list on the disk before the first file, gone after the
// rows are committed. A crash in between leaves the list, by which the next repair knows files that are nobody's.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ownFolder } from '../model/butler.js';
import { absolutePath } from './datastore.js';
import { syncFolder, writeWhole } from './durable.js';
import { recordsTable } from './layout.js';
import type { Repository } from './repository.js';

const form = /^incoming-(\d+)\.list(\.part)?$/;

export class IncomingFiles {
  readonly #root: string;
  readonly #list: string;
  readonly #paths: readonly string[];

  /** `paths` as the rows will have them. */
  constructor(root: string, paths: readonly string[]) {
    this.#root = root;
    this.#paths = paths;
    const folder = join(root, ownFolder);
    mkdirSync(folder, { recursive: true });
    this.#list = join(folder, `incoming-${process.pid}.list`);
    writeWhole(this.#list, paths.map((path) => `${path}\n`).join(''));
    syncFolder(folder);
  }

  /** Their rows are committed. */
  done(): void {
    rmSync(this.#list, { force: true });
  }

  /** Nothing of it stays. */
  withdraw(): void {
    for (const path of this.#paths) rmSync(join(this.#root, path), { force: true });
    this.done();
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Removes what an ended process left without rows; the paths of that. */
export function removeAbandoned({ root, db, registry }: Repository): string[] {
  const folder = join(root, ownFolder);
  if (!existsSync(folder)) return [];
  const removed: string[] = [];
  for (const name of readdirSync(folder)) {
    const pid = form.exec(name)?.[1];
    if (pid === undefined || (Number(pid) !== process.pid && isAlive(Number(pid)))) continue;
    for (const path of readFileSync(join(folder, name), 'utf8').split('\n')) {
      if (path === '') continue;
      const row = db.read(() =>
        registry.sql<[string], unknown>(`SELECT 1 FROM ${recordsTable} WHERE path = ?`).get(path),
      );
      const file = absolutePath(root, path);
      if (row !== undefined || file === null || !existsSync(file)) continue;
      rmSync(file);
      removed.push(path);
    }
    rmSync(join(folder, name));
  }
  return removed;
}
