// SPDX-License-Identifier: Apache-2.0
// Removal of raw and guider files, and of what was made of images, that are too old, or of the oldest where the disk is too
// full. Rows go first, through the trash of lsst.daf.butler, then files, then the trash: a crash in between leaves trash,
// which the next start empties. Nothing that a tagged or calibration collection holds is touched, nor files that were
// ingested where they lie. What others fill the disk with is not made up for with everything that is here.

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
  /** but not below this share of it for the files here; null: half of `diskShare` */
  readonly keepShare: number | null;
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
  readonly bytes: bigint | null;
}

interface Filling {
  readonly bytes: number;
  /** what nobody may write into, as well */
  readonly filled: number;
}

const hourNs = 3_600_000_000_000;

export function hoursBefore(taiNs: bigint, hours: number): bigint {
  return taiNs - BigInt(Math.round(hours * hourNs));
}

function fillingOf(root: string): Filling {
  const { blocks, bavail, bsize } = statfsSync(root);
  return { bytes: blocks * bsize, filled: (blocks - bavail) * bsize };
}

function percent(part: number, whole: number): string {
  return `${((part / whole) * 100).toFixed(0)} %`;
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
  /** oldest first; those before `#at` are done */
  readonly #queue: readonly Candidate[];
  #at = 0;
  /** of the others, as the rows have it: what would be free without them */
  #bytesLeft: number;
  readonly #kept: string;
  readonly #spared: ReadonlySet<string>;

  constructor(repository: Repository, settings: ExpirySettings) {
    this.#repository = repository;
    this.#settings = settings;
    this.#kept = keptClause(repository);
    this.#spared = new Set(settings.spared.map((file) => basename(file)));
    this.#queue = this.#candidates();
    this.#bytesLeft = this.#queue.reduce((sum, { bytes }) => sum + Number(bytes ?? 0), 0);
  }

  /** How many are left to look at. */
  get left(): number {
    return this.#queue.length - this.#at;
  }

  /** One bounded step: what it removed; null: nothing is left to do. */
  step(): RemovedFiles | null {
    const ids = this.#chosen();
    if (ids.length === 0) return null;
    this.#repository.db.write(() => this.#trash(ids));
    return emptyTrash(this.#repository, this.#settings.spools);
  }

  /** How many would go by now, if each gave its room back; instead of steps. */
  preview(): number {
    const bytes = this.#bytesLeft;
    while (this.#chosen(bytes - this.#bytesLeft).length > 0);
    return this.#at;
  }

  /** Why the disk stays fuller than it should be; null: it does not, or nothing here is spared for that. */
  get filledByOthers(): string | null {
    const { diskShare } = this.#settings;
    const { root } = this.#repository;
    const { bytes, filled } = fillingOf(root);
    if (diskShare === null || bytes === 0 || filled <= diskShare * bytes) return null;
    const here = this.#bytesLeft;
    return `the file system of ${root} is filled to ${percent(filled, bytes)}, ${percent(diskShare, 1)} are allowed; files that may be removed here are ${percent(here, bytes)} of it and stay: du -xh shows what else fills it`;
  }

  /** Takes from the queue what the next step removes; of the disk's filling so much is not there any more. */
  #chosen(freed = 0): string[] {
    const { batch, diskShare, olderThanNs } = this.#settings;
    const keepShare = this.#settings.keepShare ?? (diskShare ?? 0) / 2;
    const { bytes, filled } = fillingOf(this.#repository.root);
    let excess = diskShare === null ? 0 : filled - freed - diskShare * bytes;
    const ids: string[] = [];
    while (ids.length < batch) {
      const next = this.#queue[this.#at];
      if (!next) break;
      const isOld = olderThanNs !== null && next.date < olderThanNs;
      const size = Number(next.bytes ?? 0);
      if (!isOld && (excess <= 0 || this.#bytesLeft - size < keepShare * bytes)) break;
      this.#at++;
      this.#bytesLeft -= size;
      ids.push(next.id);
      excess -= size;
    }
    return ids;
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
          `SELECT d.id, d.ingest_date AS date, f.path, f.file_size AS bytes FROM dataset AS d JOIN collection AS r ON r.collection_id = d.run_id
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
