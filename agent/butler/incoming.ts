// SPDX-License-Identifier: Apache-2.0
// What a synchronisation is about to put into the datastore: a list on the disk before the first file, gone after the
// rows are committed. A crash in between leaves the list, by which the next repair knows files that are nobody's.

import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ownFolder } from '../model/butler.js';
import { absolutePath } from './datastore.js';
import { isAlive, makeFolders, syncFolder, writeWhole } from './durable.js';
import { recordsTable } from './layout.js';
import type { Repository } from './repository.js';

const form = /^incoming-(\d+)\.list(\.\d+\.part)?$/;

export class IncomingFiles {
  readonly #repository: Repository;
  readonly #list: string;
  readonly #paths: readonly string[];

  /** `paths` as the rows will have them. */
  constructor(repository: Repository, paths: readonly string[]) {
    this.#repository = repository;
    this.#paths = paths;
    const folder = join(repository.root, ownFolder);
    makeFolders(folder);
    this.#list = join(folder, `incoming-${process.pid}.list`);
    writeWhole(this.#list, paths.map((path) => `${path}\n`).join(''));
    syncFolder(folder);
  }

  /** Their rows are committed. */
  done(): void {
    rmSync(this.#list, { force: true });
  }

  /** Nothing of it stays but what has a row. */
  withdraw(): void {
    removeRowless(this.#repository, this.#paths);
    this.done();
  }
}

function removeRowless({ root, db, registry }: Repository, paths: readonly string[]): string[] {
  return db.write(() => {
    const row = registry.sql<[string], unknown>(`SELECT 1 FROM ${recordsTable} WHERE path = ?`);
    return paths.filter((path) => {
      const file = absolutePath(root, path);
      if (file === null || row.get(path) !== undefined || !existsSync(file)) return false;
      rmSync(file);
      return true;
    });
  });
}

/** Removes what an ended process left without rows; the paths of that. */
export function removeAbandoned(repository: Repository): string[] {
  const folder = join(repository.root, ownFolder);
  if (!existsSync(folder)) return [];
  const removed: string[] = [];
  for (const name of readdirSync(folder)) {
    const pid = form.exec(name)?.[1];
    if (pid === undefined || (Number(pid) !== process.pid && isAlive(Number(pid)))) continue;
    const paths = readFileSync(join(folder, name), 'utf8').split('\n');
    removed.push(
      ...removeRowless(
        repository,
        paths.filter((path) => path !== ''),
      ),
    );
    rmSync(join(folder, name));
  }
  return removed;
}
