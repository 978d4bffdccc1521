// SPDX-License-Identifier: Apache-2.0
// The log on stderr: one JSON object a line.

import { type Log, logTo } from '../model/log.js';

export function stderrLog(stderr: NodeJS.WritableStream, now: () => Date = () => new Date()): Log {
  return logTo((level, message, fields) => {
    const line = { time: now().toISOString(), level, message, ...fields };
    stderr.write(`${JSON.stringify(line, plain)}\n`);
  });
}

function plain(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value;
}
