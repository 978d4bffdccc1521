// SPDX-License-Identifier: Apache-2.0
// The camera with full frames: takes an image when it is told to, paints it while it is exposed, and gives it to the
// store. Writes the truth, and the calibrations that fit its detectors.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Daq, Outcome } from '../daq.js';
import { native } from '../native.js';
import type { Endpoint } from '../options.js';
import { Random } from '../random.js';
import { dayObsOf } from '../scenario.js';
import type { ImageFault, ImageFaultKind } from './faults.js';
import { type Board, type Instrument, type InstrumentName, instruments, streamBytes } from './instruments.js';
import { linearStageMm, type PaintedDonut, seenBy, snrOf } from './scene.js';
import { ImageStore, type StoredImage, type StoredSource } from './store.js';
import { parseTake, type TakeRequest } from './take.js';

export interface ImageOptions {
  readonly instrument: InstrumentName;
  readonly port: Endpoint;
  readonly readoutS: number;
  readonly speed: number;
  readonly seed: number;
  readonly firstSeqNum: number;
  /** paint so many images and give them in turn; 0: each one anew */
  readonly frames: number;
  /** rafts; null: all */
  readonly boards: readonly string[] | null;
  readonly faults: readonly ImageFault[];
  readonly truth: string | null;
  readonly calibrations: string | null;
}

interface PaintedBoard {
  readonly board: Board;
  readonly stream: Buffer;
  readonly truth: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

interface Pending {
  readonly number: number;
  readonly name: string;
  readonly seqNum: number;
  readonly dayObs: number;
  readonly take: TakeRequest;
}

export class ImageRoom {
  readonly #options: ImageOptions;
  readonly #instrument: Instrument;
  readonly #boards: readonly Board[];
  readonly #store: ImageStore;
  readonly #daq: Daq;
  readonly #say: (event: Readonly<Record<string, unknown>>) => void;
  readonly #painted = new Map<string, PaintedBoard>();
  readonly #frames: Record<string, unknown> = {};
  #queue: Promise<void> = Promise.resolve();
  #number = 0;
  #stopped = new AbortController();

  constructor(options: ImageOptions, daq: Daq, say: (event: Readonly<Record<string, unknown>>) => void) {
    this.#options = options;
    this.#instrument = instruments[options.instrument];
    this.#boards = this.#instrument.boards.filter(({ raft }) => options.boards?.includes(raft) ?? true);
    this.#daq = daq;
    this.#say = say;
    this.#store = new ImageStore(daq.session.toString(16));
  }

  async start(): Promise<string> {
    if (this.#options.calibrations !== null) await this.#writeCalibrations(this.#options.calibrations);
    return this.#store.start(this.#options.port);
  }

  stop(): void {
    this.#stopped.abort();
    this.#store.stop();
  }

  /** The command `take`: answered at once with the image's name; images follow each other. */
  take(args: Readonly<Record<string, unknown>>): Outcome & Readonly<Record<string, unknown>> {
    const take = parseTake(args);
    if (typeof take === 'string') return { reply: 'INVALID_PARAMETER', message: take };
    const number = ++this.#number;
    const seqNum = this.#options.firstSeqNum + number - 1;
    const day = dayObsOf(new Date());
    const name = `${this.#instrument.code}_O_${day}_${String(seqNum).padStart(6, '0')}`;
    const pending = { number, name, seqNum, dayObs: Number(day), take };
    this.#queue = this.#queue.then(() => this.#image(pending));
    return { reply: 'SUCCESS', image: name, number };
  }

  async #image(pending: Pending): Promise<void> {
    const { take, name, number } = pending;
    if (this.#stopped.signal.aborted) return;
    const begin = performance.now();
    const beginNs = this.#daq.nowTaiNs();
    const boards = await this.#paint(pending);
    // Painting may take longer than the exposure would: the sky does not mind.
    await this.#wait((take.exposureS * 1000) / this.#options.speed - (performance.now() - begin));
    if (this.#stopped.signal.aborted) return;
    const endNs = this.#daq.nowTaiNs();
    const image: StoredImage = {
      number,
      tag: new Random(this.#options.seed, `tag ${name}`).bits().toString(16),
      name,
      taiNs: endNs,
      details: this.#isBare(pending.number) ? {} : this.#details(pending, beginNs, endNs),
      sources: [...boards.map((painted) => this.#source(painted, number)), ...this.#strangers(number)],
      readoutMs: (this.#options.readoutS * 1000) / this.#options.speed,
      createdMs: performance.now(),
    };
    this.#writeTruth(name, boards);
    this.#store.add(image);
    this.#say({ event: 'image', name, number, sources: image.sources.length });
    await this.#wait(image.readoutMs);
    this.#store.complete(image);
  }

  async #wait(ms: number): Promise<void> {
    if (ms <= 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#stopped.signal.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  async #paint(pending: Pending): Promise<PaintedBoard[]> {
    const { frames } = this.#options;
    const number = frames > 0 ? ((pending.number - 1) % frames) + 1 : pending.number;
    const painted: PaintedBoard[] = [];
    // Two at a time: a board takes some hundred MB while it is painted.
    for (let i = 0; i < this.#boards.length; i += 2) {
      const two = this.#boards.slice(i, i + 2).map((board) => this.#paintBoard(board, pending.take, number));
      painted.push(...(await Promise.all(two)));
    }
    return painted;
  }

  async #paintBoard(board: Board, take: TakeRequest, number: number): Promise<PaintedBoard> {
    const key = JSON.stringify([board.raft, number, take]);
    const kept = this.#painted.get(key);
    if (kept) return kept;
    const { name } = this.#instrument;
    const seen = board.detectors.map((detector) => seenBy(detector, take, this.#options.seed, number));
    const settings = {
      channels: name,
      detectors: board.detectors.map((detector, i) => ({
        ...this.#detector(detector.name),
        scene: seen[i]?.scene,
      })),
    };
    const { stream, truth } = await native.paintBoard(JSON.stringify(settings));
    const told = JSON.parse(truth) as { amps: { noise_e: number }[]; donuts: PaintedDonut[] }[];
    const byDetector = board.detectors.map((detector, i) => {
      const own = seen[i]?.truth ?? {};
      const { amps = [], donuts: painted = [] } = told[i] ?? {};
      const noise = Math.hypot(...amps.map((amp) => amp.noise_e)) / Math.sqrt(amps.length);
      const donuts = painted.map((one, k) => {
        const donut = (own.donuts as Record<string, unknown>[])[k] ?? {};
        return { ...donut, snr: snrOf(donut, one, Number(own.sky_e), noise), ...one };
      });
      return [detector.name, { ...own, ...(own.donuts ? { donuts } : {}), amps }] as const;
    });
    const painted = { board, stream, truth: Object.fromEntries(byDetector) };
    if (this.#options.frames > 0) this.#painted.set(key, painted);
    return painted;
  }

  #detector(name: string): Readonly<Record<string, unknown>> {
    const seed = Number(new Random(this.#options.seed, `detector ${name}`).bits() & 0xffff_ffffn);
    return { name, latiss: this.#instrument.name === 'latiss', seed };
  }

  #source({ board, stream }: PaintedBoard, number: number): StoredSource {
    const fault = this.#options.faults.find(
      (one) => one.at === number && (one.board === null || one.board === board.raft),
    );
    return {
      location: board.location,
      stream,
      fault: fault?.kind ?? null,
      details: { firmware: board.firmware, serial: board.serial, raft: board.raft },
    };
  }

  /** The DAQ tells nothing of the image but its name. */
  #isBare(number: number): boolean {
    return this.#options.faults.some(({ kind, at }) => kind === 'bare' && at === number);
  }

  /** A board that nobody knows. */
  #strangers(number: number): StoredSource[] {
    const strange: ImageFaultKind = 'unknown-detector';
    if (!this.#options.faults.some(({ kind, at }) => kind === strange && at === number)) return [];
    return [{ location: 117, stream: Buffer.alloc(streamBytes), fault: null, details: {} }];
  }

  /** What the DAQ and the camera know of an image. */
  #details(
    { name, seqNum, dayObs, take }: Pending,
    beginNs: bigint,
    endNs: bigint,
  ): Readonly<Record<string, unknown>> {
    const { partition, platform, version } = this.#instrument;
    const light = take.imageType === 'BIAS' ? 0 : take.exposureS;
    return {
      folder: 'raw',
      partition,
      platform,
      version,
      annotation: take.annotation,
      begin_tai_ns: String(beginNs),
      end_tai_ns: String(endNs),
      keywords: {
        OBSID: name,
        DAYOBS: String(dayObs),
        SEQNUM: seqNum,
        IMGTYPE: take.imageType,
        TESTTYPE: take.imageType,
        EXPTIME: light,
        SHUTTIME: take.imageType === 'DARK' ? 0 : light,
        DARKTIME: light,
        FOCUSZ: take.focusZMm,
        ...(take.group === null ? {} : { GROUPID: take.group }),
        ...(this.#instrument.name === 'latiss'
          ? { FILTER: 'empty_1', GRATING: take.grating, LINSPOS: linearStageMm }
          : { FILTER: take.filter, FILTBAND: take.filter.slice(0, 1) }),
      },
    };
  }

  #writeTruth(name: string, boards: readonly PaintedBoard[]): void {
    const { truth } = this.#options;
    if (truth === null) return;
    for (const { truth: detectors } of boards)
      for (const [detector, known] of Object.entries(detectors)) this.#frames[`${name}_${detector}`] = known;
    mkdirSync(truth, { recursive: true });
    const pixel = '0-based, integer = pixel centre, x right, y up, assembled CCD';
    const all = { format: 'image-truth-1', pixel, frames: this.#frames };
    writeFileSync(join(truth, 'truth.json'), `${JSON.stringify(all, null, 1)}\n`);
  }

  async #writeCalibrations(folder: string): Promise<void> {
    for (const board of this.#boards)
      await Promise.all(
        board.detectors.map(({ name, calibration }) =>
          native.writeCalibrations(JSON.stringify(this.#detector(name)), join(folder, calibration)),
        ),
      );
  }
}
