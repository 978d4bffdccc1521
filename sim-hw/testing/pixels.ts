// SPDX-License-Identifier: Apache-2.0
// Pixels of stamps as numbers, and where the star is in them.

export interface Image {
  readonly rows: number;
  readonly cols: number;
  /** row-major, ADU */
  readonly pixels: readonly number[];
}

export function readInt32(rows: number, cols: number, payload: Buffer): Image {
  return { rows, cols, pixels: Array.from({ length: rows * cols }, (_, i) => payload.readInt32LE(4 * i)) };
}

export function readUint16(rows: number, cols: number, payload: Buffer): Image {
  return { rows, cols, pixels: Array.from({ length: rows * cols }, (_, i) => payload.readUInt16LE(2 * i)) };
}

/** One of the 16 segments of raw pixels: 18 bits each, the first in the lowest bits, top bit inverted. */
export function readRaw(rows: number, cols: number, payload: Buffer, plane: number): Image {
  const pixels = Array.from({ length: rows * cols }, (_, i) => {
    let value = 0;
    for (let bit = 0; bit < 18; bit++) {
      const at = 18 * plane + bit;
      const byte = payload[36 * i + Math.floor(at / 8)] ?? 0;
      value |= ((byte >> (at % 8)) & 1) << bit;
    }
    return value ^ 0x20000;
  });
  return { rows, cols, pixels };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/**
 * Place of the one star: first moment under a Gaussian window that follows it. The step is doubled, as a
 * window of the star's own width halves the moment (SExtractor manual, XWIN_IMAGE).
 */
export function centroid({ rows, cols, pixels }: Image, fwhmPx: number): { x: number; y: number } {
  const background = median(pixels);
  const brightest = pixels.indexOf(pixels.reduce((a, b) => Math.max(a, b)));
  const twoSigma2 = 2 * (fwhmPx / 2.355) ** 2;
  let x = brightest % cols;
  let y = Math.floor(brightest / cols);
  for (let step = 0; step < 20; step++) {
    let [sum, sumX, sumY] = [0, 0, 0];
    for (let row = 0; row < rows; row++) {
      for (let col = 0; col < cols; col++) {
        const [dx, dy] = [col - x, row - y];
        const light = (pixels[row * cols + col] ?? background) - background;
        const weighted = light * Math.exp(-(dx * dx + dy * dy) / twoSigma2);
        sum += weighted;
        sumX += weighted * dx;
        sumY += weighted * dy;
      }
    }
    x += (2 * sumX) / sum;
    y += (2 * sumY) / sum;
  }
  return { x, y };
}
