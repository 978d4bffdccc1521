// SPDX-License-Identifier: Apache-2.0
// Writes <stem>.json and <stem>.png of a look. Not synced: what they say is in the message too, and can be made again from
// the raw file.

import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { sentenceOf } from '../../model/errors.js';
import { drawFrame } from '../picture.js';
import type { FrameReport } from '../report.js';
import type { ProductFiles, ProductOrder } from './writer.js';

/** A raw file's keywords beside it: results of its name must not take its place. */
export function isSidecar(path: string): boolean {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return false;
  const start = Buffer.alloc(40);
  const file = openSync(path, 'r');
  try {
    return /^\s*\{\s*"__CONTENT__"/.test(start.toString('latin1', 0, readSync(file, start)));
  } finally {
    closeSync(file);
  }
}

/** Whole or not at all: a reader never sees half a file, nor do two writers write the same one. */
export function put(path: string, content: string | Buffer): void {
  if (isSidecar(path)) throw new Error(`${path}: is the sidecar of a raw file; expected another folder`);
  const part = `${path}.${process.pid}.part`;
  try {
    writeFileSync(part, content);
    renameSync(part, path);
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  }
}

/** The keys of a report in the order of the file. */
export function productJson(report: FrameReport, more: Readonly<Record<string, unknown>>): string {
  const { product, ...rest } = report;
  return `${JSON.stringify({ ...rest, ...product, ...more })}\n`;
}

export function writeProducts(order: ProductOrder): ProductFiles {
  const { id, stem, cols, rows, preview } = order;
  const report = JSON.parse(order.report) as FrameReport;
  const paths = { json: '', picture: '' };
  const problems: string[] = [];
  const attempt = (kind: 'json' | 'picture', end: string, content: () => string | Buffer): void => {
    try {
      put(stem + end, content());
      paths[kind] = stem + end;
    } catch (error) {
      problems.push(`${stem}${end}: ${sentenceOf(error)}`);
    }
  };
  try {
    // Not those above it: a disk that is away must not come back as a folder.
    if (!existsSync(dirname(stem))) mkdirSync(dirname(stem));
  } catch (error) {
    return { id, ...paths, problem: sentenceOf(error) };
  }
  attempt('json', '.json', () => productJson(report, order.more));
  attempt('picture', '.png', () => drawFrame(report, { cols, rows, pixels: preview }));
  return { id, ...paths, problem: problems.join('; ') };
}
