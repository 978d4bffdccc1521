// SPDX-License-Identifier: Apache-2.0
// A file system of its own over a folder, for as long as a test wants it.
import { execFileSync } from 'node:child_process';
import type { Test } from 'tap';

export interface Mount {
  /** other options, such as size=N */
  readonly again: (options: string) => void;
  readonly away: () => void;
}

/** In memory, with options such as size=N or ro; null where this user may not mount, which is said. */
export function mountOver(t: Test, folder: string, options: string): Mount | null {
  const call = (program: string, ...args: string[]) => execFileSync(program, args, { stdio: 'pipe' });
  try {
    call('mount', '-t', 'tmpfs', '-o', options, 'tmpfs', folder);
  } catch (error) {
    t.comment(`nothing can be mounted here: ${String(error).trim()}`);
    return null;
  }
  let there = true;
  const away = () => {
    if (there) call('umount', '--lazy', folder);
    there = false;
  };
  t.teardown(away);
  return { again: (other) => call('mount', '-o', `remount,${other}`, folder), away };
}
