// SPDX-License-Identifier: Apache-2.0
// A few numbers that stand for many.

export interface Quantiles {
  readonly n: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Of the finite ones, to `digits` decimals. */
export function quantiles(values: readonly number[], digits = 1): Quantiles {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  const at = (q: number) =>
    Number((sorted[Math.round(q * (sorted.length - 1))] ?? Number.NaN).toFixed(digits));
  return { n: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) };
}
