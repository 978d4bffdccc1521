// SPDX-License-Identifier: Apache-2.0
// Alarms by name: each is told once when it begins and once when it ends, on ZeroMQ and in the log.

import type { AlarmHistory } from '../model/health.js';
import type { Log } from '../model/log.js';
import type { AlarmMessage, MessageSink } from '../model/messages.js';

export class Alarms {
  readonly #sink: MessageSink;
  readonly #log: Log;
  readonly #active = new Map<string, AlarmMessage>();
  readonly #raised = new Map<string, { readonly severity: AlarmMessage['severity']; count: number }>();

  constructor(sink: MessageSink, log: Log) {
    this.#sink = sink;
    this.#log = log;
  }

  /** Alarms that are on. */
  get active(): readonly AlarmMessage[] {
    return [...this.#active.values()];
  }

  /** Alarms that were on at least once. */
  get history(): readonly AlarmHistory[] {
    return [...this.#raised].map(([name, { severity, count }]) => ({
      name,
      severity,
      active: this.#active.has(name),
      raised: count,
    }));
  }

  isOn(name: string): boolean {
    return this.#active.has(name);
  }

  /** On with a reason, off without one. */
  set(name: string, severity: AlarmMessage['severity'], reason: string | null, cleared: string): void {
    if (reason === null) this.clear(name, cleared);
    else this.raise(name, severity, reason);
  }

  raise(name: string, severity: AlarmMessage['severity'], message: string): void {
    if (this.#active.has(name)) return;
    const alarm: AlarmMessage = { kind: 'alarm', name, active: true, severity, message };
    this.#active.set(name, alarm);
    const before = this.#raised.get(name);
    if (before) before.count++;
    else this.#raised.set(name, { severity, count: 1 });
    this.#sink.publish(alarm);
    this.#log.warning(message, { alarm: name });
  }

  clear(name: string, message: string): void {
    if (!this.#active.delete(name)) return;
    this.#sink.publish({ kind: 'alarm', name, active: false, severity: 'info', message });
    this.#log.info(message, { alarm: name });
  }
}
