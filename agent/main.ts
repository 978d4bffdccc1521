#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// argv, signals, exit code.

import { dispatch } from './cli/dispatch.js';

const stop = new AbortController();

function onSignal(signal: NodeJS.Signals): void {
  // The second signal does not wait for an orderly end.
  if (stop.signal.aborted) process.exit(1);
  stop.abort(signal);
}

process.on('SIGINT', onSignal);
process.on('SIGTERM', onSignal);
// A file that grows beyond the process's limit is a write that fails, and is told as one.
process.on('SIGXFSZ', () => undefined);

const { stdin, stdout, stderr } = process;

// Who read the output went away (head, less): nothing more is wanted. Who read the log did: the work goes on.
let unwritten: NodeJS.ErrnoException | null = null;
stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') unwritten ??= error;
  if (!stop.signal.aborted) stop.abort('end of standard output');
});
stderr.on('error', () => undefined);

// Ends with the process that started it, also when that is killed (agent/README.md, "States"): then standard input
// closes, and nobody reads what is said.
if (process.env.SUMMIT_STOP_WITH_STDIN === '1') {
  const end = () => stop.abort('end of standard input');
  for (const stream of [stdout, stderr]) stream.on('error', end);
  stdin.once('end', end).resume().unref();
}

const code = await dispatch(process.argv.slice(2), { stdout, stderr, stop: stop.signal });
// What the last write met is told in the next turn.
await new Promise((resolve) => setImmediate(resolve));
const lost = unwritten as NodeJS.ErrnoException | null;
if (lost) stderr.write(`summit-agent: the output could not be written: ${lost.message}\n`);
process.exit(lost && code === 0 ? 1 : code);
