// SPDX-License-Identifier: Apache-2.0
// DaqLink over the native addon: drains records when the doorbell rings and hands them on, decoded.

import type {
  CalibrationOrder,
  DaqLink,
  DaqRecord,
  DaqReply,
  FileReport,
  LinkCounters,
  LinkSettings,
  LoadedCalibration,
} from '../model/daq.js';
import { AgentError, type AgentErrorCode } from '../model/errors.js';
import type { ImageListener, ImageOrder, LookOrder } from '../model/image.js';
import { type LogLine, loadNative, type NativeLink } from './native.js';
import { checkLayout, RECORD_BYTES, RecordDecoder } from './record.js';

/** Records taken over at once; a burst of 8 sensors needs 8. */
const BATCH = 64;
/** ms that records may hold the event loop before others have their turn. */
const mostMs = 10;

const CODES: readonly string[] = [
  'daq_config',
  'daq_resource',
  'daq_unreachable',
  'daq_unsupported',
  'daq_state',
] satisfies readonly AgentErrorCode[];

function isAgentErrorCode(code: unknown): code is AgentErrorCode {
  return typeof code === 'string' && CODES.includes(code);
}

/** Refusals of the addon become AgentErrors; anything else is a bug and stays what it is. */
function refuse(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error) || !isAgentErrorCode(error.code)) return error;
  return new AgentError(error.code, error.message, { cause: error });
}

/** What the native side reads; the drivers get their own options as they are. */
function settingsJson(settings: LinkSettings): string {
  const options =
    settings.driver === 'wire' && settings.options.linkTimeoutMs === undefined
      ? { ...settings.options, linkTimeoutMs: settings.linkTimeoutMs }
      : settings.options;
  return JSON.stringify({ ...settings, name: undefined, options });
}

export class NativeDaqLink implements DaqLink {
  readonly #native: NativeLink;
  readonly #log: (line: LogLine) => void;
  readonly #bytes = new Uint8Array(new ArrayBuffer(BATCH * RECORD_BYTES));
  readonly #decoder = new RecordDecoder(this.#bytes);
  #onRecords: ((records: readonly DaqRecord[]) => void) | null = null;
  #onFiles: (files: readonly FileReport[]) => void = () => {};
  #images: ImageListener | null = null;

  /** `log` gets the link's own lines (a short socket buffer, a lost control connection). */
  constructor(settings: LinkSettings, log: (line: LogLine) => void = () => {}) {
    const addon = loadNative();
    checkLayout(addon.recordLayout());
    this.#log = log;
    try {
      this.#native = new addon.NativeLink(settingsJson(settings), () => this.#onDoorbell());
    } catch (error) {
      throw refuse(error);
    }
  }

  start(
    onRecords: (records: readonly DaqRecord[]) => void,
    onFiles: (files: readonly FileReport[]) => void = () => {},
    images: ImageListener | null = null,
  ): void {
    this.#onRecords = onRecords;
    this.#onFiles = onFiles;
    this.#images = images;
    try {
      this.#native.start();
    } catch (error) {
      throw refuse(error);
    } finally {
      // Records wait for the doorbell: whoever opens the link is not ready for them before this returns.
      this.#takeLog();
    }
  }

  look(): void {
    this.#take();
  }

  busySinceNs(): bigint {
    return this.#native.busySince();
  }

  async stop(): Promise<void> {
    await this.#native.stop();
    while (this.#take() > 0);
    this.#drain();
    this.#onRecords = null;
  }

  counters(): LinkCounters {
    return this.#native.counters();
  }

  async control(command: Readonly<Record<string, unknown>>, deadlineMs: number): Promise<DaqReply> {
    const { code, reply } = await this.#native.control(JSON.stringify(command), deadlineMs);
    const answer: unknown = reply === '' ? {} : JSON.parse(reply);
    const fields = typeof answer === 'object' && answer !== null ? answer : {};
    if (isAgentErrorCode(code)) {
      const message =
        'message' in fields ? String(fields.message) : `the DAQ link takes no commands (${code})`;
      throw new AgentError(code, message);
    }
    if (!('status' in fields) || typeof fields.status !== 'number') {
      throw new AgentError('daq_unreachable', `the DAQ answered without a status: ${reply.slice(0, 200)}`);
    }
    return { reply: '', ...fields, status: fields.status };
  }

  predict(location: number, prediction: { x: number; y: number; radius: number } | null): void {
    if (prediction === null) this.#native.predict(location);
    else this.#native.predict(location, prediction.x, prediction.y, prediction.radius);
  }

  wantPixels(locations: readonly number[]): void {
    this.#native.wantPixels(locations);
  }

  calibrate(location: number, order: CalibrationOrder, amplifiers: string): Promise<LoadedCalibration> {
    return this.#native.calibrate(location, order, amplifiers);
  }

  takePixels(lease: bigint): Uint8Array {
    try {
      return this.#native.takePixels(lease);
    } catch (error) {
      throw refuse(error);
    }
  }

  releasePixels(lease: bigint): void {
    try {
      this.#native.releasePixels(lease);
    } catch (error) {
      throw refuse(error);
    }
  }

  writeImage(token: bigint, order: ImageOrder): void {
    this.#native.writeImage(token, order);
  }

  lookAtImage(token: bigint, order: LookOrder): void {
    this.#native.lookAtImage(token, order);
  }

  releaseImage(token: bigint): void {
    this.#native.releaseImage(token);
  }

  /**
   * The native side calls this, and Node 20 swallows what is thrown into it: an error goes on from the event
   * loop instead, where it ends the process as any other bug does.
   */
  #onDoorbell(): void {
    try {
      this.#drain();
    } catch (error) {
      process.nextTick(() => {
        throw error;
      });
    }
  }

  #takeLog(): void {
    for (const line of this.#native.takeLog()) this.#log(line);
  }

  /** Hands on what the ring holds, up to one batch; returns how many records it was. */
  #take(): number {
    const count = this.#native.drain(this.#bytes);
    if (count === 0) return 0;
    // Decoded before they are handed on: whoever gets them may look for more.
    const records: DaqRecord[] = [];
    for (let i = 0; i < count; i++) records.push(this.#decoder.decode(i));
    if (this.#onRecords !== null) this.#onRecords(records);
    else for (const { lease } of records) if (lease !== 0n) this.#native.releasePixels(lease);
    return count;
  }

  /** After `mostMs` others have their turn: a source that never pauses must not hold the event loop. */
  #drain(): void {
    this.#takeLog();
    const began = performance.now();
    while (this.#take() > 0) {
      if (performance.now() - began < mostMs) continue;
      setImmediate(() => this.#onDoorbell());
      break;
    }
    const files = this.#native.takeReports();
    if (files.length > 0) this.#onFiles(files);
    const news = this.#native.takeImages();
    if (news.length > 0) this.#images?.onNews(news);
    const written = this.#native.takeImageFiles();
    if (written.length > 0) this.#images?.onImageFiles(written);
    const looks = this.#native.takeLooks();
    if (looks.length > 0) this.#images?.onLooks(looks);
    const cleaned = this.#native.takeIsrFiles();
    if (cleaned.length > 0) this.#images?.onIsrFiles(cleaned);
  }
}
