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

const { stdout, stderr } = process;
const code = await dispatch(process.argv.slice(2), { stdout, stderr, stop: stop.signal });
process.exit(code);
