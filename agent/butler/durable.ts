// SPDX-License-Identifier: Apache-2.0
// Files and folders that outlive a crash of the machine.

import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** What a file holds is on the disk when this returns; of a folder, the names in it. */
export function syncFile(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

export const syncFolder = syncFile;

/**
 * Makes a folder with those above it; the first that was not there, null: all were. Node's own way (`recursive`) never comes
 * back where a file system says of a new name that it does not exist, as /proc does.
 */
export function makeFolders(folder: string): string | null {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return null;
  const above = dirname(folder);
  const first = above === folder ? null : makeFolders(above);
  try {
    mkdirSync(folder);
  } catch (error) {
    // Somebody else was faster.
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return first;
    throw error;
  }
  return first ?? folder;
}

/** There as a whole or not at all; its name is on the disk once its folder is (`syncFolder`). */
export function writeWhole(path: string, text: string): void {
  const part = `${path}.${process.pid}.part`;
  writeFileSync(part, text);
  syncFile(part);
  renameSync(part, path);
}

/** Of this machine. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
