// SPDX-License-Identifier: Apache-2.0
// Processes of victim.js.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

const script = 'dist/scripts/bench/butler/victim.js';

function start(args: readonly string[]): ChildProcessByStdio<Writable, Readable, null> {
  return spawn(process.execPath, [script, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
}

/** Starts a victim, kills it `afterMs` after it is ready; what it had announced by then. */
export async function killed(what: string, root: string, folder: string, afterMs: number) {
  const child = start([what, root, folder]);
  const uuids: string[] = [];
  let ended = false;
  const lines = createInterface(child.stdout);
  lines.on('line', (line) => {
    if (line === 'ready') setTimeout(() => child.kill('SIGKILL'), afterMs);
    else uuids.push(...line.split(' ').filter((uuid) => uuid !== ''));
  });
  const exit = once(child, 'exit').then(([code]) => {
    ended = code === 0;
  });
  await Promise.all([exit, once(lines, 'close')]);
  return { uuids, ended };
}

/** Outcomes of `count` files of the same data IDs in the same order, each from all processes at the same moment. */
export async function rivals(root: string, folders: readonly string[], count: number): Promise<string[][]> {
  const children = folders.map((folder) => {
    const child = start(['rival', root, folder]);
    return { child, lines: createInterface(child.stdout)[Symbol.asyncIterator]() };
  });
  const next = () => Promise.all(children.map(async ({ lines }) => String((await lines.next()).value)));
  await next();
  const outcomes: string[][] = [];
  for (let i = 0; i < count; i++) {
    for (const { child } of children) child.stdin.write('go\n');
    outcomes.push(await next());
  }
  for (const { child } of children) child.stdin.end();
  await next();
  return outcomes;
}
