// SPDX-License-Identifier: Apache-2.0
// Does to a folder what the agent will do with each file: write, fsync, rename, fsync the folder; leaves nothing.

import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { sentenceOf } from '../model/errors.js';

export interface DiskTrial {
  /** the first step that failed, with the reason; null: none */
  readonly problem: string | null;
  /** from the first byte to on the disk */
  readonly durableMs: number;
}

const bytes = Buffer.alloc(1 << 20, 1);

/** A folder that is still to be made is tried where it will be made. */
export function tryDisk(folder: string): DiskTrial {
  if (!existsSync(folder) && dirname(folder) !== folder) return tryDisk(dirname(folder));
  const part = join(folder, `.summit-doctor-${process.pid}.part`);
  const whole = join(folder, `.summit-doctor-${process.pid}`);
  const began = performance.now();
  const done = (problem: string | null) => ({ problem, durableMs: performance.now() - began });
  let step = 'made';
  const made: string[] = [];
  try {
    const file = openSync(part, 'wx', 0o600);
    made.push(part, whole);
    try {
      step = 'written';
      writeSync(file, bytes);
      step = 'brought to the disk (fsync)';
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    step = 'renamed';
    renameSync(part, whole);
    step = 'kept (fsync of its folder)';
    const at = openSync(folder, 'r');
    try {
      fsyncSync(at);
    } finally {
      closeSync(at);
    }
    return done(null);
  } catch (error) {
    return done(`a file there cannot be ${step}: ${sentenceOf(error)}`);
  } finally {
    for (const path of made) rmSync(path, { force: true });
  }
}
