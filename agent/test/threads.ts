// SPDX-License-Identifier: Apache-2.0
// Threads of a running process as the kernel has them: proc(5), stat.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Thread {
  readonly name: string;
  readonly nice: number;
  /** 0: SCHED_OTHER, 1: SCHED_FIFO, 5: SCHED_IDLE */
  readonly policy: number;
}

export function threadsOf(pid: number): readonly Thread[] {
  const tasks = `/proc/${pid}/task`;
  return readdirSync(tasks).map((id) => {
    const stat = readFileSync(join(tasks, id, 'stat'), 'utf8');
    const end = stat.lastIndexOf(')');
    // The first one after the name is the third of all.
    const field = (number: number) => Number(stat.slice(end + 2).split(' ')[number - 3]);
    return { name: stat.slice(stat.indexOf('(') + 1, end), nice: field(19), policy: field(41) };
  });
}
