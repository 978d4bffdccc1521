// SPDX-License-Identifier: Apache-2.0
// A file system of its own over a folder, for as long as a test wants it.
import { execFileSync } from 'node:child_process';
import type { Test } from 'tap';

export interface Mount {
  /** such as ro */
  readonly again: (options: string) => void;
  readonly away: () => void;
}

/** In memory; null where this user may not mount, which is said. */
export function mountOver(t: Test, folder: string, bytes: number): Mount | null {
  const call = (program: string, ...args: string[]) => execFileSync(program, args, { stdio: 'pipe' });
  try {
    call('mount', '-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', folder);
  } catch (error) {
    t.comment(`nothing can be mounted here: ${String(error).trim()}`);
    return null;
  }
  let there = true;
  const away = () => {
    if (there) call('umount', folder);
    there = false;
  };
  t.teardown(away);
  return { again: (options) => call('mount', '-o', `remount,${options}`, folder), away };
}
