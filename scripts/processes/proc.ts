// SPDX-License-Identifier: Apache-2.0
// Processes and threads as the kernel has them: proc(5).
import { readdirSync, readFileSync } from 'node:fs';

export interface Thread {
  readonly id: number;
  readonly name: string;
  readonly nice: number;
  /** 0: SCHED_OTHER, 1: SCHED_FIFO, 5: SCHED_IDLE */
  readonly policy: number;
  /** of processor time, its own and the kernel's for it */
  readonly seconds: number;
}

/** The name, and the fields after it, of which the first is the third of all; null: there is no such file any more. */
function statOf(folder: string): { readonly name: string; readonly fields: readonly string[] } | null {
  try {
    const text = readFileSync(`${folder}/stat`, 'latin1');
    const end = text.lastIndexOf(')');
    return { name: text.slice(text.indexOf('(') + 1, end), fields: text.slice(end + 2).split(' ') };
  } catch {
    return null;
  }
}

/** A zombie that nobody has waited for has ended, too. */
export function isRunning(pid: number): boolean {
  const stat = statOf(`/proc/${pid}`);
  return stat !== null && stat.fields[0] !== 'Z';
}

export function childrenOf(pid: number): readonly number[] {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return all.filter((one) => statOf(`/proc/${one}`)?.fields[1] === String(pid)).map(Number);
}

export function threadsOf(pid: number): readonly Thread[] {
  const folder = `/proc/${pid}/task`;
  return readdirSync(folder).flatMap((id) => {
    const stat = statOf(`${folder}/${id}`);
    if (stat === null) return [];
    const field = (number: number) => Number(stat.fields[number - 3]);
    const seconds = (field(14) + field(15)) / 100;
    return { id: Number(id), name: stat.name, nice: field(19), policy: field(41), seconds };
  });
}
