// SPDX-License-Identifier: Apache-2.0
// The share of the processor that this process gets beside others. Linux divides it between sessions first (sched_autogroup,
// on by default): a thread's niceness counts inside of its session, and a service is a session of its own.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sentenceOf } from '../model/errors.js';

/** Lowers it for good. What became of it; `proc`: of this process. */
export function lowerSession(nice: number, proc = '/proc/self'): string {
  const file = join(proc, 'autogroup');
  try {
    if (!existsSync(file) || !readFileSync(file, 'utf8').startsWith('/autogroup')) return 'none';
    // Others of the session, such as a shell, are not ours to lower.
    if (!leadsSession(readFileSync(join(proc, 'stat'), 'utf8'))) return 'shared with others';
    writeFileSync(file, String(nice));
    return `nice ${nice}`;
  } catch (error) {
    return `refused: ${sentenceOf(error)}`;
  }
}

/** proc(5): the name of the program, which may have blanks, is in brackets; state, parent, group and session follow. */
function leadsSession(stat: string): boolean {
  const session = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3];
  return session === stat.slice(0, stat.indexOf(' '));
}
