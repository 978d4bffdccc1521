// SPDX-License-Identifier: Apache-2.0
// What a simulated sensor's amplifier does to electrons: known to whoever knows the seed, as a lab knows a real one.
import { Random } from './random.js';

export interface Amplifier {
  /** electron per ADU */
  readonly gain: number;
  /** ADU */
  readonly readNoise: number;
}

/** What is fixed of a sensor is drawn from here, its amplifier first. */
export function fixedOf(seed: number, sensor: string): Random {
  return new Random(seed, `sensor ${sensor}`);
}

export function drawAmplifier(fixed: Random): Amplifier {
  const gain = fixed.between(1.0, 1.55);
  return { gain, readNoise: fixed.between(4.4, 7.0) };
}
