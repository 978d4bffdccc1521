#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// sim-stamps: argv, progress, exit code; nothing else.
import { AgentError, sentenceOf } from '../../agent/model/errors.js';
import { parseStampsOptions, stampsHelp } from './options.js';
import { writeStampSet } from './stamp-set.js';

async function run(args: readonly string[]): Promise<void> {
  const options = parseStampsOptions(args);
  if (options === null) {
    process.stdout.write(stampsHelp);
    return;
  }
  const terminal = process.stderr.isTTY === true;
  let shownMs = 0;
  const groups = await writeStampSet(options.out, options.plans, (done, total) => {
    const now = performance.now();
    if (now - shownMs < 200) return undefined;
    shownMs = now;
    if (terminal) process.stderr.write(`\r${done} of ${total} stamps`);
    // Lets signals in.
    return new Promise((resolve) => setImmediate(resolve));
  });
  if (terminal) process.stderr.write('\r\x1b[K');
  for (const { name, shape, dtype, bytes } of groups)
    process.stdout.write(`${name}: ${shape.join(' x ')} ${dtype}, ${bytes} bytes\n`);
}

try {
  await run(process.argv.slice(2));
} catch (error) {
  const problem = error instanceof AgentError || (error as { code?: string }).code !== undefined;
  if (!problem) throw error;
  process.stderr.write(`${sentenceOf(error)}\n`);
  process.exitCode = 2;
}
