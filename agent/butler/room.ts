// SPDX-License-Identifier: Apache-2.0
// The agent's side of the repository. It stands between the rooms that announce files and the publisher: a file is told
// of when its rows are committed, with what it is called there. The event loop asks a thread and never waits.

import type { ButlerSettings, CalibratedDetector, IngestedFile, RemovedFiles } from '../model/butler.js';
import { oodsCodes } from '../model/butler.js';
import { AgentError, sentenceOf } from '../model/errors.js';
import type { ImageAvailableMessage, RawImageMessage } from '../model/image-messages.js';
import type { Log } from '../model/log.js';
import type { AgentMessage, MessageSink, SetAlarm } from '../model/messages.js';
import { CalibrationWatch } from './calibration-watch.js';
import type { Header } from './fits-header.js';
import { RepositoryThread } from './repository-thread.js';

export interface ButlerRoomDeps {
  readonly next: MessageSink;
  readonly log: Log;
  readonly alarm: SetAlarm;
  readonly taiMinusUtcS: () => number;
  /** the folder of the calibrations that are valid now is another one */
  readonly onCalibrations: (directory: string) => void;
}

type FileMessage = ImageAvailableMessage | RawImageMessage;

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
  readonly #counts = { ingested: 0, refused: 0, removed: 0, reconciled: 0 };
  #timer: NodeJS.Timeout | null = null;
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
    const { repository, create, shared, keepHours, diskShare, expireEveryS, spools } = this.#settings;
    const taiMinusUtcS = this.#deps.taiMinusUtcS();
    const settings = { root: repository, create, shared, keepHours, diskShare, spools, taiMinusUtcS };
    this.#thread = new RepositoryThread(settings, (removed) => this.#onRemoved(removed));
    // They are not kept waiting by what takes long in a large repository.
    this.#calibrations?.start();
    this.#busy = this.#reconcile(this.#thread).finally(() => this.#goOn());
    if (keepHours === null && diskShare === null) return;
    this.#timer = setInterval(() => this.#expire(), expireEveryS * 1000).unref();
  }

  /** What is on its way is finished first. */
  async stop(): Promise<void> {
    this.#calibrations?.stop();
    if (this.#timer) clearInterval(this.#timer);
    while (this.#busy) await this.#busy;
    await this.#thread?.stop();
    this.#thread = null;
  }

  publish(message: AgentMessage): void {
    // Images without their signature are no dataset types that the observatory's formatters read.
    if (message.kind !== 'image.available' || message.datasetType === 'post_isr_image' || !this.#thread) {
      this.#deps.next.publish(message);
      return;
    }
    this.#queued.push(message);
    if (!this.#busy) this.#goOn();
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
      for (const result of await thread.ingest([...byPath.keys()])) {
        const message = byPath.get(result.file) ?? this.#held.get(result.file);
        this.#held.delete(result.file);
        this.#onResult(result, message);
      }
    } catch (error) {
      for (const message of messages) this.#refuse(message, 'failed', sentenceOf(error));
    }
  }

  #onResult(result: IngestedFile, message: FileMessage | undefined): void {
    const { outcome, problem, changed, file, uuid, uri, run, dataId } = result;
    if (outcome === 'waiting') {
      if (message) this.#hold(file, message);
      return;
    }
    if (outcome !== 'ingested' && outcome !== 'unchanged') {
      if (message) this.#refuse(message, outcome, problem);
      return;
    }
    this.#counts.ingested++;
    this.#deps.alarm('butler_failed', 'serious', null, 'files are ingested again');
    if (changed.length > 0)
      this.#deps.log.warning('an exposure has another header than before', {
        file,
        columns: changed.join(' '),
      });
    if (message)
      this.#deps.next.publish({ ...message, butler: { uuid: uuid ?? '', uri, run, dataId: dataId ?? {} } });
    else this.#deps.log.info('a file that waited is ingested', { file, uuid });
  }

  /** It is told when its exposure has come. */
  #hold(file: string, message: FileMessage): void {
    if (this.#held.size < mostHeld) this.#held.set(file, message);
    else this.#refuse(message, 'waiting', `more than ${mostHeld} files wait for their exposures`);
  }

  #refuse(message: FileMessage, outcome: IngestedFile['outcome'], problem: string): void {
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
      imageTag: message.datasetType === 'raw' ? message.imageTag : '',
      reason: outcome === 'failed' ? 'not_ingested' : outcome,
      message: problem,
      bytes,
      bytesExpected: bytes,
      oodsCode: oodsCodes[outcome],
    });
  }

  async #reconcile(thread: RepositoryThread): Promise<void> {
    try {
      const { state, files } = await thread.reconcile();
      const { datasets, universe, repaired, missing, orphans, waiting } = state;
      this.#deps.log.info('the repository is open', {
        repository: state.root,
        universe,
        datasets,
        waiting: waiting.length,
      });
      for (const what of repaired) this.#deps.log.warning(`the repository was left half done: ${what}`);
      this.#counts.reconciled = files.length + repaired.length;
      for (const { file, outcome, problem, uuid } of files)
        this.#deps.log.warning('a file had no rows', { file, outcome, problem, uuid });
      const wrong = missing.length + orphans.length + state.integrity.length + state.foreignKeys;
      const reason = `${missing.length} rows without file, ${orphans.length} files without row, ${state.integrity.length} faults of the database: summit-agent butler check ${state.root}`;
      this.#deps.alarm('butler_inconsistent', 'warning', wrong > 0 ? reason : null, 'rows and files agree');
    } catch (error) {
      this.#deps.log.error('the repository cannot be used', { problem: sentenceOf(error) });
      this.#deps.alarm('butler_failed', 'serious', `the repository cannot be used: ${sentenceOf(error)}`, '');
    }
  }

  #expire(): void {
    const thread = this.#thread;
    if (this.#expiring || !thread) return;
    this.#expiring = true;
    thread
      .expire()
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
