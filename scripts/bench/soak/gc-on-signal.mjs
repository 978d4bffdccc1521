// SPDX-License-Identifier: Apache-2.0
// Loaded by the bench soak before the agent, in each of its threads: on SIGUSR2 all garbage goes, of every thread, and what
// is left is said.
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { BroadcastChannel, isMainThread } from 'node:worker_threads';

/** a thread collects when it is told to */
const channel = new BroadcastChannel('collect');
const collect = () => {
  globalThis.gc();
  globalThis.gc();
};
const counts = () => readdirSync('/proc/self/fd').length - 1;

if (isMainThread) {
  process.on('SIGUSR2', async () => {
    channel.postMessage(null);
    // What the host's thread asks other programs for is open for some ms.
    let fds = counts();
    for (let k = 0; k < 20; k++) {
      await sleep(25);
      fds = Math.min(fds, counts());
    }
    collect();
    const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage();
    const said = { event: 'memory', rss, heapUsed, external, arrayBuffers, fds };
    process.stdout.write(`${JSON.stringify(said)}\n`);
  });
} else {
  channel.onmessage = collect;
}
channel.unref();
