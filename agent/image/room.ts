// SPDX-License-Identifier: Apache-2.0
// The image roles (aos, auxtel): what becomes of every image of the DAQ. A whole source is written as raw files with the
// header that is known by then, and told when the files are on the disk; anything else is told with its reason.
//     created = delivered + failed        delivered = written + unwritten (by detector), when nothing is on its way
import type { ImageFileReport, ImageLink, ImageListener, ImageNews } from '../model/image.js';
import type { ImageBoard, ImageDetector } from '../model/image-detectors.js';
import type { Log } from '../model/log.js';
import type { MessageSink, SetAlarm } from '../model/messages.js';
import { parseObsId } from '../model/obs-id.js';
import {
  fileStem,
  type HeaderValues,
  headerJson,
  headerValues,
  type Keywords,
  keywordsOf,
  noValues,
} from './header.js';

export interface ImageRoomSettings {
  readonly boards: readonly ImageBoard[];
  /** of the profile */
  readonly values: HeaderValues;
  /** how long a whole source waits for a header document, ms */
  readonly headerDeadlineMs: number;
}

export interface ImageRoomDeps {
  readonly link: ImageLink;
  readonly sink: MessageSink;
  readonly log: Log;
  readonly taiNs: () => bigint;
  readonly alarm: SetAlarm;
}

/** What a header service knows of an image. */
export interface HeaderDocument {
  readonly obsid: string;
  readonly keywords: unknown;
  readonly detectors: Readonly<Record<string, unknown>>;
  readonly rebCond: unknown;
  readonly configCond: unknown;
}

interface Waiting {
  readonly news: ImageNews;
  readonly board: ImageBoard;
  readonly cancel: () => void;
}

/** A file that was ordered. */
interface Ordered {
  readonly news: ImageNews;
  readonly detector: ImageDetector;
  readonly values: Keywords;
}

/** Documents of images that are not here yet. */
const mostDocuments = 32;

export class ImageRoom implements ImageListener {
  readonly #settings: ImageRoomSettings;
  readonly #deps: ImageRoomDeps;
  readonly #documents = new Map<string, HeaderValues>();
  readonly #waiting = new Map<bigint, Waiting>();
  readonly #ordered = new Map<number, Ordered>();
  readonly #counts = { written: 0, unwritten: 0, failed: 0 };
  /** images with a source that nobody knows */
  readonly #strange = new Set<string>();
  #nextId = 1;

  constructor(settings: ImageRoomSettings, deps: ImageRoomDeps) {
    this.#settings = settings;
    this.#deps = deps;
  }

  /** Files, by what became of them. */
  get counts(): Readonly<Record<string, number>> {
    return { ...this.#counts, on_their_way: this.#ordered.size, waiting_for_header: this.#waiting.size };
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
  onHeader({ obsid, keywords, detectors, rebCond, configCond }: HeaderDocument): 'in time' | 'early' {
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
    for (const waiting of here) this.#write(waiting);
    return here.length > 0 ? 'in time' : 'early';
  }

  onImageFiles(files: readonly ImageFileReport[]): void {
    for (const file of files) {
      const ordered = this.#ordered.get(file.id);
      if (!ordered) continue;
      this.#ordered.delete(file.id);
      if (file.problem === '') this.#announce(file, ordered);
      else this.#onUnwritten(file, ordered);
    }
  }

  /** The link is closing: what waits for a document is written without. */
  stop(): void {
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
      const id = this.#nextId++;
      this.#ordered.set(id, { news, detector, values });
      this.#deps.link.writeImage(news.token, {
        id,
        firstPlane: detector.firstPlane,
        detector: board.kind,
        name: `${fileStem(input)}.fits`,
        header: headerJson(input, values),
      });
    }
    // The writer holds the planes for as long as it needs them.
    this.#deps.link.releaseImage(news.token);
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

function objectOf(json: string): Readonly<Record<string, unknown>> {
  if (json === '') return {};
  const value: unknown = JSON.parse(json);
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
