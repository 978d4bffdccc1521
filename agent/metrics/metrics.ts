// SPDX-License-Identifier: Apache-2.0
// Every counter and latency: on ZeroMQ every few seconds, and for Prometheus when it asks.

import type { AlarmHistory, EventLoopDelay, HostReading } from '../model/health.js';
import type { MessageSink } from '../model/messages.js';
import { Doors } from './doors.js';
import { Exporter } from './exporter.js';
import { flatten } from './flatten.js';
import { alarmSamples, hostSamples } from './host-samples.js';
import { type Endpoint, MetricsServer } from './server.js';

export interface MetricsDeps {
  readonly sink: MessageSink;
  readonly monotonicNs: () => bigint;
  /** what the command `stats` answers */
  readonly stats: () => Record<string, unknown>;
  readonly host: () => {
    readonly reading: HostReading | null;
    readonly eventLoopDelay: EventLoopDelay;
  } | null;
  readonly alarms: () => readonly AlarmHistory[];
}

export interface MetricsSettings {
  /** null: no endpoint for Prometheus */
  readonly endpoint: Endpoint | null;
  readonly labels: Readonly<Record<string, string>>;
}

const periodMs = 5000;

export class Metrics {
  /** what stamps pass on their way to `sink` */
  readonly doors: Doors;
  readonly #deps: MetricsDeps;
  readonly #server: MetricsServer | null;
  #timer: NodeJS.Timeout | null = null;

  constructor(settings: MetricsSettings, deps: MetricsDeps) {
    this.#deps = deps;
    const exporter = new Exporter(settings.labels, () => {
      const host = deps.host();
      return [
        ...flatten(deps.stats()),
        ...(host === null ? [] : hostSamples(host.reading, host.eventLoopDelay)),
        ...alarmSamples(deps.alarms()),
      ];
    });
    this.doors = new Doors({
      next: deps.sink,
      monotonicNs: deps.monotonicNs,
      observe: (door, seconds) => exporter.observe(door, seconds),
    });
    this.#server = settings.endpoint === null ? null : new MetricsServer(settings.endpoint, exporter);
  }

  /** Resolves to the URL for Prometheus; null when there is none. */
  async start(): Promise<string | null> {
    const url = this.#server === null ? null : await this.#server.start();
    this.#timer = setInterval(() => this.tell(), periodMs);
    return url;
  }

  async stop(): Promise<void> {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
    await this.#server?.stop();
  }

  tell(): void {
    this.#deps.sink.publish({
      kind: 'metrics',
      counters: this.#deps.stats(),
      latency: this.doors.take(),
    });
  }
}
