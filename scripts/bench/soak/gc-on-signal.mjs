// SPDX-License-Identifier: Apache-2.0
// Loaded before the agent by the bench soak: on SIGUSR2 all garbage goes, and what is left is said.
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const counts = () => readdirSync('/proc/self/fd').length - 1;

process.on('SIGUSR2', async () => {
  // What the host's thread asks other programs for is open for some ms.
  let fds = counts();
  for (let k = 0; k < 20; k++) {
    await sleep(25);
    fds = Math.min(fds, counts());
  }
  globalThis.gc();
  globalThis.gc();
  const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage();
  const said = { event: 'memory', rss, heapUsed, external, arrayBuffers, fds };
  process.stdout.write(`${JSON.stringify(said)}\n`);
});
