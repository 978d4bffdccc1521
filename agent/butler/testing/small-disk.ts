// SPDX-License-Identifier: Apache-2.0
// A file system of a test's own, as small as it wants it. Mounting needs root.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';

export function smallDisk(t: Test, kilobytes: number) {
  const folder = mkdtempSync(join(tmpdir(), 'small-disk-'));
  const resize = (size: number, ...flags: readonly string[]) =>
    execFileSync('mount', ['-t', 'tmpfs', '-o', [...flags, `size=${size}k`].join(), 'tmpfs', folder]);
  resize(kilobytes);
  t.teardown(() => {
    execFileSync('umount', ['--lazy', folder]);
    rmSync(folder, { recursive: true });
  });
  /** A file of somebody else takes the rest; its path. */
  const leave = (free: number) => {
    const { bavail, bsize } = statfsSync(folder);
    const others = join(folder, 'others');
    writeFileSync(others, Buffer.alloc(bavail * bsize - free * 1024));
    return others;
  };
  return { folder, leave, resize: (size: number) => resize(size, 'remount') };
}
