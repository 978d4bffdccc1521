// SPDX-License-Identifier: Apache-2.0
// A serial port that comes and goes: opens it, hands on what arrives, and opens it again when it is back.
// Thread: the main one. The serialport binding polls on the process's first event loop, whichever thread asks.

import { createRequire } from 'node:module';
import type { SerialPort } from 'serialport';

const require = createRequire(import.meta.url);

/** Loaded by the first port: most agents have none, and it takes a while. */
function serialPort(): typeof SerialPort {
  const { SerialPort }: typeof import('serialport') = require('serialport');
  return SerialPort;
}

export interface PortSettings {
  readonly path: string;
  readonly baudRate: number;
}

export interface PortEvents {
  opened(): void;
  bytes(data: Uint8Array, atNs: bigint): void;
  /** It went away, or cannot be opened: said once until it is opened. */
  lost(reason: string): void;
}

const retryMs = 250;
const checkMs = 500;

export class ComingPort {
  readonly #settings: PortSettings;
  readonly #events: PortEvents;
  #port: SerialPort | null = null;
  #timer: NodeJS.Timeout | null = null;
  #told = false;
  #stopped = true;

  constructor(settings: PortSettings, events: PortEvents) {
    this.#settings = settings;
    this.#events = events;
  }

  start(): void {
    this.#stopped = false;
    this.#open();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer) clearTimeout(this.#timer);
    const port = this.#port;
    this.#port = null;
    if (port?.isOpen) await new Promise<void>((resolve) => port.close(() => resolve()));
  }

  #open(): void {
    // The agent listens only: modem lines are left as they are, and a second reader is kept out.
    const port = new (serialPort())({ ...this.#settings, autoOpen: false, hupcl: false, lock: true });
    this.#port = port;
    port.on('data', (data: Buffer) => this.#events.bytes(data, process.hrtime.bigint()));
    // What is wrong with an open port also closes it.
    port.on('error', () => {});
    port.on('close', (reason: Error | null) => this.#gone(reason?.message ?? 'the line hung up'));
    port.open((error) => {
      if (error) this.#gone(error.message);
      else if (this.#stopped) port.close();
      else {
        this.#told = false;
        this.#events.opened();
        this.#watch(port);
      }
    });
  }

  #gone(reason: string): void {
    if (this.#timer) clearTimeout(this.#timer);
    if (this.#stopped) return;
    if (!this.#told) {
      this.#told = true;
      this.#events.lost(reason);
    }
    this.#timer = setTimeout(() => this.#open(), retryMs);
  }

  /**
   * A line that hangs up while this process is busy reads as nothing, again and again, without end and without an
   * event: what it is set to can no longer be asked for, which tells.
   */
  #watch(port: SerialPort): void {
    this.#timer = setTimeout(() => {
      const asked = port.port?.getBaudRate() ?? Promise.resolve(null);
      asked.then(
        () => {
          if (!this.#stopped && port.isOpen) this.#watch(port);
        },
        () => {
          if (port.isOpen) port.close();
        },
      );
    }, checkMs);
  }
}
