// SPDX-License-Identifier: Apache-2.0
// One device on a serial line: every good line is published once, every bad one counted, silence and absence are
// alarms.

import type { Clock } from '../../model/clock.js';
import type { SensorEvent, SensorMessage, SensorSettings } from '../../model/health.js';
import type { MessageSink } from '../../model/messages.js';
import type { Alarms } from '../alarms.js';
import { type BadLineCause, badLineCauses, type Reading, type SerialDevice } from './device.js';
import { serialDevices } from './devices.js';
import { Framer, type Line } from './framer.js';
import { ComingPort } from './port.js';

export interface SensorDeps {
  readonly sink: MessageSink;
  readonly alarms: Alarms;
  readonly clock: Pick<Clock, 'monotonicNs' | 'taiNs'>;
  /** a timing receiver told UTC (ns since 1970) at a moment (CLOCK_MONOTONIC); gives the system clock's offset, ms */
  readonly receivedTime: (utcNs: bigint, atNs: bigint, settings: SensorSettings) => number;
}

/** That many bad lines in a row are an alarm, that many good ones end it. */
const inARow = 5;
/** A noisy line is told of once in that time, ms; the counts miss nothing. */
const badLineEveryMs = 1000;

export class SerialSensor {
  readonly #settings: SensorSettings;
  readonly #device: SerialDevice;
  readonly #deps: SensorDeps;
  readonly #port: ComingPort;
  readonly #framer: Framer;
  readonly #silentAfterMs: number;
  readonly #lines: Record<string, number> = { good: 0, ignored: 0 };
  #opened = 0;
  #first = true;
  #idle: NodeJS.Timeout | null = null;
  #silence: NodeJS.Timeout | null = null;
  #bytes = 0;
  #badInARow = 0;
  #goodInARow = 0;
  #toldBadNs = 0n;

  constructor(settings: SensorSettings, deps: SensorDeps) {
    const device = serialDevices[settings.device];
    if (!device) throw new Error(`no device ${settings.device}`);
    this.#settings = settings;
    this.#device = device;
    this.#deps = deps;
    this.#silentAfterMs = settings.silentAfterMs ?? Math.max(2000, 5 * device.periodMs);
    for (const cause of badLineCauses) this.#lines[cause] = 0;
    this.#framer = new Framer(device, {
      line: (line) => this.#onLine(line),
      bad: (cause) => this.#onBad(cause),
    });
    this.#port = new ComingPort(
      { path: settings.path, baudRate: settings.baudRate ?? device.baudRate },
      {
        opened: () => this.#onOpened(),
        bytes: (data, atNs) => this.#onBytes(data, atNs),
        lost: (reason) => this.#onLost(reason),
      },
    );
  }

  start(): void {
    this.#port.start();
  }

  async stop(): Promise<void> {
    this.#rest();
    await this.#port.stop();
  }

  get name(): string {
    return this.#settings.name;
  }

  /** Every counter, wire names. */
  counters(): Record<string, number> {
    return { ...this.#lines, reconnects: this.#reconnects };
  }

  get #reconnects(): number {
    return Math.max(0, this.#opened - 1);
  }

  #onOpened(): void {
    this.#opened++;
    this.#first = true;
    const detail = `${this.name}: ${this.#settings.path} is open`;
    this.#deps.alarms.clear(`sensor_lost:${this.name}`, detail);
    this.#tell('connected', detail);
    this.#listen();
  }

  #onLost(reason: string): void {
    this.#rest();
    this.#framer.close();
    const detail = `${this.name}: ${this.#settings.path} is not there: ${reason}`;
    this.#deps.alarms.raise(`sensor_lost:${this.name}`, 'warning', detail);
    this.#tell('lost', detail);
  }

  #onBytes(data: Uint8Array, atNs: bigint): void {
    this.#bytes += data.length;
    this.#framer.push(data, atNs);
    if (this.#idle) clearTimeout(this.#idle);
    this.#idle = null;
    if (!this.#framer.unfinished) return;
    this.#awaitIdle(this.#bytes);
  }

  /** Ends what has begun when nothing comes for the device's idle time. */
  #awaitIdle(bytes: number): void {
    const { idleMs } = this.#device;
    const due = performance.now() + idleMs;
    this.#idle = setTimeout(() => {
      // After a pause of this thread a timer runs before the bytes that came meanwhile are read: they get as long again.
      if (performance.now() - due > idleMs / 2) this.#awaitIdle(bytes);
      else
        setImmediate(() => {
          if (this.#bytes === bytes) this.#framer.idle();
        });
    }, idleMs);
  }

  #onLine(line: Line): void {
    const parsed = this.#device.parse(line.text, this.#first);
    if ('bad' in parsed) {
      this.#onBad(parsed.bad);
      return;
    }
    this.#first = false;
    this.#badInARow = 0;
    this.#goodInARow++;
    this.#listen();
    this.#deps.alarms.clear(`sensor_silent:${this.name}`, `${this.name}: lines arrive again`);
    if (this.#goodInARow >= inARow) {
      this.#deps.alarms.clear(`sensor_garbled:${this.name}`, `${this.name}: lines are good again`);
    }
    if ('ignored' in parsed) {
      this.#count('ignored');
      return;
    }
    this.#count('good');
    this.#deps.sink.publish(this.#readingMessage(parsed, line));
  }

  #onBad(cause: BadLineCause): void {
    // Who opens a port joins in the middle of a line.
    this.#count(this.#first ? 'fragment' : cause);
    this.#first = false;
    this.#goodInARow = 0;
    this.#badInARow++;
    if (this.#badInARow >= inARow) {
      const detail = `${this.name}: ${inARow} bad lines in a row, the last for its ${cause}: check cable, settings and device`;
      this.#deps.alarms.raise(`sensor_garbled:${this.name}`, 'warning', detail);
    }
    const now = this.#deps.clock.monotonicNs();
    if (now - this.#toldBadNs < BigInt(badLineEveryMs) * 1_000_000n) return;
    this.#toldBadNs = now;
    this.#tell('bad_line', `${this.name}: a bad line (${cause})`);
  }

  #readingMessage(reading: Reading, line: Line): SensorMessage {
    const arrivedNs = line.arrivedNs(0);
    const toTai = this.#deps.clock.taiNs() - this.#deps.clock.monotonicNs();
    const values: Record<string, unknown> = { ...reading.values };
    if (reading.offsets) values.channel_tai_ns = reading.offsets.map((at) => line.arrivedNs(at) + toTai);
    if (reading.utcNs !== undefined) {
      values.offset_ms = this.#deps.receivedTime(reading.utcNs, arrivedNs, this.#settings);
    }
    return this.#message('reading', arrivedNs, arrivedNs + toTai, values, reading.flags, '');
  }

  #tell(event: SensorEvent, detail: string): void {
    const { clock, sink } = this.#deps;
    sink.publish(this.#message(event, clock.monotonicNs(), clock.taiNs(), {}, [], detail));
  }

  #message(
    event: SensorEvent,
    atNs: bigint,
    taiNs: bigint,
    values: Readonly<Record<string, unknown>>,
    flags: readonly string[],
    detail: string,
  ): SensorMessage {
    return {
      kind: 'health.sensor',
      sensor: this.name,
      device: this.#settings.device,
      event,
      timestamp: Number(taiNs / 1000n) / 1e6,
      tArrivalNs: atNs,
      tArrivalTaiNs: taiNs,
      values,
      flags,
      lines: { ...this.#lines },
      reconnects: this.#reconnects,
      detail,
    };
  }

  #count(what: string): void {
    this.#lines[what] = (this.#lines[what] ?? 0) + 1;
  }

  /** From now on silence counts. */
  #listen(): void {
    if (this.#silence) {
      this.#silence.refresh();
      return;
    }
    this.#silence = setTimeout(() => {
      this.#silence = null;
      const detail = `${this.name}: no good line for ${this.#silentAfterMs} ms`;
      this.#deps.alarms.raise(`sensor_silent:${this.name}`, 'warning', detail);
      this.#tell('silent', detail);
    }, this.#silentAfterMs);
  }

  #rest(): void {
    if (this.#idle) clearTimeout(this.#idle);
    if (this.#silence) clearTimeout(this.#silence);
    this.#idle = null;
    this.#silence = null;
  }
}
