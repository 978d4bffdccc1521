// SPDX-License-Identifier: Apache-2.0
// What the repository's thread does, one request after the other. Expiry goes step by step between requests.

import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { IngestedFile, RemovedFiles, RepositoryState } from '../model/butler.js';
import { checkRepository } from './check.js';
import { createRepository, isRepository } from './create.js';
import { guiderRun, rawRun } from './dataset-types.js';
import { Expiry, emptyTrash } from './expiry.js';
import { Ingest } from './ingest.js';
import { instrumentTables } from './instruments.js';
import { Repository } from './repository.js';
import { WaitingFiles } from './waiting.js';

export interface RepositorySettings {
  readonly root: string;
  /** make it where there is none */
  readonly create: boolean;
  readonly shared: boolean;
  /** folders in which the files lie that are ingested */
  readonly spools: readonly string[];
  /** TAI - UTC */
  readonly taiMinusUtcS: number;
  readonly keepHours: number | null;
  readonly diskShare: number | null;
}

/** What the start found half done. */
export interface Reconciled {
  readonly state: RepositoryState;
  /** files that had no rows, and what became of them */
  readonly files: readonly IngestedFile[];
}

const expiryBatch = 250;
const hourNs = 3_600_000_000_000;

export class RepositoryWork {
  readonly #settings: RepositorySettings;
  readonly #repository: Repository;
  readonly #ingest: Ingest;
  readonly #waiting: WaitingFiles;

  constructor(settings: RepositorySettings) {
    this.#settings = settings;
    if (settings.create && !isRepository(settings.root)) createRepository(settings.root);
    this.#repository = new Repository(settings.root);
    const { db, registry, root } = this.#repository;
    this.#ingest = new Ingest(root, db, registry, {
      transfer: 'link',
      // The agent's own headers: the document of a header service may come after the first file.
      exposures: settings.shared ? 'existing' : 'update',
      taiNs: () => this.#taiNs(),
    });
    this.#waiting = new WaitingFiles(root);
  }

  /** Files that are on the disk; also those that waited for what these brought. */
  ingest(files: readonly string[]): IngestedFile[] {
    const results = this.#ingest.files(files);
    for (const { file, outcome } of results) if (outcome === 'waiting') this.#waiting.add(file);
    if (!results.some(({ outcome, type }) => outcome === 'ingested' && type === 'raw')) return results;
    return [...results, ...this.#late(results)];
  }

  /** Finishes what a crash left, and takes files that have no rows yet. */
  reconcile(): Reconciled {
    const { spools } = this.#settings;
    const state = checkRepository(this.#repository, true, spools);
    const files = spools.flatMap((spool) => (existsSync(spool) ? filesOf(spool) : []));
    // Guider files last: their exposures may be among the others.
    files.sort((a, b) => Number(a.includes('_guider')) - Number(b.includes('_guider')));
    const results = this.ingest(files).filter(({ outcome }) => outcome !== 'unchanged');
    return { state, files: results };
  }

  /** Removes step by step; `between` lets requests in, and is told what went. */
  async expire(between: (removed: RemovedFiles) => Promise<void>): Promise<void> {
    const { keepHours, diskShare, spools } = this.#settings;
    if (keepHours === null && diskShare === null) return;
    emptyTrash(this.#repository, spools);
    const expiry = new Expiry(this.#repository, {
      runs: instrumentTables.flatMap(({ name }) => [rawRun(name), guiderRun(name)]),
      olderThanNs: keepHours === null ? null : this.#taiNs() - BigInt(Math.round(keepHours * hourNs)),
      diskShare,
      batch: expiryBatch,
      spools,
      held: new Set(),
    });
    for (let step = expiry.step(); step !== null; step = expiry.step()) await between(step);
  }

  get waiting(): number {
    return this.#waiting.files.length;
  }

  close(): void {
    this.#repository.close();
  }

  #late(results: readonly IngestedFile[]): IngestedFile[] {
    const obsIds = results.map(({ file }) => basename(file).slice(0, 'MC_O_20260315_000051'.length));
    const ready = this.#waiting.files.filter((file) => obsIds.some((id) => basename(file).startsWith(id)));
    const late = this.#ingest.files(ready).filter(({ outcome }) => outcome !== 'waiting');
    for (const { file } of late) this.#waiting.remove(file);
    return late;
  }

  #taiNs(): bigint {
    return BigInt(Date.now()) * 1_000_000n + BigInt(this.#settings.taiMinusUtcS) * 1_000_000_000n;
  }
}

function filesOf(spool: string): string[] {
  return readdirSync(spool)
    .filter((name) => name.endsWith('.fits') && !name.endsWith('.isr.fits'))
    .map((name) => join(spool, name));
}
