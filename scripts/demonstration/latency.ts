// SPDX-License-Identifier: Apache-2.0
// Latency samples and their percentiles, in microseconds.

export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export class LatencySamples {
  readonly #samples: number[] = [];

  add(us: number): void {
    this.#samples.push(us);
  }

  get count(): number {
    return this.#samples.length;
  }

  percentiles(): Percentiles {
    const sorted = Float64Array.from(this.#samples).sort();
    return { p50: at(sorted, 0.5), p99: at(sorted, 0.99), p999: at(sorted, 0.999), max: at(sorted, 1) };
  }
}

function at(sorted: Float64Array, quantile: number): number {
  const value = sorted[Math.round(quantile * (sorted.length - 1))];
  return value === undefined ? 0 : Math.round(value * 10) / 10;
}
