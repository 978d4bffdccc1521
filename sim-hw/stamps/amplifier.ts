// SPDX-License-Identifier: Apache-2.0
// One amplifier of a guide sensor: gain, read noise, full well, and the structure it writes over every stamp. Ranges
// as in laboratory guider series: columns of 1-5 ADU, a transient at the first columns, weak first rows.
import type { Random } from '../random.js';

export interface Amplifier {
  /** electron/ADU */
  readonly gain: number;
  /** electron */
  readonly readNoiseE: number;
  /** electron */
  readonly fullWellE: number;
  /** ADU, 1 sigma, anew for each row of each stamp */
  readonly rowNoise: number;
  /** ADU of every pixel without light, row by row */
  readonly pattern: Float64Array;
}

export type Structure = 'flat' | 'raw';

/** The amplifier behind the table of bounds: every stamp of an accuracy cell has the same noise. */
export const referenceGain = 1.46;
export const referenceReadNoise = 9;

export function drawAmplifier(
  random: Random,
  rows: number,
  cols: number,
  structure: Structure,
  fixed: { readonly gain: number; readonly readNoiseE: number } | null,
): Amplifier {
  const gain = random.between(1.0, 1.55);
  const readNoiseE = random.between(6, 12);
  const fullWellE = random.between(120_000, 190_000);
  const bias = random.between(12_000, 30_000);
  const rowNoise = random.between(0.5, 1.5);
  const raw = structure === 'raw';
  const pattern = raw ? drawPattern(random, rows, cols) : new Float64Array(rows * cols);
  return {
    gain: fixed?.gain ?? gain,
    readNoiseE: fixed?.readNoiseE ?? readNoiseE,
    fullWellE,
    rowNoise: raw ? rowNoise : 0,
    pattern: pattern.map((value) => value + bias),
  };
}

function drawPattern(random: Random, rows: number, cols: number): Float64Array {
  const sigma = random.between(1, 5);
  const transient = random.between(-35, 60);
  const columns = random.between(1.5, 5);
  const ramp = random.between(-5, 0);
  const column = Float64Array.from(
    { length: cols },
    (_, i) => sigma * random.normal() + transient * Math.exp(-i / columns),
  );
  const out = new Float64Array(rows * cols);
  for (let row = 0; row < rows; row++) {
    const start = ramp * Math.exp(-row / 3);
    for (let col = 0; col < cols; col++) out[row * cols + col] = (column[col] as number) + start;
  }
  return out;
}
