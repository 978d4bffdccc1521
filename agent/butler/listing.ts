// SPDX-License-Identifier: Apache-2.0
// What is in a repository, for people and programs.

import { AgentError } from '../model/errors.js';
import { absolutePath, fileUri } from './datastore.js';
import { recordsTable } from './layout.js';
import type { DataId } from './registry.js';
import type { Repository } from './repository.js';
import { dashed, hexOf } from './uuids.js';

export interface ListedDataset {
  readonly type: string;
  readonly run: string;
  readonly dataId: DataId;
  readonly uuid: string;
  readonly bytes: number | null;
  readonly uri: string;
  /** TAI ns */
  readonly ingested: bigint;
}

export interface ListingFilter {
  readonly type?: string;
  readonly instrument?: string;
  readonly exposure?: number;
  readonly detector?: number;
  readonly limit: number;
}

interface Row {
  readonly uuid: string;
  readonly run: string;
  readonly path: string | null;
  readonly bytes: bigint | null;
  readonly date: bigint;
  readonly [dimension: string]: unknown;
}

/** Newest first. */
export function listDatasets(repository: Repository, filter: ListingFilter): ListedDataset[] {
  const { db, registry, root } = repository;
  const types = db
    .read(() => registry.types())
    .filter(({ name }) => filter.type === undefined || name === filter.type);
  if (filter.type !== undefined && types.length === 0)
    throw new AgentError('butler', `expected a dataset type of ${root}, got ${filter.type}`);
  const out: ListedDataset[] = [];
  for (const { name, tags, dimensions, id } of types) {
    const wanted = (['instrument', 'exposure', 'detector'] as const).filter(
      (key) => filter[key] !== undefined,
    );
    if (wanted.some((key) => !dimensions.includes(key))) continue;
    const where = wanted.map((key) => ` AND x.${key} = ?`).join('');
    const rows = db.read(() =>
      db
        .prepare<unknown[], Row>(
          `SELECT x.*, d.id AS uuid, r.name AS run, f.path, f.file_size AS bytes, d.ingest_date AS date
           FROM dataset AS d JOIN ${tags} AS x ON x.dataset_id = d.id AND x.collection_id = d.run_id
           JOIN collection AS r ON r.collection_id = d.run_id LEFT JOIN ${recordsTable} AS f ON f.dataset_id = d.id
           WHERE d.dataset_type_id = ?${where} ORDER BY d.ingest_date DESC LIMIT ?`,
        )
        .safeIntegers(true)
        .all(id, ...wanted.map((key) => filter[key]), filter.limit),
    );
    for (const row of rows) {
      const dataId = Object.fromEntries(
        dimensions.map((key) => {
          const value = row[key];
          return [key, typeof value === 'bigint' ? Number(value) : String(value)];
        }),
      );
      const file = row.path === null ? null : absolutePath(root, row.path);
      out.push({
        type: name,
        run: row.run,
        dataId,
        uuid: dashed(row.uuid),
        bytes: row.bytes === null ? null : Number(row.bytes),
        uri: file === null ? (row.path ?? '') : fileUri(file),
        ingested: row.date,
      });
    }
  }
  return out.sort((a, b) => (a.ingested < b.ingested ? 1 : -1)).slice(0, filter.limit);
}

/** Where the file of a dataset lies; refuses (`butler`) one that is not there. */
export function uriOf(repository: Repository, uuid: string): string {
  const hex = hexOf(uuid);
  if (hex === null) throw new AgentError('usage', `expected a UUID, got ${uuid}`);
  const stored = repository.db.read(() => repository.registry.file(hex));
  if (!stored) throw new AgentError('butler', `${repository.root} has no dataset ${uuid}`);
  const file = absolutePath(repository.root, stored.path);
  return file === null ? stored.path : fileUri(file);
}
