// SPDX-License-Identifier: Apache-2.0
// Which log lines go out: a level that can change while the agent runs, and a limit for what repeats.

import { type Log, type LogFields, type LogLevel, logLevelNumber, logTo } from './log.js';

export interface LogOutlets {
  /** lines from the level on */
  readonly console: Log;
  /** lines from info on, whatever the level, and debug when the level is debug */
  readonly subscribers: (level: LogLevel, message: string, fields: LogFields) => void;
  readonly nowMs: () => number;
}

interface Repeated {
  readonly level: LogLevel;
  readonly sinceMs: number;
  count: number;
  /** of the lines that were held back, the last */
  held: { readonly message: string; readonly fields: LogFields } | null;
  heldCount: number;
}

/** So many lines of one kind within the window go out one by one; then one line tells how many more there were. */
const mostPerWindow = 5;
const windowMs = 10_000;
const mostKinds = 500;

export class LogGate {
  readonly log: Log;
  level: LogLevel = 'info';
  readonly #outlets: LogOutlets;
  readonly #kinds = new Map<string, Repeated>();

  constructor(outlets: LogOutlets) {
    this.#outlets = outlets;
    this.log = logTo((level, message, fields) => this.#take(level, message, fields));
  }

  /** Tells of lines held back whose window is over; `all`: of every one. Call it once a second and at the end. */
  flush(all = false): void {
    const nowMs = this.#outlets.nowMs();
    for (const [kind, entry] of this.#kinds) {
      if (!all && nowMs - entry.sinceMs < windowMs) continue;
      this.#kinds.delete(kind);
      const { held, heldCount, level } = entry;
      if (held) this.#write(level, held.message, { ...held.fields, repeated: heldCount });
    }
  }

  #take(level: LogLevel, message: string, fields: LogFields): void {
    // What a client wrote must not make each of its refusals a kind of its own.
    const { event, code } = fields;
    const refusal = event === 'command' && code !== undefined;
    const kind = `${level} ${refusal ? `command ${String(code)}` : message.replace(/\d+/g, '#')}`;
    let entry = this.#kinds.get(kind);
    if (!entry) {
      if (this.#kinds.size >= mostKinds) this.flush(true);
      entry = { level, sinceMs: this.#outlets.nowMs(), count: 0, held: null, heldCount: 0 };
      this.#kinds.set(kind, entry);
    }
    entry.count++;
    if (entry.count <= mostPerWindow) {
      this.#write(level, message, fields);
      return;
    }
    entry.held = { message, fields };
    entry.heldCount++;
  }

  #write(level: LogLevel, message: string, fields: LogFields): void {
    const number = logLevelNumber[level];
    if (number >= logLevelNumber[this.level]) this.#outlets.console[level](message, fields);
    if (number >= Math.min(logLevelNumber.info, logLevelNumber[this.level])) {
      this.#outlets.subscribers(level, message, fields);
    }
  }
}
