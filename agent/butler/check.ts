// SPDX-License-Identifier: Apache-2.0
// Whether database and files agree, and the repair of what a crash may have left half done.

import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { ownFolder, type RepositoryState, waitingFolder } from '../model/butler.js';
import { absolutePath, fileUri, look, partForm } from './datastore.js';
import { isAlive } from './durable.js';
import { removeAbandoned } from './incoming.js';
import { datastoreName, recordsTable } from './layout.js';
import type { Repository } from './repository.js';
import { emptyTrash } from './trash.js';
import { dashed } from './uuids.js';
import { WaitingFiles } from './waiting.js';

/** Files below the runs: all that can be a dataset, and what an interrupted copy is called. */
function* filesBelow(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else if (entry.isFile()) yield path;
  }
}

function datastoreFiles(root: string): string[] {
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== ownFolder)
    .flatMap((entry) => [...filesBelow(join(root, entry.name))]);
}

interface Row {
  readonly id: string;
  readonly path: string;
  readonly bytes: number | null;
}

/** What a row may have as its path. */
function pathsOf({ db, registry }: Repository): Row[] {
  return db.read(() =>
    registry
      .sql<[], Row>(
        `SELECT f.dataset_id AS id, f.path, f.file_size AS bytes FROM ${recordsTable} AS f
         WHERE f.dataset_id NOT IN (SELECT dataset_id FROM dataset_location_trash)`,
      )
      .all(),
  );
}

function lookAround(repository: Repository, onProgress: (share: number) => void) {
  const { root } = repository;
  const rows = pathsOf(repository);
  const missing = new Map<string, string>();
  const wrongSize: string[] = [];
  const known = new Set<string>();
  rows.forEach(({ id, path, bytes }, i) => {
    if (i % 1000 === 0) onProgress(i / rows.length);
    const file = absolutePath(root, path);
    if (file === null) return;
    known.add(file);
    const stats = look(file);
    if (!stats) missing.set(id, `${dashed(id)} ${path}`);
    else if (bytes !== null && bytes >= 0 && stats.size !== bytes)
      wrongSize.push(`${dashed(id)} ${path}: expected ${bytes} bytes, got ${stats.size}`);
  });
  const orphans = new Set(datastoreFiles(root).filter((file) => !known.has(file)));
  return { datasets: rows.length, missing, wrongSize, orphans };
}

/** Nothing is lost with a second link of a file that lies elsewhere too, or a copy that was not finished. In a transaction. */
function takeAway({ root, registry }: Repository, files: readonly string[]): string[] {
  const hasRow = registry.sql<[string], unknown>(`SELECT 1 FROM ${recordsTable} WHERE path = ?`);
  return files.filter((file) => {
    const [, pid] = partForm.exec(file) ?? [];
    const isDead = pid !== undefined && !isAlive(Number(pid));
    const isSecond = pid === undefined && (look(file)?.nlink ?? 0) > 1;
    const path = relative(root, file);
    if (!(isDead || isSecond) || hasRow.get(path) || hasRow.get(fileUri(file))) return false;
    rmSync(file, { force: true });
    return true;
  });
}

/** With `repair` what can be put right is; `onProgress` tells how much of the rows is done. */
export function checkRepository(
  repository: Repository,
  repair: boolean,
  spools: readonly string[] = [],
  onProgress: (share: number) => void = () => undefined,
): RepositoryState {
  const { db, root } = repository;
  const repaired: string[] = [];
  const trash = () =>
    db.read(
      () =>
        db
          .prepare<[string], { n: number }>(
            'SELECT count(*) AS n FROM dataset_location_trash WHERE datastore_name = ?',
          )
          .get(datastoreName)?.n ?? 0,
    );
  const inTrash = trash();
  if (repair && inTrash > 0) {
    const { uuids } = emptyTrash(repository, spools);
    repaired.push(`the removal of ${uuids.length} files is finished`);
  }
  if (repair)
    for (const path of removeAbandoned(repository))
      repaired.push(`${path} of a synchronisation that ended early is taken away`);
  const integrity = (db.pragma('integrity_check') as { integrity_check: string }[]).map(
    (row) => row.integrity_check,
  );
  const foreignKeys = db.pragma('foreign_key_check') as unknown[];
  const first = lookAround(repository, onProgress);
  const { datasets } = first;
  const isRight = first.missing.size + first.orphans.size === 0;
  // Somebody may have been at work between the look at the rows and that at the files.
  const second = isRight ? first : lookAround(repository, () => undefined);
  const missing = [...second.missing].filter(([id]) => first.missing.has(id)).map(([, what]) => what);
  const lost = [...second.orphans].filter((file) => first.orphans.has(file));
  const taken = repair && lost.length > 0 ? db.write(() => takeAway(repository, lost)) : [];
  for (const file of taken) repaired.push(`${relative(root, file)} had no row and is taken away`);
  const orphans = lost.filter((file) => existsSync(file)).map((file) => relative(root, file));
  const state = {
    root,
    universe: repository.universe,
    datasets,
    integrity: integrity.filter((line) => line !== 'ok'),
    foreignKeys: foreignKeys.length,
    missing,
    wrongSize: second.wrongSize,
    orphans,
    trash: repair ? trash() : inTrash,
    waiting: new WaitingFiles(waitingFolder(root)).files,
    repaired,
  };
  const good =
    state.integrity.length +
      state.foreignKeys +
      missing.length +
      second.wrongSize.length +
      orphans.length +
      state.trash ===
    0;
  return { ...state, good };
}
