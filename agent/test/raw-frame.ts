// SPDX-License-Identifier: Apache-2.0
// A raw LATISS frame as a plain FITS file, with stars of which one knows all.
import { closeSync, openSync, writeSync } from 'node:fs';

const ampCols = 576;
const ampRows = 2048;
const dataCols = 509;
const dataRows = 2000;
const levelAdu = 20_000;

export interface PaintedStar {
  /** px of the assembled CCD, 0-based */
  readonly x: number;
  readonly y: number;
  /** ADU */
  readonly flux: number;
  readonly fwhm: number;
}

export interface RawFrame {
  readonly stars: readonly PaintedStar[];
  readonly header: Readonly<Record<string, string | number>>;
}

/** Camera order, place of the amplifier's data on the CCD, whether rows go down from the top. */
const amps = [
  ...[0, 1, 2, 3, 4, 5, 6, 7].map((k) => ({ name: `Segment1${k}`, x0: k * dataCols, top: true })),
  ...[7, 6, 5, 4, 3, 2, 1, 0].map((k) => ({ name: `Segment0${k}`, x0: k * dataCols, top: false })),
];

function card(name: string, value: string | number | boolean): string {
  const text =
    typeof value === 'string'
      ? `'${value.padEnd(8)}'`
      : String(value === true ? 'T' : value === false ? 'F' : value);
  return `${name.padEnd(8)}= ${typeof value === 'string' ? text : text.padStart(20)}`.padEnd(80);
}

function block(cards: readonly string[]): Buffer {
  const text = [...cards, 'END'.padEnd(80)].join('');
  return Buffer.from(text.padEnd(Math.ceil(text.length / 2880) * 2880), 'latin1');
}

/** Repeatable noise of 6 ADU, near enough to normal. */
function noiseOf(seed: number): () => number {
  let state = seed;
  return () => {
    let sum = -3;
    for (let i = 0; i < 6; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      sum += state / 2 ** 32;
    }
    return sum * 6 * Math.SQRT2;
  };
}

export function writeRawFrame(path: string, { stars, header }: RawFrame): void {
  const file = openSync(path, 'w');
  const primary = { INSTRUME: 'LATISS', RAFTBAY: 'R00', CCDSLOT: 'S00', ...header };
  writeSync(
    file,
    block([
      card('SIMPLE', true),
      card('BITPIX', 8),
      card('NAXIS', 0),
      card('EXTEND', true),
      ...Object.entries(primary).map(([name, value]) => card(name, value)),
    ]),
  );
  const noise = noiseOf(12345);
  for (const amp of amps) {
    const plane = new Float32Array(ampCols * ampRows);
    for (let i = 0; i < plane.length; i++) plane[i] = levelAdu + noise();
    for (const star of stars) paint(plane, amp, star);
    const bytes = Buffer.alloc(Math.ceil((plane.length * 4) / 2880) * 2880);
    for (const [i, value] of plane.entries()) bytes.writeInt32BE(Math.min(262_143, Math.round(value)), 4 * i);
    writeSync(
      file,
      block([
        card('XTENSION', 'IMAGE'),
        card('BITPIX', 32),
        card('NAXIS', 2),
        card('NAXIS1', ampCols),
        card('NAXIS2', ampRows),
        card('PCOUNT', 0),
        card('GCOUNT', 1),
        card('EXTNAME', amp.name),
      ]),
    );
    writeSync(file, bytes);
  }
  closeSync(file);
}

/** A Moffat star of beta 3. */
function paint(plane: Float32Array, amp: (typeof amps)[number], star: PaintedStar): void {
  const alpha = star.fwhm / (2 * Math.sqrt(2 ** (1 / 3) - 1));
  const peak = (2 * star.flux) / (Math.PI * alpha ** 2);
  const reach = 60;
  for (let y = Math.round(star.y) - reach; y <= star.y + reach; y++) {
    const row = amp.top ? 2 * dataRows - 1 - y : y;
    if (row < 0 || row >= dataRows) continue;
    for (let x = Math.round(star.x) - reach; x <= star.x + reach; x++) {
      const col = amp.x0 + dataCols - 1 - x;
      if (col < 0 || col >= dataCols) continue;
      const u = 1 + ((x - star.x) ** 2 + (y - star.y) ** 2) / alpha ** 2;
      const at = row * ampCols + 3 + col;
      plane[at] = (plane[at] ?? 0) + peak * u ** -3;
    }
  }
}
