// SPDX-License-Identifier: Apache-2.0
// The quick-look: what becomes of every detector of an image after its raw file was told of. Its planes are looked at,
// the files of the look are written, and it is told; one that nobody looked at is told with its reason.
//     ordered = looked + left_out              when nothing is on its way
import { join } from 'node:path';
import type { ImageLink, ImageNews, IsrFileReport, LookReport } from '../model/image.js';
import type { ImageDetector, ImageKind } from '../model/image-detectors.js';
import type { QuicklookMessage } from '../model/image-messages.js';
import type { Log } from '../model/log.js';
import type { MessageSink, SetAlarm } from '../model/messages.js';
import { parseObsId } from '../model/obs-id.js';
import type { FocusFit } from './focus-fit.js';
import type { ProductFiles, ProductWriter, StartProductWriter } from './products/writer.js';
import type { FrameReport, Known, Spectrum } from './report.js';
import { type Defocus, FocusSeries, PairBook } from './summary.js';

export interface LooksSettings {
  /** of the files of looks */
  readonly directory: string;
  readonly isrFiles: boolean;
  /** the profile names calibrations: one that is missing is an alarm */
  readonly calibrated: boolean;
}

export interface LooksDeps {
  readonly link: ImageLink;
  readonly sink: MessageSink;
  readonly log: Log;
  readonly alarm: SetAlarm;
  /** CLOCK_MONOTONIC */
  readonly nowNs: () => bigint;
  readonly startProductWriter: StartProductWriter;
}

/** Which detector of which image, and its header. */
export interface LookSubject {
  readonly news: ImageNews;
  readonly kind: ImageKind;
  readonly detector: ImageDetector;
  /** of the files, without folder and end */
  readonly stem: string;
  readonly header: string;
}

interface Seen {
  readonly subject: LookSubject;
  readonly look: LookReport;
  readonly report: FrameReport;
  readonly focusFit: FocusFit | null;
  readonly defocus: Defocus | null;
}

/** Names of the lists of a spectrum. */
const lists = ['distance_px', 'y_px', 'wavelength_nm', 'flux', 'variance', 'background'] as const;

export class Looks {
  readonly #settings: LooksSettings;
  readonly #deps: LooksDeps;
  readonly #ordered = new Map<number, LookSubject>();
  readonly #isrFiles = new Map<number, LookSubject>();
  readonly #drawn = new Map<number, Seen>();
  readonly #focus = new FocusSeries();
  readonly #pairs = new PairBook();
  readonly #counts = { looked: 0, left_out: 0 };
  /** detectors whose calibrations are not all there, with the first reason */
  readonly #uncalibrated = new Map<string, string>();
  #writer: ProductWriter | null = null;
  #nextId = 1;

  constructor(settings: LooksSettings, deps: LooksDeps) {
    this.#settings = settings;
    this.#deps = deps;
  }

  get counts(): Readonly<Record<string, number>> {
    return { ...this.#counts, looks_on_their_way: this.#ordered.size + this.#drawn.size };
  }

  /** Before the first image, so that it does not wait for the thread. */
  start(): void {
    this.#writer ??= this.#deps.startProductWriter((files) => this.#onProducts(files));
  }

  /** Everything that was looked at is told. */
  async stop(): Promise<void> {
    await this.#writer?.stop();
    this.#writer = null;
  }

  /** `calibrations` '': those of the profile. */
  order(token: bigint, subject: LookSubject, calibrations: string): void {
    const id = this.#nextId++;
    const { kind, detector, stem, header } = subject;
    const { directory, isrFiles } = this.#settings;
    const isrPath = isrFiles ? join(directory, `${stem}.isr.fits`) : '';
    this.#ordered.set(id, subject);
    const { firstPlane, calibration } = detector;
    const { link } = this.#deps;
    link.lookAtImage(token, { id, firstPlane, kind, calibration, header, isrPath, calibrations });
  }

  onLooks(looks: readonly LookReport[]): void {
    for (const look of looks) {
      const subject = this.#ordered.get(look.id);
      if (!subject) continue;
      this.#ordered.delete(look.id);
      if (look.problem === '') this.#onSeen(subject, look);
      else this.#onLeftOut(subject, look);
    }
  }

  onIsrFiles(files: readonly IsrFileReport[]): void {
    for (const file of files) {
      const subject = this.#isrFiles.get(file.id);
      if (!subject) continue;
      this.#isrFiles.delete(file.id);
      this.#products(file.problem);
      if (file.problem === '') this.#announce(file, subject);
    }
  }

  #onSeen(subject: LookSubject, look: LookReport): void {
    const report = JSON.parse(look.report) as FrameReport;
    const atS = Number(subject.news.triggerTaiNs / 1_000_000n) / 1000;
    const focusFit = this.#focus.add(report, atS);
    const defocus = this.#pairs.add(report);
    if (this.#settings.isrFiles) this.#isrFiles.set(look.id, subject);
    this.#tellCalibrations(subject, report);
    this.#drawn.set(look.id, { subject, look, report, focusFit, defocus });
    this.#writer?.write({
      id: look.id,
      stem: join(this.#settings.directory, subject.stem),
      report: look.report,
      more: { focus_fit: focusFit, defocus },
      preview: look.preview,
      cols: look.cols,
      rows: look.rows,
    });
  }

  #onProducts({ id, json, picture, problem }: ProductFiles): void {
    const seen = this.#drawn.get(id);
    if (!seen) return;
    this.#drawn.delete(id);
    this.#products(problem);
    this.#counts.looked++;
    this.#deps.alarm('image_not_looked_at', 'warning', null, 'images are looked at again');
    const { subject, look, report, focusFit, defocus } = seen;
    const { spectrum = null, ...product } = report.product;
    this.#deps.sink.publish({
      ...this.#identity(subject),
      outcome: 'looked',
      reason: '',
      flags: report.product.quality.flags,
      isr: report.isr,
      product: { ...product, ...(spectrum && { spectrum: withoutLists(spectrum) }) },
      spectrum: spectrum && listsOf(spectrum),
      focusFit,
      defocus,
      json,
      picture,
      begunMs: this.#since(subject, look.begunNs),
      isrMs: this.#since(subject, look.isrNs),
      lookedMs: this.#since(subject, look.doneNs),
      quicklookMs: this.#since(subject, this.#deps.nowNs()),
    });
  }

  #onLeftOut(subject: LookSubject, { problem }: LookReport): void {
    this.#counts.left_out++;
    const what = `${subject.news.name} ${subject.detector.detectorName}`;
    const why = problem === 'superseded' ? 'a newer image came before its turn' : problem;
    if (problem !== 'stopped')
      this.#deps.alarm('image_not_looked_at', 'warning', `nobody looked at ${what}: ${why}`, '');
    this.#deps.log.warning('nobody looked at an image', { image: what, reason: problem });
    const none = { flags: [], isr: null, product: null, spectrum: null, focusFit: null, defocus: null };
    const times = { begunMs: Number.NaN, isrMs: Number.NaN, lookedMs: Number.NaN };
    this.#deps.sink.publish({
      ...this.#identity(subject),
      ...none,
      ...times,
      outcome: 'left_out',
      reason: problem,
      json: '',
      picture: '',
      quicklookMs: this.#since(subject, this.#deps.nowNs()),
    });
  }

  #announce(file: IsrFileReport, subject: LookSubject): void {
    const { kind: _, triggerTaiNs: __, ...identity } = this.#identity(subject);
    this.#deps.sink.publish({
      ...identity,
      kind: 'image.available',
      datasetType: 'post_isr_image',
      path: file.path,
      sidecar: '',
      bytes: file.bytes,
      sha256: '',
      durableMs: this.#since(subject, file.durableNs),
    });
  }

  #products(problem: string): void {
    const reason = problem === '' ? null : `a file of a quick-look is not written: ${problem}`;
    this.#deps.alarm(
      'image_products_not_written',
      'warning',
      reason,
      'files of quick-looks are written again',
    );
  }

  #tellCalibrations({ detector }: LookSubject, { isr }: FrameReport): void {
    if (!this.#settings.calibrated) return;
    const [missing] = isr.missing;
    if (missing === undefined) this.#uncalibrated.delete(detector.detectorName);
    else this.#uncalibrated.set(detector.detectorName, missing);
    const [first] = this.#uncalibrated;
    const reason = first ? `${first[0]} is looked at without: ${first[1]}` : null;
    this.#deps.alarm('image_uncalibrated', 'warning', reason, 'calibrations of images are complete');
  }

  #identity({
    news,
    detector,
  }: LookSubject): Pick<
    QuicklookMessage,
    | 'kind'
    | 'sensor'
    | 'detector'
    | 'location'
    | 'obsid'
    | 'exposureId'
    | 'dayObs'
    | 'seqNum'
    | 'imageTag'
    | 'triggerTaiNs'
  > {
    const obsId = parseObsId(news.name);
    return {
      kind: 'image.quicklook',
      sensor: detector.detectorName,
      detector: detector.detector,
      location: news.location,
      obsid: news.name,
      exposureId: obsId?.exposureId ?? null,
      dayObs: obsId?.dayObs ?? null,
      seqNum: obsId?.seqNum ?? null,
      imageTag: news.imageTag,
      triggerTaiNs: news.triggerTaiNs,
    };
  }

  /** ms since the last byte of the stream. */
  #since({ news }: LookSubject, ns: bigint): number {
    return Number(ns - news.lastNs) / 1e6;
  }
}

function listsOf(spectrum: Spectrum): Readonly<Record<string, readonly number[]>> {
  const numbers = (values: readonly Known[]) => values.map((value) => value ?? Number.NaN);
  return Object.fromEntries(lists.map((name) => [name, numbers(spectrum[name])]));
}

function withoutLists(spectrum: Spectrum): Readonly<Record<string, unknown>> {
  const own = Object.entries(spectrum).filter(([name]) => !lists.some((list) => list === name));
  return Object.fromEntries(own);
}
