// SPDX-License-Identifier: Apache-2.0
// A picture to draw on: grey images, lines, circles, digits; encoded as a PNG file with a palette, a byte a pixel: a third of
// what three colours take, in time as in length.
import { constants, crc32, deflateSync } from 'node:zlib';

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

/** Of the palette; the other colours follow. */
const greys = 240;
const greyOf = Uint8Array.from({ length: 256 }, (_, level) => Math.floor((level * greys) / 256));

export class Canvas {
  readonly width: number;
  readonly height: number;
  /** rows as the file has them: a byte for the filter, none, before the pixels */
  readonly #data: Buffer;
  readonly #colours: Colour[] = [];

  /** Black. */
  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.#data = Buffer.alloc((1 + width) * height);
  }

  dot(x: number, y: number, colour: Colour): void {
    const px = Math.round(x);
    const py = Math.round(y);
    if (px < 0 || py < 0 || px >= this.width || py >= this.height) return;
    this.#data[py * (1 + this.width) + 1 + px] = this.#indexOf(colour);
  }

  #indexOf(colour: Colour): number {
    const known = this.#colours.indexOf(colour);
    return greys + (known >= 0 ? known : this.#colours.push(colour) - 1);
  }

  /** All rows from this one on, one level. */
  fill(fromRow: number, level: number): void {
    for (let y = fromRow; y < this.height; y++) {
      const at = y * (1 + this.width) + 1;
      this.#data.fill(greyOf[level] ?? 0, at, at + this.width);
    }
  }

  /** An image at the left edge whose lowest row comes first; its highest one lies at the top. */
  picture(pixels: Uint8Array, cols: number, rows: number): void {
    for (let y = 0; y < rows; y++) {
      let to = (rows - 1 - y) * (1 + this.width) + 1;
      for (let at = y * cols; at < (y + 1) * cols; at++) this.#data[to++] = greyOf[pixels[at] ?? 0] ?? 0;
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
    const header = Buffer.alloc(13);
    header.writeUInt32BE(this.width, 0);
    header.writeUInt32BE(this.height, 4);
    // 8 bit, palette; the rest has one value each.
    header.set([8, 3, 0, 0, 0], 8);
    const grey = Array.from({ length: greys }, (_, i) => Array(3).fill(Math.round((i * 255) / (greys - 1))));
    // Most of a picture is noise: looking for repetitions would make it hardly smaller.
    const quick = { level: 1, strategy: constants.Z_HUFFMAN_ONLY };
    return Buffer.concat([
      Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
      chunk('IHDR', header),
      chunk('PLTE', Buffer.from([...grey, ...this.#colours].flat())),
      chunk('IDAT', deflateSync(this.#data, quick)),
      chunk('IEND', Buffer.alloc(0)),
    ]);
  }
}

/** Length, name, content, checksum (PNG specification, "Chunk layout"). */
function chunk(name: string, content: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  const named = Buffer.concat([Buffer.from(name, 'latin1'), content]);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, sum]);
}
