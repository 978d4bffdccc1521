// SPDX-License-Identifier: Apache-2.0
// The second half of every removal: files of datasets whose rows are gone, and then what the registry still knew of them.
// It holds the lock, so that nobody puts a file back, or takes it out of the trash, in between.

import { readdirSync, rmdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { RemovedFiles } from '../model/butler.js';
import { isInside, look } from './datastore.js';
import { syncFolder } from './durable.js';
import { datastoreName, recordsTable } from './layout.js';
import type { Registry } from './registry.js';
import type { Repository } from './repository.js';
import { dashed } from './uuids.js';

interface Trashed {
  readonly id: string;
  readonly path: string | null;
  readonly bytes: number | null;
}

/** Files of one transaction. */
const batch = 500;

/** `raw_..._MC_O_20260315_000051_R44_SW0_...`: the camera's name for the same file. */
export function spoolNames(path: string): string[] {
  const match = /((?:MC|AT|CC)_[A-Z]_\d{8}_\d{6})_(R\d\d|RXX)_(S\w\d?)_/.exec(basename(path));
  if (!match) return [];
  const raft = match[2] === 'RXX' ? 'R00' : match[2];
  const stem = `${match[1]}_${raft}_${match[3]}${basename(path).startsWith('guider_raw') ? '_guider' : ''}`;
  return [`${stem}.fits`, `${stem}.json`];
}

/** Removes the files of everything in the trash, then the trash. */
export function emptyTrash({ db, registry, root }: Repository, spools: readonly string[]): RemovedFiles {
  const uuids: string[] = [];
  let bytes = 0;
  for (;;) {
    const ids = db.read(() =>
      registry
        .sql<[string, number], string>(
          'SELECT dataset_id FROM dataset_location_trash WHERE datastore_name = ? LIMIT ?',
        )
        .pluck()
        .all(datastoreName, batch),
    );
    if (ids.length === 0) return { uuids, bytes };
    const removed = db.write(() => takeOutOfTrash(root, registry, ids, spools));
    uuids.push(...removed.uuids);
    bytes += removed.bytes;
  }
}

/** In a transaction. Under `spools` the same files lie under the camera's names. */
export function takeOutOfTrash(
  root: string,
  registry: Registry,
  ids: readonly string[],
  spools: readonly string[],
): RemovedFiles {
  const wanted = JSON.stringify(ids);
  // Somebody else may have been here first, or have registered it again.
  const trashed = registry
    .sql<[string, string], Trashed>(
      `SELECT w.value AS id, f.path, f.file_size AS bytes FROM json_each(?) AS w
       LEFT JOIN ${recordsTable} AS f ON f.dataset_id = w.value
       WHERE NOT EXISTS (SELECT 1 FROM dataset_location AS l WHERE l.datastore_name = ? AND l.dataset_id = w.value)`,
    )
    .all(wanted, datastoreName);
  const folders = new Set<string>();
  for (const { path } of trashed) {
    if (path === null || path.includes(':')) continue;
    const file = join(root, path);
    rmSync(file, { force: true });
    folders.add(dirname(file));
    for (const spool of spools)
      for (const name of spoolNames(path)) rmSync(join(spool, name), { force: true });
  }
  syncRemoval(root, folders);
  const gone = JSON.stringify(trashed.map(({ id }) => id));
  registry.sql(`DELETE FROM ${recordsTable} WHERE dataset_id IN (SELECT value FROM json_each(?))`).run(gone);
  registry
    .sql(
      'DELETE FROM dataset_location_trash WHERE datastore_name = ? AND dataset_id IN (SELECT value FROM json_each(?))',
    )
    .run(datastoreName, wanted);
  return {
    uuids: trashed.map(({ id }) => dashed(id)),
    bytes: trashed.reduce((sum, one) => sum + (one.bytes ?? 0), 0),
  };
}

/** Empty folders go as well; what is left is synchronised, so that no file comes back without its rows. */
function syncRemoval(root: string, folders: ReadonlySet<string>): void {
  const changed = new Set<string>();
  for (const folder of folders) {
    let at = folder;
    while (isInside(root, at) && look(at) && readdirSync(at).length === 0) {
      rmdirSync(at);
      changed.delete(at);
      at = dirname(at);
    }
    if (look(at)) changed.add(at);
  }
  for (const folder of changed) if (look(folder)) syncFolder(folder);
}
