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
  readonly #png: PNG;

  constructor(width: number, height: number, background: Colour = [0, 0, 0]) {
    this.width = width;
    this.height = height;
    this.#png = new PNG({ width, height });
    for (let i = 0; i < width * height; i++) this.#put(i, background);
  }

  #put(i: number, [r, g, b]: Colour): void {
    this.#png.data.set([r, g, b, 255], 4 * i);
  }

  dot(x: number, y: number, colour: Colour): void {
    const px = Math.round(x);
    const py = Math.round(y);
    if (px >= 0 && py >= 0 && px < this.width && py < this.height) this.#put(py * this.width + px, colour);
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

  grey(x: number, y: number, level: number): void {
    this.dot(x, y, [level, level, level]);
  }

  encode(): Buffer {
    return PNG.sync.write(this.#png, { colorType: 2 });
  }
}
