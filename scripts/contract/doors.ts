// SPDX-License-Identifier: Apache-2.0
// Latency of a stamp from door to door, as the data themselves say it.
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
      (last ?? 0) - (first ?? 0),
      (measured ?? 0) - (last ?? 0),
      (published ?? 0) - (measured ?? 0),
      Number(receivedNs) - (published ?? 0),
    ];
    for (const [i, ns] of spans.entries()) this.#us.get(doorNames[i] ?? '')?.push(ns / 1000);
    if (typeof body.latency_ms === 'number') this.#us.get(doorNames[4])?.push(body.latency_ms * 1000);
  }

  histograms(): Histogram[] {
    return [...this.#us].map(([door, values]) => {
      const sorted = [...values].sort((a, b) => a - b);
      const at = (share: number) =>
        Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN);
      const bins = powers.map((belowUs, n) => ({
        belowUs,
        count: sorted.filter((us) => us < belowUs && us >= (n === 0 ? 0 : belowUs / 2)).length,
      }));
      const used = bins.filter(({ count }) => count > 0);
      return {
        door,
        count: sorted.length,
        p50: at(0.5),
        p99: at(0.99),
        max: Math.round(sorted.at(-1) ?? Number.NaN),
        bins: used,
      };
    });
  }
}
