// SPDX-License-Identifier: Apache-2.0
// Stamps that the DAQ delivered wrong.
import type { Random } from '../random.js';
import type { Stamp, Truth } from './truth.js';

const allBits = 2 ** 18 - 1;
const topBit = 2 ** 17;

/**
 * One fault of a kind that goes round with `i`. A wrong bit in some pixels, or a tear well past the star, may leave
 * a right position.
 */
export function breakStamp(pixels: Int32Array, truth: Truth, side: number, i: number, random: Random): Stamp {
  const tornRow = 1 + random.integer(side - 2);
  const torn = tornRow * side;
  const lost = { ...truth, star: false };
  const starEnd = (truth.y ?? 0) + 2 * (truth.fwhm_px ?? 0);
  const afterTear: Truth = tornRow > starEnd ? { ...truth, want: 'either' } : lost;
  switch (i % 6) {
    case 0:
      return { pixels: pixels.fill(0), truth: lost };
    case 1:
      return { pixels: pixels.fill(allBits), truth: lost };
    case 2:
      return { pixels: pixels.fill(pixels[0] ?? 0), truth: lost };
    case 3:
      return { pixels: pixels.fill(0, torn), truth: afterTear };
    case 4:
      return { pixels: pixels.fill(allBits, torn), truth: afterTear };
    default:
      for (let left = 1 + random.integer(20); left > 0; left--) {
        const at = random.integer(pixels.length);
        pixels[at] = (pixels[at] ?? 0) ^ topBit;
      }
      return { pixels, truth: { ...truth, want: 'either' } };
  }
}
