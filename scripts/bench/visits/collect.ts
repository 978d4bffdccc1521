// SPDX-License-Identifier: Apache-2.0
// Preloaded into an agent under measurement (node --expose-gc --import): on SIGUSR2 it drops its garbage and says, on a
// line of its own, what is left.
import { readdirSync } from 'node:fs';

process.on('SIGUSR2', () => {
  const { gc } = globalThis;
  gc?.();
  gc?.();
  const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage();
  const fds = readdirSync('/proc/self/fd').length;
  process.stdout.write(
    `${JSON.stringify({ event: 'memory', collected: gc !== undefined, rss, heapUsed, external, arrayBuffers, fds })}\n`,
  );
});
