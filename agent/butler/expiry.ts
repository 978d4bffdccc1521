// SPDX-License-Identifier: Apache-2.0
// Removal of raw and guider files, and of what was made of images, that are too old, or of the oldest where the disk is too full. Rows go first, through the trash of
// lsst.daf.butler, then files, then the trash: a crash in between leaves trash, which the next start empties. Nothing that
// a tagged or calibration collection holds is touched, nor files that were ingested where they lie.

import { statfsSync } from 'node:fs';
import { basename } from 'node:path';
import type { RemovedFiles } from '../model/butler.js';
import { guiderRun, isrImageRun, quickLookRun, rawRun } from './dataset-types.js';
import { instrumentTables } from './instruments.js';
import { datastoreName, recordsTable } from './layout.js';
import type { Repository } from './repository.js';
import { emptyTrash, spoolNames } from './trash.js';

export interface ExpirySettings {
  /** ingested before this, TAI ns; null: whatever their age */
  readonly olderThanNs: bigint | null;
  /** goes on until the file system is filled no further than this share; null: it does not matter */
  readonly diskShare: number | null;
  /** files of a transaction */
  readonly batch: number;
  /** where the same files lie under the camera's names */
  readonly spools: readonly string[];
  /** files in the spools that somebody still reads */
  readonly spared: readonly string[];
}

interface Candidate {
  readonly id: string;
  readonly date: bigint;
  readonly path: string | null;
}

const hourNs = 3_600_000_000_000;

export function hoursBefore(taiNs: bigint, hours: number): bigint {
  return taiNs - BigInt(Math.round(hours * hourNs));
}

function filledShare(root: string): number {
  const { blocks, bavail } = statfsSync(root);
  return blocks === 0 ? 0 : 1 - bavail / blocks;
}

/** SQL for: some collection that is kept holds it. */
function keptClause(repository: Repository): string {
  const tables = repository.db.read(() =>
    repository.db
      .prepare<[], { name: string }>(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND (name GLOB 'dataset_tags_[0-9]*' OR name GLOB 'dataset_calibs_[0-9]*')",
      )
      .all(),
  );
  const kept = tables.map(({ name }) =>
    name.startsWith('dataset_calibs')
      ? `EXISTS (SELECT 1 FROM ${name} AS x WHERE x.dataset_id = d.id)`
      : `EXISTS (SELECT 1 FROM ${name} AS x JOIN collection AS c ON c.collection_id = x.collection_id
           WHERE x.dataset_id = d.id AND c.type = 2)`,
  );
  return kept.length === 0 ? '0' : kept.join(' OR ');
}

export class Expiry {
  readonly #repository: Repository;
  readonly #settings: ExpirySettings;
  readonly #queue: Candidate[];
  readonly #kept: string;
  readonly #spared: ReadonlySet<string>;

  constructor(repository: Repository, settings: ExpirySettings) {
    this.#repository = repository;
    this.#settings = settings;
    this.#kept = keptClause(repository);
    this.#spared = new Set(settings.spared.map((file) => basename(file)));
    this.#queue = this.#candidates();
  }

  /** How many are left to look at. */
  get left(): number {
    return this.#queue.length;
  }

  /** One bounded step: what it removed; null: nothing is left to do. */
  step(): RemovedFiles | null {
    const { batch, diskShare, olderThanNs } = this.#settings;
    if (this.#queue.length === 0) return null;
    const tooFull = diskShare !== null && filledShare(this.#repository.root) > diskShare;
    const [oldest] = this.#queue;
    const tooOld = olderThanNs !== null && oldest !== undefined && oldest.date < olderThanNs;
    if (!tooFull && !tooOld) return null;
    const ids: string[] = [];
    while (ids.length < batch) {
      const [next] = this.#queue;
      if (!next || (!tooFull && olderThanNs !== null && next.date >= olderThanNs)) break;
      this.#queue.shift();
      ids.push(next.id);
    }
    this.#repository.db.write(() => this.#trash(ids));
    return emptyTrash(this.#repository, this.#settings.spools);
  }

  #candidates(): Candidate[] {
    const { olderThanNs, diskShare } = this.#settings;
    const runsOf = [rawRun, guiderRun, quickLookRun, isrImageRun];
    const runs = instrumentTables.flatMap(({ name }) => runsOf.map((runOf) => runOf(name)));
    const { db } = this.#repository;
    const places = runs.map(() => '?').join(', ');
    const age = diskShare === null && olderThanNs !== null ? `AND d.ingest_date < ${olderThanNs}` : '';
    return db.read(() =>
      db
        .prepare<string[], Candidate>(
          `SELECT d.id, d.ingest_date AS date, f.path FROM dataset AS d JOIN collection AS r ON r.collection_id = d.run_id
           LEFT JOIN ${recordsTable} AS f ON f.dataset_id = d.id WHERE r.name IN (${places}) ${age} AND NOT (${this.#kept}) ORDER BY d.ingest_date`,
        )
        .safeIntegers(true)
        .all(...runs)
        .filter(({ path }) => !this.#isSpared(path)),
    );
  }

  #isSpared(path: string | null): boolean {
    if (path === null || this.#spared.size === 0) return false;
    return spoolNames(path).some((name) => this.#spared.has(name));
  }

  /** Somebody may have tagged it since it was chosen. */
  #trash(ids: readonly string[]): void {
    const { registry } = this.#repository;
    const stillGoing = registry.sql<[string], unknown>(
      `SELECT 1 FROM dataset AS d WHERE d.id = ? AND NOT (${this.#kept})`,
    );
    for (const id of ids) {
      if (stillGoing.get(id) === undefined) continue;
      registry.sql('INSERT OR IGNORE INTO dataset_location_trash VALUES (?, ?)').run(id, datastoreName);
      registry.sql('DELETE FROM dataset_location WHERE dataset_id = ?').run(id);
      registry.sql('DELETE FROM dataset WHERE id = ?').run(id);
    }
  }
}
