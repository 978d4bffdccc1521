// SPDX-License-Identifier: Apache-2.0
// Seeded randomness: the same seed gives the same run. Streams are separated by name, so that switching one
// thing on (a fault, say) does not change another (the sky).

export class Random {
  #state: bigint;

  constructor(seed: number, stream: string) {
    let hash = 0xcbf29ce484222325n ^ BigInt(seed);
    for (const letter of stream)
      hash = BigInt.asUintN(64, (hash ^ BigInt(letter.charCodeAt(0))) * 0x100000001b3n);
    this.#state = hash;
  }

  /** 64 random bits (splitmix64). */
  bits(): bigint {
    this.#state = BigInt.asUintN(64, this.#state + 0x9e3779b97f4a7c15n);
    let z = this.#state;
    z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    return z ^ (z >> 31n);
  }

  /** in 0..1, 1 excluded */
  uniform(): number {
    return Number(this.bits() >> 11n) / 2 ** 53;
  }

  between(low: number, high: number): number {
    return low + (high - low) * this.uniform();
  }

  integer(below: number): number {
    return Math.floor(this.uniform() * below);
  }

  /** mean 0, variance 1 (Box and Muller) */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }
}
