// SPDX-License-Identifier: Apache-2.0
// Fast seeded noise for pixels, where Random (64-bit integers) would take most of the time: xoshiro128** by Blackman
// and Vigna, normal deviates by Marsaglia's polar method, Poisson counts exact at any mean.
import type { Random } from '../random.js';

const twoTo32 = 2 ** 32;

function rotate(x: number, k: number): number {
  return (x << k) | (x >>> (32 - k));
}

export class Noise {
  readonly #state: Int32Array = new Int32Array(4);
  #spare: number | null = null;

  constructor(random: Random) {
    const a = random.bits();
    const b = random.bits();
    const words = [a, a >> 32n, b, b >> 32n];
    for (const [i, word] of words.entries()) this.#state[i] = Number(BigInt.asIntN(32, word));
    // The one state the generator cannot leave.
    if (this.#state.every((word) => word === 0)) this.#state[0] = 1;
  }

  /** 0..1, both excluded */
  uniform(): number {
    const s = this.#state;
    const s0 = s[0] as number;
    const s1 = s[1] as number;
    const s2 = (s[2] as number) ^ s0;
    const s3 = (s[3] as number) ^ s1;
    const result = Math.imul(rotate(Math.imul(s1, 5), 7), 9);
    s[0] = s0 ^ s3;
    s[1] = s1 ^ s2;
    s[2] = s2 ^ (s1 << 9);
    s[3] = rotate(s3, 11);
    return ((result >>> 0) + 0.5) / twoTo32;
  }

  /** mean 0, variance 1 */
  normal(): number {
    const spare = this.#spare;
    if (spare !== null) {
      this.#spare = null;
      return spare;
    }
    for (;;) {
      const u = 2 * this.uniform() - 1;
      const v = 2 * this.uniform() - 1;
      const s = u * u + v * v;
      if (s >= 1 || s === 0) continue;
      const scale = Math.sqrt((-2 * Math.log(s)) / s);
      this.#spare = v * scale;
      return u * scale;
    }
  }

  poisson(mean: number): number {
    if (mean <= 0) return 0;
    return mean < 12 ? this.#smallPoisson(mean) : this.#largePoisson(mean);
  }

  /** Inversion: the distribution function is walked up from zero. */
  #smallPoisson(mean: number): number {
    let left = this.uniform();
    let chance = Math.exp(-mean);
    let count = 0;
    while (left > chance && count < 200) {
      left -= chance;
      count++;
      chance *= mean / count;
    }
    return count;
  }

  /** Transformed rejection (PTRS): W. Hoermann, Insurance: Mathematics and Economics 12, 39 (1993). */
  #largePoisson(mean: number): number {
    const root = Math.sqrt(mean);
    const b = 0.931 + 2.53 * root;
    const a = -0.059 + 0.02483 * b;
    const inverseAlpha = 1.1239 + 1.1328 / (b - 3.4);
    const vr = 0.9277 - 3.6224 / (b - 2);
    const logMean = Math.log(mean);
    for (;;) {
      const u = this.uniform() - 0.5;
      const v = this.uniform();
      const us = 0.5 - Math.abs(u);
      const k = Math.floor(((2 * a) / us + b) * u + mean + 0.43);
      if (us >= 0.07 && v <= vr) return k;
      if (k < 0 || (us < 0.013 && v > us)) continue;
      const accept = Math.log((v * inverseAlpha) / (a / (us * us) + b));
      if (accept <= k * logMean - mean - logFactorial(k)) return k;
    }
  }
}

const smallLogFactorials = [0, 0];
for (let k = 2; k < 20; k++) smallLogFactorials.push((smallLogFactorials[k - 1] ?? 0) + Math.log(k));

/** Stirling's series; below 20 exact */
function logFactorial(k: number): number {
  const exact = smallLogFactorials[k];
  if (exact !== undefined) return exact;
  const n = k + 1;
  return (n - 0.5) * Math.log(n) - n + 0.5 * Math.log(2 * Math.PI) + 1 / (12 * n) - 1 / (360 * n ** 3);
}
