// SPDX-License-Identifier: Apache-2.0
// A picture to draw on: grey images, lines, circles, digits; encoded as PNG.
import { PNG } from 'pngjs';

export type Colour = readonly [number, number, number];

/** Digits and signs, 3 x 5, a row to three bits. */
const glyphs: Readonly<Record<string, readonly number[]>> = {
  '0': [7, 5, 5, 5, 7],
  '1': [2, 6, 2, 2, 7],
  '2': [7, 1, 7, 4, 7],
  '3': [7, 1, 7, 1, 7],
  '4': [5, 5, 7, 1, 1],
  '5': [7, 4, 7, 1, 7],
  '6': [7, 4, 7, 5, 7],
  '7': [7, 1, 1, 2, 2],
  '8': [7, 5, 7, 5, 7],
  '9': [7, 5, 7, 1, 7],
  '.': [0, 0, 0, 0, 2],
  '-': [0, 0, 7, 0, 0],
  e: [0, 7, 5, 6, 7],
  n: [0, 6, 5, 5, 5],
  m: [0, 7, 7, 5, 5],
  ' ': [0, 0, 0, 0, 0],
};

export class Canvas {
  readonly width: number;
  readonly height: number;
  /** red, green, blue */
  readonly #data: Buffer;

  /** Black. */
  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.#data = Buffer.alloc(3 * width * height);
  }

  dot(x: number, y: number, colour: Colour): void {
    const px = Math.round(x);
    const py = Math.round(y);
    if (px < 0 || py < 0 || px >= this.width || py >= this.height) return;
    const at = 3 * (py * this.width + px);
    this.#data[at] = colour[0];
    this.#data[at + 1] = colour[1];
    this.#data[at + 2] = colour[2];
  }

  /** All rows from this one on, one colour. */
  fill(fromRow: number, level: number): void {
    this.#data.fill(level, 3 * fromRow * this.width);
  }

  /** An image at the left edge whose lowest row comes first; its highest one lies at the top. */
  picture(pixels: Uint8Array, cols: number, rows: number): void {
    for (let y = 0; y < rows; y++) {
      let to = 3 * (rows - 1 - y) * this.width;
      for (let at = y * cols; at < (y + 1) * cols; at++) {
        const level = pixels[at] ?? 0;
        this.#data[to++] = level;
        this.#data[to++] = level;
        this.#data[to++] = level;
      }
    }
  }

  line(x0: number, y0: number, x1: number, y1: number, colour: Colour, dash = 0): void {
    const steps = Math.max(1, Math.ceil(Math.max(Math.abs(x1 - x0), Math.abs(y1 - y0))));
    if (!Number.isFinite(steps) || steps > 100_000) return;
    for (let i = 0; i <= steps; i++) {
      if (dash > 0 && Math.floor(i / dash) % 2 === 1) continue;
      this.dot(x0 + ((x1 - x0) * i) / steps, y0 + ((y1 - y0) * i) / steps, colour);
    }
  }

  circle(x: number, y: number, radius: number, colour: Colour): void {
    const steps = Math.max(16, Math.ceil(2 * Math.PI * radius * 1.5));
    if (!Number.isFinite(steps) || steps > 100_000) return;
    for (let i = 0; i < steps; i++) {
      const angle = (2 * Math.PI * i) / steps;
      this.dot(x + radius * Math.cos(angle), y + radius * Math.sin(angle), colour);
    }
  }

  /** Digits, their middle at x, twice as large as they are drawn. */
  text(text: string, x: number, y: number, colour: Colour): void {
    const left = Math.round(x - (text.length * 8) / 2);
    for (const [i, letter] of [...text].entries()) {
      for (const [row, bits] of (glyphs[letter] ?? []).entries()) {
        for (let col = 0; col < 3; col++) {
          if ((bits & (4 >> col)) === 0) continue;
          for (const [dx, dy] of [
            [0, 0],
            [1, 0],
            [0, 1],
            [1, 1],
          ] as const)
            this.dot(left + i * 8 + 2 * col + dx, y + 2 * row + dy, colour);
        }
      }
    }
  }

  encode(): Buffer {
    const { width, height } = this;
    const png = new PNG({ width, height });
    png.data = this.#data;
    // Most of a picture is noise: harder work would make it hardly smaller.
    const quick = { deflateLevel: 1, deflateStrategy: 0, filterType: 0 as const };
    return PNG.sync.write(png, { ...quick, colorType: 2, inputColorType: 2, inputHasAlpha: false });
  }
}
