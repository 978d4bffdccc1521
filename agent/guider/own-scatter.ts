// SPDX-License-Identifier: Apache-2.0
// What stars do by themselves, beyond the errors of their positions (seeing, pixels): one variance for all sensors,
// learnt from how much they disagree. Without it one bright star would decide alone, and errors would be too small.

/** Weight of the starting value, in coordinates: eight sensors outvote it after a few stamps. */
const priorCount = 32;
/** What is remembered from one acquisition to the next: some 200 of them count. */
const keep = 0.995;

export class OwnScatter {
  readonly #start: number;
  #weighted = 0;
  #weights = 0;
  #count = 0;

  /** `startMm`: 1 sigma, expected of a star */
  constructor(startMm: number) {
    this.#start = startMm * startMm;
  }

  /** mm^2, per axis */
  get variance(): number {
    if (this.#count === 0) return this.#start;
    const prior = (priorCount * this.#weights) / this.#count;
    return Math.max(0, (this.#weighted + prior * this.#start) / (this.#weights + prior));
  }

  /** Call once before the residuals of an acquisition. */
  fade(): void {
    this.#weighted *= keep;
    this.#weights *= keep;
    this.#count *= keep;
  }

  /** A residual against the fit, the variance it has without own scatter, and what part of it the fit left. */
  take(residual: number, variance: number, left: number): void {
    if (!(left > 0)) return;
    const total = variance + this.#start;
    const weight = 1 / (total * total);
    this.#weighted += weight * ((residual * residual) / left - variance);
    this.#weights += weight;
    this.#count++;
  }
}
