// SPDX-License-Identifier: Apache-2.0
// Files and folders that outlive a crash of the machine.

import { closeSync, fsyncSync, openSync, renameSync, writeFileSync } from 'node:fs';

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
