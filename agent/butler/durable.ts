// SPDX-License-Identifier: Apache-2.0
// Files and folders that outlive a crash of the machine.

import { closeSync, fsyncSync, openSync, renameSync, writeFileSync } from 'node:fs';

function sync(path: string, how: 'r' | 'r+'): void {
  const fd = openSync(path, how);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** What a file holds is on the disk when this returns. */
export function syncFile(path: string): void {
  sync(path, 'r+');
}

/** The names in a folder are on the disk when this returns. */
export function syncFolder(path: string): void {
  sync(path, 'r');
}

/** There as a whole or not at all; its name is on the disk once its folder is (`syncFolder`). */
export function writeWhole(path: string, text: string): void {
  const part = `${path}.part`;
  writeFileSync(part, text);
  syncFile(part);
  renameSync(part, path);
}
