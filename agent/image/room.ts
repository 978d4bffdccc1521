// SPDX-License-Identifier: Apache-2.0
// The image roles (aos, auxtel): what becomes of every image of the DAQ. A whole source is written as raw files with the
// header that is known by then, and told when the files are on the disk; anything else is told with its reason.
//     created = delivered + failed        delivered = written + unwritten (by detector), when nothing is on its way
import { basename, join } from 'node:path';
import { sentenceOf } from '../model/errors.js';
import type {
  ImageFileReport,
  ImageLink,
  ImageListener,
  ImageNews,
  IsrFileReport,
  LookReport,
} from '../model/image.js';
import type { ImageBoard, ImageDetector } from '../model/image-detectors.js';
import type { Log } from '../model/log.js';
import type { MessageSink, SetAlarm } from '../model/messages.js';
import { parseObsId } from '../model/obs-id.js';
import { AnnouncedFiles } from './announced.js';
import { CalibrationFolder } from './calibration-folder.js';
import {
  fileStem,
  type HeaderValues,
  headerJson,
  headerValues,
  type Keywords,
  keywordsOf,
  noValues,
} from './header.js';
import type { Looks } from './looks.js';
import { recoveredMessage } from './recovery.js';

export interface ImageRoomSettings {
  /** of raw files */
  readonly directory: string;
  readonly boards: readonly ImageBoard[];
  /** of the profile */
  readonly values: HeaderValues;
  /** how long a whole source waits for a header document, ms */
  readonly headerDeadlineMs: number;
}

/** Asks for the folder of an exposure's calibrations; null: it is always that of the profile. */
export type CalibrationsOf = (
  detectors: readonly ImageDetector[],
  header: Keywords,
  taiNs: bigint,
) => Promise<string> | null;

export interface ImageRoomDeps {
  readonly link: ImageLink;
  readonly sink: MessageSink;
  readonly log: Log;
  readonly taiNs: () => bigint;
  readonly alarm: SetAlarm;
  /** null: nobody looks */
  readonly looks: Looks | null;
  readonly calibrationsOf: CalibrationsOf;
  /** with those above it; throws where it cannot be */
  readonly makeFolder: (path: string) => void;
}

/** What a header service knows of an image. */
export interface HeaderDocument {
  readonly obsid: string;
  readonly keywords: unknown;
  readonly detectors: Readonly<Record<string, unknown>>;
  readonly rebCond: unknown;
  readonly configCond: unknown;
}

/** What it can do: be in the files, in those of an image that comes, or in none that are there already. */
export type HeaderTaken = 'in time' | 'early' | 'late';

interface Waiting {
  readonly news: ImageNews;
  readonly board: ImageBoard;
  readonly cancel: () => void;
}

/** A file that was ordered. */
interface Ordered {
  readonly news: ImageNews;
  readonly board: ImageBoard;
  readonly detector: ImageDetector;
  readonly stem: string;
  readonly values: Keywords;
  readonly header: string;
  readonly calibrations: CalibrationFolder;
}

/** Documents of images that are not here yet; images that are remembered as written. */
const mostDocuments = 32;

export class ImageRoom implements ImageListener {
  readonly #settings: ImageRoomSettings;
  readonly #deps: ImageRoomDeps;
  readonly #documents = new Map<string, HeaderValues>();
  readonly #waiting = new Map<bigint, Waiting>();
  /** images of which files were written, the newest ones */
  readonly #written = new Set<string>();
  readonly #ordered = new Map<number, Ordered>();
  /** tokens of planes that somebody will look at, with the files that come before that */
  readonly #held = new Map<bigint, number>();
  readonly #counts = { written: 0, unwritten: 0, failed: 0, recovered: 0 };
  /** images with a source that nobody knows */
  readonly #strange = new Set<string>();
  readonly #announced: AnnouncedFiles;
  /** null: the folder has not been looked through yet */
  #recovering: Promise<void> | null = null;
  /** the link closes: nobody waits for calibrations any more */
  #closing = false;
  /** folders that somebody waits for */
  readonly #folders = new Set<CalibrationFolder>();
  /** raw files of an earlier run, until their message has left */
  readonly #untold = new Set<string>();
  #nextId = 1;

  constructor(settings: ImageRoomSettings, deps: ImageRoomDeps) {
    this.#settings = settings;
    this.#announced = new AnnouncedFiles(settings.directory);
    this.#deps = deps;
  }

  /** Files, by what became of them. */
  get counts(): Readonly<Record<string, number>> {
    const waiting = { on_their_way: this.#ordered.size, waiting_for_header: this.#waiting.size };
    return { ...this.#counts, ...waiting, ...this.#deps.looks?.counts };
  }

  onNews(news: readonly ImageNews[]): void {
    for (const one of news) {
      if (one.kind === 'source') this.#onSource(one);
      else if (one.kind === 'failed') this.#onFailed(one);
      else if (one.kind === 'complete') this.#onComplete(one);
      else this.#deps.log.info('an image is created', { image: one.name, image_tag: one.imageTag });
    }
  }

  /** From the header service or the camera's events, before or after the image. */
  onHeader({ obsid, keywords, detectors, rebCond, configCond }: HeaderDocument): HeaderTaken {
    const values: HeaderValues = {
      keywords: keywordsOf(keywords),
      detectors: Object.fromEntries(Object.entries(detectors).map(([n, own]) => [n, keywordsOf(own)])),
      rebCond: keywordsOf(rebCond),
      configCond: keywordsOf(configCond),
    };
    this.#documents.set(obsid, values);
    const oldest = this.#documents.keys().next();
    if (this.#documents.size > mostDocuments && !oldest.done) this.#documents.delete(oldest.value);
    const here = [...this.#waiting.values()].filter((waiting) => waiting.news.name === obsid);
    const late = this.#written.has(obsid);
    for (const waiting of here) this.#write(waiting);
    if (!late) return here.length > 0 ? 'in time' : 'early';
    this.#deps.log.warning('a header document came after its image was written', {
      image: obsid,
      still_waiting: here.length,
    });
    return here.length > 0 ? 'in time' : 'late';
  }

  onImageFiles(files: readonly ImageFileReport[]): void {
    for (const file of files) {
      const ordered = this.#ordered.get(file.id);
      if (!ordered) continue;
      this.#ordered.delete(file.id);
      if (file.problem === '') this.#announce(file, ordered);
      else this.#onUnwritten(file, ordered);
      // What the pixels say does not depend on a disk.
      this.#look(ordered);
    }
  }

  onLooks(looks: readonly LookReport[]): void {
    this.#deps.looks?.onLooks(looks);
  }

  onIsrFiles(files: readonly IsrFileReport[]): void {
    this.#deps.looks?.onIsrFiles(files);
  }

  /** After the raw file and its message: they are never kept waiting. */
  #look(ordered: Ordered): void {
    const { calibrations } = ordered;
    if (!this.#deps.looks) return;
    this.#folders.add(calibrations);
    calibrations.whenKnown((folder) => {
      this.#folders.delete(calibrations);
      this.#lookWith(ordered, folder);
    });
  }

  #lookWith({ news, board, detector, stem, header }: Ordered, calibrations: string): void {
    this.#deps.looks?.order(news.token, { news, kind: board.kind, detector, stem, header }, calibrations);
    const others = (this.#held.get(news.token) ?? 1) - 1;
    if (others > 0) this.#held.set(news.token, others);
    else {
      this.#held.delete(news.token);
      this.#deps.link.releaseImage(news.token);
    }
  }

  /** Before the link opens: what an earlier run left without its message is told, beside the first images of this one. */
  start(): void {
    this.#closing = false;
    // What this run has not told of is on its way.
    if (this.#recovering) return;
    try {
      this.#deps.makeFolder(this.#settings.directory);
      this.#recovering = this.#recover(this.#announced.open());
    } catch (error) {
      // It is said again with the first image that cannot be written.
      this.#deps.log.warning('the folder of images cannot be looked through', { problem: sentenceOf(error) });
    }
  }

  /** Nothing of an earlier run is left to be told of. */
  async end(): Promise<void> {
    await this.#recovering;
  }

  /** The message of this raw file has left the agent. */
  told(path: string): void {
    this.#untold.delete(path);
    this.#announced.add(basename(path));
  }

  /** Everything that was told is written down. */
  close(): void {
    this.#announced.flush();
  }

  /** Files that an earlier run left to be told of. */
  get inUse(): readonly string[] {
    return [...this.#untold];
  }

  async #recover(names: readonly string[]): Promise<void> {
    for (const name of names) this.#untold.add(join(this.#settings.directory, name));
    for (const name of names) {
      try {
        const message = await recoveredMessage(this.#settings.directory, name, this.#settings.boards);
        if (!message) continue;
        this.#counts.recovered++;
        this.#deps.log.warning('an earlier run ended before it told of a raw file: told now', { file: name });
        this.#deps.sink.publish(message);
      } catch (error) {
        const problem = sentenceOf(error);
        this.#deps.log.error('a raw file of an earlier run cannot be told of', { file: name, problem });
        this.#untold.delete(join(this.#settings.directory, name));
      }
    }
  }

  /** The link is closing: what waits for a document is written without. */
  stop(): void {
    this.#closing = true;
    for (const folder of this.#folders) folder.hurry();
    for (const waiting of [...this.#waiting.values()]) this.#write(waiting);
  }

  #onSource(news: ImageNews): void {
    const board = this.#settings.boards.find(({ location }) => location === news.location);
    if (!board) {
      this.#deps.link.releaseImage(news.token);
      return;
    }
    if (news.resumed > 0)
      this.#deps.log.warning('the stream of an image was lost and found again', {
        image: news.name,
        raft: board.raftBay,
        times: news.resumed,
      });
    this.#deps.alarm('image_failed', 'serious', null, 'images come whole again');
    const patient = this.#settings.headerDeadlineMs > 0 && !this.#documents.has(news.name);
    const waiting: Waiting = {
      news,
      board,
      cancel: patient ? later(this.#settings.headerDeadlineMs, () => this.#write(waiting)) : () => undefined,
    };
    this.#waiting.set(news.token, waiting);
    if (!patient) this.#write(waiting);
  }

  #write({ news, board, cancel }: Waiting): void {
    if (!this.#waiting.delete(news.token)) return;
    cancel();
    const document = this.#documents.get(news.name);
    this.#remember(news.name);
    let calibrations: CalibrationFolder | null = null;
    for (const detector of board.detectors) {
      const input = {
        kind: board.kind,
        detector,
        name: news.name,
        imageTag: news.imageTag,
        triggerTaiNs: news.triggerTaiNs,
        nowTaiNs: this.#deps.taiNs(),
        details: objectOf(news.details),
        sourceDetails: objectOf(news.sourceDetails),
        values: [this.#settings.values, document ?? noValues],
      };
      const values = headerValues(input);
      const header = headerJson(input, values);
      const stem = fileStem(input);
      const id = this.#nextId++;
      calibrations ??= this.#calibrationsOf(news, board, values);
      this.#ordered.set(id, { news, board, detector, stem, values, header, calibrations });
      this.#deps.link.writeImage(news.token, {
        id,
        firstPlane: detector.firstPlane,
        detector: board.kind,
        name: `${stem}.fits`,
        header,
      });
    }
    // Writer and looker hold the planes for as long as they need them.
    if (this.#deps.looks) this.#held.set(news.token, board.detectors.length);
    else this.#deps.link.releaseImage(news.token);
  }

  #remember(image: string): void {
    this.#written.add(image);
    const oldest = this.#written.values().next();
    if (this.#written.size > mostDocuments && !oldest.done) this.#written.delete(oldest.value);
  }

  /** Of all detectors of a board, by the header of one. */
  #calibrationsOf({ triggerTaiNs }: ImageNews, board: ImageBoard, values: Keywords): CalibrationFolder {
    const { looks, calibrationsOf } = this.#deps;
    const answer = looks && !this.#closing ? calibrationsOf(board.detectors, values, triggerTaiNs) : null;
    return new CalibrationFolder(answer);
  }

  #announce(file: ImageFileReport, { news, detector, values }: Ordered): void {
    this.#counts.written++;
    this.#deps.alarm('image_not_written', 'serious', null, 'images are written again');
    const obsId = parseObsId(news.name);
    this.#deps.sink.publish({
      kind: 'image.available',
      datasetType: 'raw',
      sensor: detector.detectorName,
      detector: detector.detector,
      location: news.location,
      path: file.path,
      sidecar: file.sidecar,
      bytes: file.bytes,
      sha256: file.sha256,
      obsid: news.name,
      exposureId: obsId?.exposureId ?? null,
      dayObs: obsId?.dayObs ?? null,
      seqNum: obsId?.seqNum ?? null,
      controller: obsId?.controller ?? '',
      source: obsId?.source ?? '',
      group: typeof values.GROUPID === 'string' ? values.GROUPID : '',
      raftBay: detector.raftBay,
      ccdSlot: detector.ccdSlot,
      imageTag: news.imageTag,
      resumed: news.resumed,
      recovered: false,
      triggerTaiNs: news.triggerTaiNs,
      readoutMs: msBetween(news.createdNs, news.lastNs),
      writeMs: msBetween(file.begunNs, file.madeNs),
      durableMs: msBetween(news.lastNs, file.durableNs),
    });
  }

  #onUnwritten(file: ImageFileReport, { news, detector }: Ordered): void {
    this.#counts.unwritten++;
    const reason = `${news.name} ${detector.detectorName} is not written: ${file.problem}`;
    this.#deps.alarm('image_not_written', 'serious', reason, '');
    this.#deps.log.error('an image is not written', {
      image: news.name,
      sensor: detector.detectorName,
      problem: file.problem,
    });
    this.#failed(news, detector.detectorName, detector.detector, 'not_written', file.problem);
  }

  #onComplete({ imageTag }: ImageNews): void {
    if (this.#strange.delete(imageTag)) return;
    this.#deps.alarm('image_unknown_detector', 'warning', null, 'images have sources of this profile only');
  }

  #onFailed(news: ImageNews): void {
    this.#counts.failed++;
    const board = this.#settings.boards.find(({ location }) => location === news.location);
    const where = board?.raftBay ?? `location ${news.location}`;
    const got = news.bytesExpected > 0 ? ` (${news.bytes} of ${news.bytesExpected} bytes)` : '';
    const problem = `${news.name} ${where}: ${news.reason}${got}`;
    if (news.reason === 'unknown_detector') {
      this.#strange.add(news.imageTag);
      this.#deps.alarm('image_unknown_detector', 'warning', `the DAQ sent ${problem}`, '');
    } else this.#deps.alarm('image_failed', 'serious', `an image did not come whole: ${problem}`, '');
    for (const detector of board?.detectors ?? [{ detectorName: `location_${news.location}`, detector: -1 }])
      this.#failed(news, detector.detectorName, detector.detector, news.reason, problem);
  }

  #failed(news: ImageNews, sensor: string, detector: number, reason: string, message: string): void {
    this.#deps.sink.publish({
      kind: 'image.failed',
      sensor,
      detector,
      location: news.location,
      obsid: news.name,
      imageTag: news.imageTag,
      reason,
      message,
      bytes: news.bytes,
      bytesExpected: news.bytesExpected,
    });
  }
}

/** Calls back later; returns what cancels it. */
function later(ms: number, call: () => void): () => void {
  const timer = setTimeout(call, ms);
  return () => clearTimeout(timer);
}

function msBetween(from: bigint, to: bigint): number {
  return Number(to - from) / 1e6;
}

/** What a driver tells as JSON; nothing where it is none. */
function objectOf(json: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
