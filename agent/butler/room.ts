// SPDX-License-Identifier: Apache-2.0
// The agent's side of the repository. It stands between the rooms that announce files and the publisher: a file is told
// of when its rows are committed, with what it is called there. The event loop asks a thread and never waits.

import { basename } from 'node:path';
import type { ButlerSettings, CalibratedDetector, IngestedFile, RemovedFiles } from '../model/butler.js';
import { oodsCodes } from '../model/butler.js';
import { AgentError, sentenceOf } from '../model/errors.js';
import type {
  ImageAvailableMessage,
  IsrImageMessage,
  QuicklookMessage,
  RawImageMessage,
  StoredDataset,
} from '../model/image-messages.js';
import type { Log } from '../model/log.js';
import type { AgentMessage, MessageSink, SetAlarm } from '../model/messages.js';
import { CalibrationWatch } from './calibration-watch.js';
import type { Header } from './fits-header.js';
import { RepositoryThread } from './repository-thread.js';
import type { Ingested, ToldFile } from './repository-work.js';

export interface ButlerRoomDeps {
  readonly next: MessageSink;
  readonly log: Log;
  readonly alarm: SetAlarm;
  readonly taiMinusUtcS: () => number;
  /** files that somebody reads: they are not removed */
  readonly inUse: () => readonly string[];
  /** the folder of the calibrations that are valid now is another one */
  readonly onCalibrations: (directory: string) => void;
}

type FileMessage = ImageAvailableMessage | RawImageMessage;
type ProductMessage = QuicklookMessage | IsrImageMessage;

type Refused = Pick<FileMessage, 'sensor' | 'detector' | 'location' | 'obsid' | 'bytes' | 'path'> & {
  readonly imageTag?: string;
};

/** A file of somebody else, by its name. */
function strangerOf(path: string): Refused {
  const [, obsid = basename(path), sensor = ''] =
    /^([A-Z]{2}_[A-Z]_\d{8}_\d{6})_(R\w\w_S\w\w)/.exec(basename(path)) ?? [];
  return { sensor, detector: -1, location: -1, obsid, bytes: 0, path };
}

/** Announcements of files whose exposure is not there. */
const mostHeld = 10_000;

export class ButlerRoom implements MessageSink {
  readonly #settings: ButlerSettings;
  readonly #deps: ButlerRoomDeps;
  #thread: RepositoryThread | null = null;
  /** not asked for yet */
  #queued: FileMessage[] = [];
  #busy: Promise<void> | null = null;
  readonly #held = new Map<string, FileMessage>();
  /** what the disk or the database refused, to be tried again; null: somebody else's */
  readonly #failed = new Map<string, FileMessage | null>();
  #isOpen = false;
  /** it is not */
  #why = '';
  readonly #counts = { ingested: 0, refused: 0, removed: 0, reconciled: 0 };
  readonly #storing = new Set<Promise<void>>();
  readonly #timers: NodeJS.Timeout[] = [];
  #handingOver = false;
  #expiring = false;
  readonly #calibrations: CalibrationWatch | null;

  constructor(settings: ButlerSettings, deps: ButlerRoomDeps) {
    this.#settings = settings;
    this.#deps = deps;
    const { log, alarm, taiMinusUtcS, onCalibrations } = deps;
    this.#calibrations =
      settings.calibrations &&
      new CalibrationWatch(settings.calibrations, {
        ask: (request) => {
          if (!this.#thread) throw new AgentError('butler', 'the repository is closed');
          return this.#thread.calibrations(request);
        },
        log,
        alarm,
        taiNs: () => BigInt(Date.now() + taiMinusUtcS() * 1000) * 1_000_000n,
        onCurrent: onCalibrations,
      });
  }

  /** Folder of the calibrations of an exposure with this header at that time; null: they are not the repository's. */
  calibrationsOf(
    detectors: readonly CalibratedDetector[],
    header: Header,
    taiNs: bigint,
  ): Promise<string> | null {
    return this.#calibrations?.of(detectors, header, taiNs) ?? null;
  }

  get counts(): Readonly<Record<string, number>> {
    return { ...this.#counts, on_their_way: this.#queued.length, waiting: this.#thread?.waiting ?? 0 };
  }

  start(): void {
    const { repository, create, shared, keepHours, diskShare, keepShare, spools, handover } = this.#settings;
    const { expireEveryS, retryS } = this.#settings;
    const taiMinusUtcS = this.#deps.taiMinusUtcS();
    const settings = {
      root: repository,
      create,
      shared,
      keepHours,
      diskShare,
      keepShare,
      spools,
      handover,
      taiMinusUtcS,
    };
    this.#thread = new RepositoryThread(settings, (removed) => this.#onRemoved(removed));
    // They are not kept waiting by what takes long in a large repository.
    this.#calibrations?.start();
    this.#busy = this.#reconcile(this.#thread).finally(() => this.#goOn());
    this.#timers.push(setInterval(() => this.#retry(), retryS * 1000).unref());
    if (handover !== null)
      this.#timers.push(setInterval(() => this.#handOver(), handover.everyS * 1000).unref());
    if (keepHours !== null || diskShare !== null)
      this.#timers.push(setInterval(() => this.#expire(), expireEveryS * 1000).unref());
  }

  /** What is on its way is finished first. */
  async stop(): Promise<void> {
    this.#calibrations?.stop();
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    while (this.#busy) await this.#busy;
    await Promise.all(this.#storing);
    await this.#thread?.stop();
    this.#thread = null;
  }

  publish(message: AgentMessage): void {
    const isProduct =
      message.kind === 'image.quicklook' ||
      (message.kind === 'image.available' && message.datasetType === 'post_isr_image');
    if (isProduct && this.#thread && !this.#settings.shared) {
      const storing = this.#store(this.#thread, message).finally(() => this.#storing.delete(storing));
      this.#storing.add(storing);
      return;
    }
    if (message.kind !== 'image.available' || message.datasetType === 'post_isr_image' || !this.#thread) {
      this.#deps.next.publish(message);
      return;
    }
    this.#queued.push(message);
    if (!this.#busy) this.#goOn();
  }

  /** What was made of an image is told of whatever becomes of its dataset. */
  async #store(thread: RepositoryThread, message: ProductMessage): Promise<void> {
    const { exposureId, detector, obsid, sensor } = message;
    const { instrument } = this.#settings;
    const [kind, file] =
      message.kind === 'image.quicklook'
        ? (['quick_look', message.json] as const)
        : (['post_isr_image', message.path] as const);
    let butler: StoredDataset | undefined;
    if (file !== '' && exposureId !== null)
      try {
        // Its raw file, and so its exposure, is on the way.
        while (this.#busy) await this.#busy;
        butler = await thread.storeProduct({ kind, file, instrument, detector, exposure: exposureId });
      } catch (error) {
        const problem = sentenceOf(error);
        const image = `${obsid} ${sensor}`;
        this.#deps.log.warning('what was made of an image is no dataset', { image, kind, problem });
      }
    this.#deps.next.publish(butler ? { ...message, butler } : message);
  }

  /** What failed is tried again, beginning with the repository itself. */
  #retry(): void {
    const thread = this.#thread;
    if (this.#busy || !thread) return;
    if (!this.#isOpen) {
      this.#busy = this.#reconcile(thread).finally(() => this.#goOn());
      return;
    }
    this.#queued.push(...[...this.#failed.values()].filter((message) => message !== null));
    this.#goOn();
  }

  /** Everything that came meanwhile goes in one request. */
  #goOn(): void {
    this.#busy = null;
    const thread = this.#thread;
    if (this.#queued.length === 0 || !thread) return;
    const messages = this.#queued;
    this.#queued = [];
    this.#busy = this.#ingest(thread, messages).finally(() => this.#goOn());
  }

  async #ingest(thread: RepositoryThread, messages: readonly FileMessage[]): Promise<void> {
    const byPath = new Map(messages.map((message) => [message.path, message]));
    try {
      this.#onIngested(await thread.ingest([...byPath.keys()]), byPath);
    } catch (error) {
      for (const message of messages) this.#fail(message.path, message, sentenceOf(error));
    }
  }

  #onIngested({ files, handover }: Ingested, byPath: ReadonlyMap<string, FileMessage>): void {
    this.#deps.alarm('handover_failed', 'warning', handover, 'files are handed over again');
    for (const result of files) {
      this.#onResult(result, byPath.get(result.file) ?? this.#expected(result));
    }
  }

  /** What will be told of a file that was asked for before. */
  #expected({ file, told }: ToldFile): FileMessage | undefined {
    const message = this.#held.get(file) ?? this.#failed.get(file) ?? told ?? undefined;
    this.#held.delete(file);
    return message;
  }

  /** What lies in an archiver's folder, and what is owed to it. */
  #handOver(): void {
    const thread = this.#thread;
    if (this.#handingOver || !thread) return;
    this.#handingOver = true;
    thread
      .handOver()
      .then((ingested) => this.#onIngested(ingested, new Map()))
      .catch((error) => {
        const reason = `files of the archiver cannot be taken: ${sentenceOf(error)}`;
        this.#deps.alarm('handover_failed', 'warning', reason, '');
      })
      .finally(() => {
        this.#handingOver = false;
      });
  }

  #onResult(result: ToldFile, message: FileMessage | undefined): void {
    const { outcome, problem, changed, file, uuid, uri, run, dataId } = result;
    if (outcome === 'failed') {
      this.#fail(file, message, problem);
      return;
    }
    this.#failed.delete(file);
    if (outcome === 'waiting') {
      if (message) this.#hold(file, message);
      return;
    }
    if (outcome !== 'ingested' && outcome !== 'unchanged') {
      this.#refuse(message ?? strangerOf(file), outcome, problem);
      return;
    }
    // Asked for again, as its archiver has not got it.
    if (!message) return;
    this.#counts.ingested++;
    this.#deps.alarm('butler_failed', 'serious', null, 'files are ingested again');
    if (changed.length > 0)
      this.#deps.log.warning('an exposure has another header than before', {
        file,
        columns: changed.join(' '),
      });
    this.#deps.next.publish({ ...message, butler: { uuid: uuid ?? '', uri, run, dataId: dataId ?? {} } });
  }

  /** It is told when its exposure has come. */
  #hold(file: string, message: FileMessage): void {
    if (this.#held.size < mostHeld) this.#held.set(file, message);
    else this.#refuse(message, 'waiting', `more than ${mostHeld} files wait for their exposures`);
  }

  /** Told once, and tried again until it is well. */
  #fail(file: string, message: FileMessage | undefined, problem: string): void {
    if (this.#failed.has(file)) return;
    if (this.#failed.size < mostHeld) this.#failed.set(file, message ?? null);
    this.#refuse(message ?? strangerOf(file), 'failed', problem);
  }

  #refuse(message: Refused, outcome: IngestedFile['outcome'], problem: string): void {
    this.#counts.refused++;
    const { sensor, detector, location, obsid, bytes } = message;
    this.#deps.alarm(
      'butler_failed',
      'serious',
      `${obsid} ${sensor} is not in the repository: ${problem}`,
      '',
    );
    this.#deps.log.error('a file is not ingested', { file: message.path, outcome, problem });
    this.#deps.next.publish({
      kind: 'image.failed',
      sensor,
      detector,
      location,
      obsid,
      imageTag: message.imageTag ?? '',
      reason: outcome === 'failed' ? 'not_ingested' : outcome,
      message: problem,
      bytes,
      bytesExpected: bytes,
      oodsCode: oodsCodes[outcome],
    });
  }

  async #reconcile(thread: RepositoryThread): Promise<void> {
    try {
      const { state, files, handover } = await thread.reconcile();
      this.#isOpen = true;
      this.#deps.alarm('butler_failed', 'serious', null, 'the repository can be used');
      this.#deps.alarm('handover_failed', 'warning', handover, 'files are handed over again');
      const { datasets, universe, repaired, missing, orphans, waiting } = state;
      this.#deps.log.info('the repository is open', {
        repository: state.root,
        universe,
        datasets,
        waiting: waiting.length,
      });
      for (const what of repaired) this.#deps.log.warning(`the repository was left half done: ${what}`);
      this.#counts.reconciled = files.length + repaired.length;
      for (const result of files) {
        const { file, outcome, problem, uuid, told } = result;
        this.#deps.log.warning('a file had no rows', { file, outcome, problem, uuid });
        if (this.#failed.has(file)) this.#onResult(result, this.#expected(result));
        else if (told) this.#deps.next.publish(told);
      }
      const wrong = missing.length + orphans.length + state.integrity.length + state.foreignKeys;
      const reason = `${missing.length} rows without file, ${orphans.length} files without row, ${state.integrity.length} faults of the database: summit-agent butler check ${state.root}`;
      this.#deps.alarm('butler_inconsistent', 'warning', wrong > 0 ? reason : null, 'rows and files agree');
    } catch (error) {
      const problem = sentenceOf(error);
      if (problem !== this.#why) this.#deps.log.error('the repository cannot be used', { problem });
      this.#why = problem;
      this.#deps.alarm('butler_failed', 'serious', `the repository cannot be used: ${sentenceOf(error)}`, '');
    }
  }

  #expire(): void {
    const thread = this.#thread;
    if (this.#expiring || !thread) return;
    this.#expiring = true;
    const { alarm } = this.#deps;
    thread
      .expire(this.#deps.inUse())
      .then(({ clock, others }) => {
        alarm('butler_clock_doubted', 'warning', clock, 'files grow old by the system clock again');
        alarm('butler_disk_filled', 'serious', others, 'the disk is no fuller than it should be');
      })
      .catch((error) =>
        this.#deps.log.error('nothing can be removed from the repository', { problem: sentenceOf(error) }),
      )
      .finally(() => {
        this.#expiring = false;
      });
  }

  #onRemoved({ uuids, bytes }: RemovedFiles): void {
    if (uuids.length === 0) return;
    this.#counts.removed += uuids.length;
    this.#deps.next.publish({ kind: 'image.removed', repository: this.#settings.repository, uuids, bytes });
  }
}
