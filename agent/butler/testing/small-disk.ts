// SPDX-License-Identifier: Apache-2.0
// A file system of a test's own, as small as it wants it. Mounting needs root.

import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { mountOver } from '../../model/testing/mount.js';

export function smallDisk(t: Test, kilobytes: number) {
  const folder = mkdtempSync(join(tmpdir(), 'small-disk-'));
  const disk = mountOver(t, folder, `size=${kilobytes}k`);
  if (!disk) throw new Error('this test mounts, which needs root');
  t.teardown(() => {
    disk.away();
    rmSync(folder, { recursive: true });
  });
  /** A file of somebody else takes the rest; its path. */
  const leave = (free: number) => {
    const { bavail, bsize } = statfsSync(folder);
    const others = join(folder, 'others');
    writeFileSync(others, Buffer.alloc(bavail * bsize - free * 1024));
    return others;
  };
  return { folder, leave, resize: (size: number) => disk.again(`size=${size}k`) };
}
