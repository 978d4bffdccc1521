// SPDX-License-Identifier: Apache-2.0
// What a list of times is reported by.
import { round } from '../report.js';

export interface Spread {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly n: number;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
  return { p50: round(at(0.5), 2), p99: round(at(0.99), 2), max: round(at(1), 2), n: sorted.length };
}
