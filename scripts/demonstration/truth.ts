// SPDX-License-Identifier: Apache-2.0
// Follows the simulated DAQ's truth file while it grows, and scores published offsets against it.
import { closeSync, openSync, readSync } from 'node:fs';

const pixelMm = 0.01;

interface Displacement {
  readonly dxMm: number;
  readonly dyMm: number;
}

/** An offset waits for its truth line: the file may be behind the message. */
interface Pending {
  readonly key: string;
  readonly referenceKey: string;
  readonly xMm: number;
  readonly yMm: number;
}

export interface OffsetScore {
  readonly count: number;
  readonly rmsPxX: number;
  readonly rmsPxY: number;
}

export function stampKey(sequence: number, stamp: number): string {
  return `${sequence}/${stamp}`;
}

export class TruthScore {
  readonly #file: number;
  readonly #truth = new Map<string, Displacement>();
  #pending: Pending[] = [];
  #rest = '';
  #count = 0;
  #sumX2 = 0;
  #sumY2 = 0;
  /** last scored difference, px */
  last: { readonly dx: number; readonly dy: number } | null = null;

  constructor(path: string) {
    this.#file = openSync(path, 'r');
  }

  /** Offsets are relative to the reference stamp of their exposure; the truth is taken relative to the same. */
  addOffset(key: string, referenceKey: string, xMm: number, yMm: number): void {
    this.#pending.push({ key, referenceKey, xMm, yMm });
  }

  /** Reads what was appended and scores what can be scored. */
  update(): void {
    const buffer = Buffer.alloc(1 << 16);
    for (;;) {
      const bytes = readSync(this.#file, buffer, 0, buffer.length, null);
      if (bytes === 0) break;
      const lines = (this.#rest + buffer.toString('utf8', 0, bytes)).split('\n');
      this.#rest = lines.pop() ?? '';
      for (const line of lines) this.#addLine(line);
    }
    this.#pending = this.#pending.filter((offset) => !this.#score(offset));
  }

  get score(): OffsetScore {
    const rms = (sum: number): number => (this.#count > 0 ? Math.sqrt(sum / this.#count) : 0);
    return { count: this.#count, rmsPxX: rms(this.#sumX2), rmsPxY: rms(this.#sumY2) };
  }

  /** Offsets whose stamp the truth does not know: there must be none. */
  get unmatched(): number {
    return this.#pending.length;
  }

  close(): void {
    closeSync(this.#file);
  }

  #addLine(line: string): void {
    const entry = JSON.parse(line) as { sequence: number; stamp: number; dx_mm: number; dy_mm: number };
    this.#truth.set(stampKey(entry.sequence, entry.stamp), { dxMm: entry.dx_mm, dyMm: entry.dy_mm });
  }

  #score(offset: Pending): boolean {
    const truth = this.#truth.get(offset.key);
    const reference = this.#truth.get(offset.referenceKey);
    if (truth === undefined || reference === undefined) return false;
    const dx = (offset.xMm - (truth.dxMm - reference.dxMm)) / pixelMm;
    const dy = (offset.yMm - (truth.dyMm - reference.dyMm)) / pixelMm;
    this.#count++;
    this.#sumX2 += dx * dx;
    this.#sumY2 += dy * dy;
    this.last = { dx, dy };
    return true;
  }
}
