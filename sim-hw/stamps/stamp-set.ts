// SPDX-License-Identifier: Apache-2.0
// Writes a directory of stamps: index.json (format guider-stamps-1) with the truth, and one raw little-endian file
// per group, C order [n][rows][cols].
import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { endianness } from 'node:os';
import { join } from 'node:path';
import type { GroupPlan, Truth } from './truth.js';

type Column = (string | number | boolean | null)[];

export interface IndexGroup {
  readonly name: string;
  readonly file: string;
  readonly dtype: 'int32' | 'uint16';
  readonly shape: readonly [number, number, number];
  readonly bytes: number;
  readonly note: string;
  readonly sha256: string;
  readonly truth: Readonly<Record<string, Column>>;
}

/** `progress` is told after each stamp, and may say to wait for other work by returning a promise. */
export async function writeStampSet(
  directory: string,
  plans: readonly GroupPlan[],
  progress: (done: number, total: number) => Promise<void> | undefined,
): Promise<readonly IndexGroup[]> {
  mkdirSync(directory, { recursive: true });
  const total = plans.reduce((sum, plan) => sum + plan.count, 0);
  const groups: IndexGroup[] = [];
  let before = 0;
  for (const plan of plans) {
    groups.push(await writeGroup(directory, plan, (done) => progress(before + done, total)));
    before += plan.count;
  }
  const index = {
    format: 'guider-stamps-1',
    pixel_scale_arcsec: 0.2,
    origin: 'integer = pixel centre, x = column, y = row',
    byte_order: 'little',
    adc_bits: 18,
    groups,
  };
  writeFileSync(join(directory, 'index.json'), `${JSON.stringify(index)}\n`);
  return groups;
}

async function writeGroup(
  directory: string,
  plan: GroupPlan,
  progress: (done: number) => Promise<void> | undefined,
): Promise<IndexGroup> {
  const { name, dtype, rows, cols, count, note } = plan;
  const file = `${name}.${dtype}.bin`;
  const hash = createHash('sha256');
  const columns: Record<string, Column> = {};
  let bytes = 0;
  const out = openSync(join(directory, file), 'w');
  try {
    for (let i = 0; i < count; i++) {
      const { pixels, truth } = plan.stamp(i);
      const chunk = littleEndian(pixels, dtype);
      hash.update(chunk);
      bytes += writeSync(out, chunk);
      addRow(columns, truth, i);
      await progress(i + 1);
    }
  } finally {
    closeSync(out);
  }
  const sha256 = hash.digest('hex');
  return { name, file, dtype, shape: [count, rows, cols], bytes, note, sha256, truth: columns };
}

function littleEndian(pixels: Int32Array, dtype: 'int32' | 'uint16'): Buffer {
  const values = dtype === 'int32' ? pixels : Uint16Array.from(pixels);
  const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  if (endianness() === 'LE') return bytes;
  return dtype === 'int32' ? bytes.swap32() : bytes.swap16();
}

function addRow(columns: Record<string, Column>, truth: Truth, i: number): void {
  for (const [key, value] of Object.entries(truth) as [string, Column[number]][]) {
    const rounded = typeof value === 'number' ? Math.round(value * 1e6) / 1e6 : value;
    const column = columns[key] ?? [];
    columns[key] = column;
    column[i] = typeof rounded === 'number' && !Number.isFinite(rounded) ? null : rounded;
  }
}
