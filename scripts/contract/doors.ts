// SPDX-License-Identifier: Apache-2.0
// Latency of a stamp from door to door, as the data themselves say it.
import { quantiles } from '../demonstration/quantiles.js';
import type { Body } from '../processes/subscription.js';

export const doorNames = [
  'first to last packet',
  'last packet to measured',
  'measured to published',
  'published to subscriber',
  'trigger to published',
] as const;

export interface Histogram {
  readonly door: string;
  readonly count: number;
  /** us */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** stamps by duration: below 2^n us */
  readonly bins: readonly { readonly belowUs: number; readonly count: number }[];
}

const powers = Array.from({ length: 20 }, (_, n) => 2 ** (n + 1));

export class Doors {
  readonly #us = new Map<string, number[]>(doorNames.map((name) => [name, []]));

  add(body: Body, receivedNs: bigint): void {
    const at = (key: string) => Number(body[key]);
    const [first, last, measured, published] = [
      't_first_ns',
      't_last_ns',
      't_measured_ns',
      't_published_ns',
    ].map(at);
    const spans = [
      [first, last],
      [last, measured],
      [measured, published],
      [published, Number(receivedNs)],
    ] as const;
    // A stamp that misses packets is not measured: its time is 0.
    for (const [i, [from = 0, to = 0]] of spans.entries())
      if (from > 0 && to > 0) this.#us.get(doorNames[i] ?? '')?.push((to - from) / 1000);
    if (typeof body.latency_ms === 'number') this.#us.get(doorNames[4])?.push(body.latency_ms * 1000);
  }

  histograms(): Histogram[] {
    return [...this.#us].map(([door, values]) => {
      const bins = powers.map((belowUs, n) => ({
        belowUs,
        count: values.filter((us) => us < belowUs && us >= (n === 0 ? 0 : belowUs / 2)).length,
      }));
      const { n, p50, p99, max } = quantiles(values, 0);
      return { door, count: n, p50, p99, max, bins: bins.filter(({ count }) => count > 0) };
    });
  }
}
