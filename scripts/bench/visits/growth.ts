// SPDX-License-Identifier: Apache-2.0
// Whether a process grows: a straight line through its sizes, after it has warmed up.

export interface Growth {
  readonly first: number;
  readonly last: number;
  /** by least squares, per sample, after the warm-up */
  readonly slope: number;
  /** 1 sigma of the slope */
  readonly slopeErr: number;
}

/** `warmUp`: share of the samples at the beginning that are left out. */
export function growthOf(values: readonly number[], warmUp: number): Growth {
  const from = Math.floor(warmUp * values.length);
  const kept = values.slice(from);
  const n = kept.length;
  const meanAt = (n - 1) / 2;
  const mean = kept.reduce((sum, value) => sum + value, 0) / n;
  const sxx = kept.reduce((sum, _, i) => sum + (i - meanAt) ** 2, 0);
  const slope = kept.reduce((sum, value, i) => sum + (i - meanAt) * (value - mean), 0) / sxx;
  const rest = kept.reduce((sum, value, i) => sum + (value - mean - slope * (i - meanAt)) ** 2, 0);
  return {
    first: values[0] ?? Number.NaN,
    last: values.at(-1) ?? Number.NaN,
    slope,
    slopeErr: Math.sqrt(rest / Math.max(1, n - 2) / sxx),
  };
}
