// SPDX-License-Identifier: Apache-2.0
// Prometheus text (version 0.0.4) of samples that are taken when somebody asks, and of latencies that are counted as
// they happen.

import type * as Prometheus from 'prom-client';
import type { Door } from './doors.js';
import type { Sample } from './flatten.js';
import { Counter, Gauge, Histogram, Registry } from './prom-client.js';

/** s: from a kernel that measures in 20 us to a link that stood still */
const buckets = [2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2];

type Metric = Prometheus.Counter<string> | Prometheus.Gauge<string>;

export class Exporter {
  readonly #registry = new Registry();
  readonly #metrics = new Map<string, Metric>();
  readonly #latency: Prometheus.Histogram<'door'>;
  readonly #samples: () => readonly Sample[];

  constructor(labels: Readonly<Record<string, string>>, samples: () => readonly Sample[]) {
    this.#registry.setDefaultLabels(labels);
    this.#samples = samples;
    this.#latency = new Histogram({
      name: 'summit_latency_seconds',
      help: 'from door to door: transfer, measure, publish, offsets (agent/metrics/README.md)',
      labelNames: ['door'],
      buckets,
      registers: [this.#registry],
    });
  }

  observe(door: Door, seconds: number): void {
    this.#latency.labels(door).observe(seconds);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  async text(): Promise<string> {
    for (const metric of this.#metrics.values()) metric.reset();
    for (const sample of this.#samples()) {
      const metric = this.#metricOf(sample);
      if (metric instanceof Gauge) metric.set({ ...sample.labels }, sample.value);
      else metric.inc({ ...sample.labels }, sample.value);
    }
    return this.#registry.metrics();
  }

  #metricOf({ name, type, labels }: Sample): Metric {
    let metric = this.#metrics.get(name);
    if (!metric) {
      const settings = {
        name,
        help: name.replaceAll('_', ' '),
        labelNames: Object.keys(labels),
        registers: [this.#registry],
      };
      metric = type === 'gauge' ? new Gauge(settings) : new Counter(settings);
      this.#metrics.set(name, metric);
    }
    return metric;
  }
}
