// SPDX-License-Identifier: Apache-2.0
// Counts what a kernel was given and what it refused.

import type { Measurement } from '../model/daq.js';
import { faultName } from '../model/flags.js';
import type { Kernel, Pixels, Prediction } from './kernel.js';

export class Refusals {
  readonly #byFault = new Map<string, number>();
  #total = 0;

  add(fault: number): void {
    this.#total++;
    if (fault === 0) return;
    const name = faultName(fault);
    this.#byFault.set(name, (this.#byFault.get(name) ?? 0) + 1);
  }

  /** Such as `3 of 12 stamps refused: 2 not_finite, 1 torn`; null when all were taken. */
  sentence(unit: 'stamps' | 'squares'): string | null {
    if (this.#byFault.size === 0) return null;
    const refused = [...this.#byFault.values()].reduce((sum, count) => sum + count, 0);
    const faults = [...this.#byFault].map(([name, count]) => `${count} ${name}`).join(', ');
    return `${refused} of ${this.#total} ${unit} refused: ${faults}`;
  }
}

export class CountingKernel implements Kernel {
  readonly #kernel: Kernel;
  readonly #refusals: Refusals;

  constructor(kernel: Kernel, refusals: Refusals) {
    this.#kernel = kernel;
    this.#refusals = refusals;
  }

  measure(pixels: Pixels, rows: number, cols: number, prediction: Prediction | null): Measurement {
    const measurement = this.#kernel.measure(pixels, rows, cols, prediction);
    this.#refusals.add(measurement.fault);
    return measurement;
  }

  reset(): void {
    this.#kernel.reset();
  }
}
