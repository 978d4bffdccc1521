// SPDX-License-Identifier: Apache-2.0
// A directory of stamps: index.json (format guider-stamps-1) and one raw little-endian file per group, C order
// [n][rows][cols]. Only byte_order, name, file, dtype and shape are read: what the index knows of the truth stays unread.

import { readFileSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { AgentError } from '../model/errors.js';
import type { Pixels } from './kernel.js';

export interface StampGroup {
  readonly name: string;
  /** consecutive stamps of one sensor; otherwise each stamp stands alone */
  readonly series: boolean;
  readonly stamps: number;
  readonly rows: number;
  readonly cols: number;
  /** Reads the group's file; stamp i is row by row. Throws AgentError when the file does not fit the index. */
  open(): (i: number) => Pixels;
}

const format = 'guider-stamps-1';
const bytesOf = { int32: 4, uint16: 2 } as const;

function refuse(problem: string): AgentError {
  return new AgentError('usage', problem);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function readStampSet(directory: string): StampGroup[] {
  const path = join(directory, 'index.json');
  const index = parse(path);
  if (!isRecord(index) || index.format !== format)
    throw refuse(
      `${path}: expected "format": "${format}", got ${JSON.stringify(isRecord(index) ? index.format : index)}`,
    );
  const { byte_order: order = 'little' } = index;
  if (order !== 'little')
    throw refuse(`${path}: expected "byte_order": "little", got ${JSON.stringify(order)}`);
  if (!Array.isArray(index.groups)) throw refuse(`${path}: expected an array "groups"`);
  const groups = index.groups.map((group: unknown, i) => groupOf(directory, `${path}: groups[${i}]`, group));
  const names = groups.map(({ name }) => name);
  const again = names.findIndex((name, i) => names.indexOf(name) < i);
  if (again >= 0) throw refuse(`${path}: groups[${again}].name: a second group named ${names[again]}`);
  return groups;
}

function parse(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new AgentError('usage', `${path}: expected the index of a set of stamps: ${why}`, { cause: error });
  }
}

function groupOf(directory: string, where: string, group: unknown): StampGroup {
  if (!isRecord(group)) throw refuse(`${where}: expected an object`);
  const { name, file, dtype, shape } = group;
  if (typeof name !== 'string' || name === '') throw refuse(`${where}.name: expected text`);
  if (typeof file !== 'string' || normalize(file).startsWith('..') || file.startsWith('/'))
    throw refuse(`${where}.file: expected a file in this directory, got ${JSON.stringify(file)}`);
  if (dtype !== 'int32' && dtype !== 'uint16')
    throw refuse(`${where}.dtype: expected int32 or uint16, got ${JSON.stringify(dtype)}`);
  const [stamps, rows, cols] = sides(where, shape);
  const open = () => openGroup(join(directory, file), dtype, stamps, rows, cols);
  return { name, series: name.startsWith('series_'), stamps, rows, cols, open };
}

function sides(where: string, shape: unknown): [number, number, number] {
  const good =
    Array.isArray(shape) && shape.length === 3 && shape.every((n) => Number.isInteger(n) && n >= 0);
  if (!good) throw refuse(`${where}.shape: expected [stamps, rows, cols], got ${JSON.stringify(shape)}`);
  return shape as [number, number, number];
}

function openGroup(path: string, dtype: 'int32' | 'uint16', stamps: number, rows: number, cols: number) {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new AgentError('usage', `${path}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
  const each = rows * cols * bytesOf[dtype];
  if (bytes.length !== stamps * each) {
    throw refuse(
      `${path}: expected ${stamps} x ${rows} x ${cols} ${dtype} = ${stamps * each} bytes, got ${bytes.length}`,
    );
  }
  // A copy of its own: at a multiple of four bytes, and of these bytes alone.
  const whole = new Uint8Array(bytes).buffer;
  return (i: number): Pixels =>
    dtype === 'int32'
      ? new Int32Array(whole, i * each, rows * cols)
      : evenStamp(whole, i * each, rows * cols);
}

/** The kernel takes pixels at a multiple of four bytes. */
function evenStamp(whole: ArrayBuffer, offset: number, pixels: number): Uint16Array {
  return offset % 4 === 0
    ? new Uint16Array(whole, offset, pixels)
    : new Uint16Array(whole.slice(offset, offset + 2 * pixels));
}
