// SPDX-License-Identifier: Apache-2.0
// What the repository's thread does, one request after the other. Expiry goes step by step between requests.

import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type ButlerSettings,
  type CalibrationRequest,
  type CalibrationView,
  type IngestedFile,
  type ProductFile,
  type RemovedFiles,
  type RepositoryState,
  waitingFolder,
} from '../model/butler.js';
import { AgentError, sentenceOf } from '../model/errors.js';
import type { ImageAvailableMessage, RawImageMessage, StoredDataset } from '../model/image-messages.js';
import { AgeClock, type AgeClocks } from './age-clock.js';
import { CalibrationViews } from './calibration-views.js';
import { checkRepository } from './check.js';
import { createRepository, isWholeRepository } from './create.js';
import { syncFile } from './durable.js';
import { Expiry, hoursBefore } from './expiry.js';
import { Handover } from './handover.js';
import { Ingest } from './ingest.js';
import { filesIn, IngestQueue, inOrder } from './ingest-queue.js';
import { storeProduct } from './products.js';
import { Repository } from './repository.js';
import { messageOfFile } from './told.js';
import { emptyTrash } from './trash.js';
import { WaitingFiles } from './waiting.js';

export interface RepositorySettings
  extends Pick<
    ButlerSettings,
    'create' | 'shared' | 'spools' | 'keepHours' | 'diskShare' | 'keepShare' | 'handover'
  > {
  readonly root: string;
  /** TAI - UTC */
  readonly taiMinusUtcS: number;
}

/** What the start found half done. */
export interface Reconciled {
  readonly state: RepositoryState;
  /** files that had no rows, and what became of them */
  readonly files: readonly ToldFile[];
  readonly handover: string | null;
}

/** With the message of one that nobody has told of. */
export interface ToldFile extends IngestedFile {
  readonly told: ImageAvailableMessage | RawImageMessage | null;
}

export interface Ingested {
  readonly files: readonly ToldFile[];
  /** why a file is not where the archiver looks for it, or still where it put it; null: all are */
  readonly handover: string | null;
}

/** What kept an expiry from going on; null: nothing did. */
export interface Expired {
  readonly clock: string | null;
  readonly others: string | null;
}

/** An archiver's folder keeps nothing: its file lies in the repository alone. */
function messageOf(result: IngestedFile, incoming: boolean): ToldFile['told'] {
  try {
    const message = messageOfFile(result);
    return incoming ? { ...message, path: fileURLToPath(result.uri), sidecar: '' } : message;
  } catch (error) {
    // Its rows are there; a file that went meanwhile has nothing to tell.
    if (error instanceof AgentError || (error instanceof Error && 'syscall' in error)) return null;
    throw error;
  }
}

function doubtOf(ages: AgeClock | null): string | null {
  const doubt = ages?.doubt;
  if (!doubt) return null;
  const hours = (seconds: number) => (seconds / 3600).toFixed(1);
  return `the system clock is ${hours(doubt.aheadS)} h ahead of what files here grow old by: none is removed for that before it has stood for another ${hours(doubt.heldS)} h`;
}

const expiryBatch = 250;
/** The part of a file's name that its exposure's files share. */
const obsIdLength = 'MC_O_20260315_000051'.length;

export class RepositoryWork {
  readonly #settings: RepositorySettings;
  readonly #repository: Repository;
  readonly #queue: IngestQueue;
  readonly #waiting: WaitingFiles;
  readonly #handover: Handover | null;
  readonly #clocks: AgeClocks;
  #ages: AgeClock | null = null;
  #views: CalibrationViews | null = null;

  constructor(settings: RepositorySettings, clocks?: AgeClocks) {
    this.#settings = settings;
    this.#clocks = clocks ?? { taiNs: () => this.#taiNs(), monotonicNs: () => process.hrtime.bigint() };
    if (settings.create && !isWholeRepository(settings.root)) createRepository(settings.root);
    this.#repository = new Repository(settings.root, { keepJournal: true });
    const { db, registry, root } = this.#repository;
    const ingest = new Ingest(root, db, registry, {
      transfer: 'link',
      // The agent's own headers: the document of a header service may come after the first file.
      exposures: settings.shared ? 'existing' : 'update',
      taiNs: () => this.#taiNs(),
    });
    this.#waiting = new WaitingFiles(waitingFolder(root));
    this.#queue = new IngestQueue(ingest, this.#waiting);
    this.#handover = settings.handover && new Handover(root, settings.handover);
  }

  /** Files that are on the disk; also those that waited for what these brought. */
  ingest(files: readonly string[]): Ingested {
    const notOwed = this.#attempt(() => this.#handover?.owe(files));
    const results = this.#queue.take(files);
    const came = results.filter(({ outcome, type }) => outcome === 'ingested' && type === 'raw');
    const obsIds = new Set(came.map(({ file }) => basename(file).slice(0, obsIdLength)));
    if (obsIds.size > 0) results.push(...this.#queue.late((name) => obsIds.has(name.slice(0, obsIdLength))));
    return this.#settle(results, notOwed);
  }

  /** What an archiver has put into its folder meanwhile, and what it could not be given before. */
  handOver(): Ingested {
    const waiting = new Set(this.#waiting.files);
    const arrived = this.#handover?.arrived().filter((file) => !waiting.has(file)) ?? [];
    const owed = this.#handover?.owed.filter((file) => !waiting.has(file) && existsSync(file)) ?? [];
    // Nobody has said yet that these are on the disk; what cannot be put there is not taken.
    let before: string | null = null;
    const synced = arrived.filter((file) => {
      const problem = this.#attempt(() => syncFile(file));
      before = problem ?? before;
      return problem === null;
    });
    const ingested = this.ingest([...inOrder(synced), ...owed]);
    return before === null ? ingested : { ...ingested, handover: before };
  }

  /** What the file system says against it; null: nothing. */
  #attempt(work: () => void): string | null {
    try {
      work();
      return null;
    } catch (error) {
      return sentenceOf(error);
    }
  }

  /** Folders of an archiver are put right; a file that this run did not write gets its message. */
  #settle(results: readonly IngestedFile[], before: string | null): Ingested {
    let problem = before ?? this.#handover?.problem ?? null;
    const files = results.map((result): ToldFile => {
      const { file, outcome } = result;
      const incoming = this.#handover?.isIncoming(file) ?? false;
      const done = outcome === 'ingested' || (outcome === 'unchanged' && !incoming);
      const told = done && (incoming || this.#waiting.earlier.has(file)) ? messageOf(result, incoming) : null;
      const why = this.#attempt(() => this.#handover?.settle(result));
      if (why !== null) problem = `${file}: ${why}`;
      return { ...result, told };
    });
    return { files, handover: problem };
  }

  /** What was made of an image that is in the repository. */
  storeProduct(product: ProductFile): StoredDataset {
    return storeProduct(this.#repository, product, this.#taiNs());
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
    const taken = this.ingest(files);
    const results = taken.files.filter(({ outcome }) => outcome !== 'unchanged');
    // Raw files without message are found by who writes them.
    const told = results.map((one) => {
      const silent = one.told === null && one.outcome === 'ingested' && one.type === 'guider_raw';
      return silent ? { ...one, told: messageOf(one, false) } : one;
    });
    return { state, files: told, handover: taken.handover };
  }

  /** Removes step by step, but not what is `spared`; `between` lets requests in, and is told what went. */
  async expire(
    spared: readonly string[],
    between: (removed: RemovedFiles) => Promise<void>,
  ): Promise<Expired> {
    const { keepHours, diskShare, keepShare, spools } = this.#settings;
    if (keepHours === null && diskShare === null) return { clock: null, others: null };
    emptyTrash(this.#repository, spools);
    const ages = keepHours === null ? null : this.#agesOf(keepHours);
    const expiry = new Expiry(this.#repository, {
      olderThanNs: ages === null || keepHours === null ? null : hoursBefore(ages.now(), keepHours),
      diskShare,
      keepShare,
      batch: expiryBatch,
      spools,
      spared: [...spared, ...(this.#handover?.owed ?? [])],
    });
    for (let step = expiry.step(); step !== null; step = expiry.step()) await between(step);
    return { clock: doubtOf(ages), others: expiry.filledByOthers };
  }

  #agesOf(keepHours: number): AgeClock {
    if (this.#ages) return this.#ages;
    const { db } = this.#repository;
    const newest = db.read(() =>
      db.prepare<[], bigint | null>('SELECT max(ingest_date) FROM dataset').pluck().safeIntegers(true).get(),
    );
    this.#ages = new AgeClock({ keepHours, newestNs: newest ?? null }, this.#clocks);
    return this.#ages;
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
