// SPDX-License-Identifier: Apache-2.0
// What the repository's thread does, one request after the other. Expiry goes step by step between requests.

import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import type {
  ButlerSettings,
  CalibrationRequest,
  CalibrationView,
  IngestedFile,
  RemovedFiles,
  RepositoryState,
} from '../model/butler.js';
import { CalibrationViews } from './calibration-views.js';
import { checkRepository } from './check.js';
import { createRepository, isRepository } from './create.js';
import { Expiry, emptyTrash, hoursBefore } from './expiry.js';
import { Ingest } from './ingest.js';
import { filesIn, IngestQueue, inOrder } from './ingest-queue.js';
import { Repository } from './repository.js';
import { WaitingFiles } from './waiting.js';

export interface RepositorySettings
  extends Pick<ButlerSettings, 'create' | 'shared' | 'spools' | 'keepHours' | 'diskShare'> {
  readonly root: string;
  /** TAI - UTC */
  readonly taiMinusUtcS: number;
}

/** What the start found half done. */
export interface Reconciled {
  readonly state: RepositoryState;
  /** files that had no rows, and what became of them */
  readonly files: readonly IngestedFile[];
}

const expiryBatch = 250;
/** The part of a file's name that its exposure's files share. */
const obsIdLength = 'MC_O_20260315_000051'.length;

export class RepositoryWork {
  readonly #settings: RepositorySettings;
  readonly #repository: Repository;
  readonly #queue: IngestQueue;
  #views: CalibrationViews | null = null;

  constructor(settings: RepositorySettings) {
    this.#settings = settings;
    if (settings.create && !isRepository(settings.root)) createRepository(settings.root);
    this.#repository = new Repository(settings.root);
    const { db, registry, root } = this.#repository;
    const ingest = new Ingest(root, db, registry, {
      transfer: 'link',
      // The agent's own headers: the document of a header service may come after the first file.
      exposures: settings.shared ? 'existing' : 'update',
      taiNs: () => this.#taiNs(),
    });
    this.#queue = new IngestQueue(ingest, new WaitingFiles(root));
  }

  /** Files that are on the disk; also those that waited for what these brought. */
  ingest(files: readonly string[]): IngestedFile[] {
    const results = this.#queue.take(files);
    const came = results.filter(({ outcome, type }) => outcome === 'ingested' && type === 'raw');
    const obsIds = new Set(came.map(({ file }) => basename(file).slice(0, obsIdLength)));
    if (obsIds.size === 0) return results;
    return [...results, ...this.#queue.late((name) => obsIds.has(name.slice(0, obsIdLength)))];
  }

  /** Lays out what is valid then. */
  calibrations(request: CalibrationRequest): CalibrationView {
    this.#views ??= new CalibrationViews(this.#repository);
    return this.#views.view(request);
  }

  /** Finishes what a crash left, and takes files that have no rows yet. */
  reconcile(): Reconciled {
    const { spools } = this.#settings;
    const state = checkRepository(this.#repository, true, spools);
    const files = inOrder(spools.flatMap((spool) => (existsSync(spool) ? filesIn(spool) : [])));
    const results = this.ingest(files).filter(({ outcome }) => outcome !== 'unchanged');
    return { state, files: results };
  }

  /** Removes step by step; `between` lets requests in, and is told what went. */
  async expire(between: (removed: RemovedFiles) => Promise<void>): Promise<void> {
    const { keepHours, diskShare, spools } = this.#settings;
    if (keepHours === null && diskShare === null) return;
    emptyTrash(this.#repository, spools);
    const expiry = new Expiry(this.#repository, {
      olderThanNs: keepHours === null ? null : hoursBefore(this.#taiNs(), keepHours),
      diskShare,
      batch: expiryBatch,
      spools,
    });
    for (let step = expiry.step(); step !== null; step = expiry.step()) await between(step);
  }

  get waiting(): number {
    return this.#queue.waiting;
  }

  close(): void {
    this.#repository.close();
  }

  #taiNs(): bigint {
    return BigInt(Date.now()) * 1_000_000n + BigInt(this.#settings.taiMinusUtcS) * 1_000_000_000n;
  }
}
