// SPDX-License-Identifier: Apache-2.0
// The log on stderr: one JSON object a line, with syslog's priority before it where the journal reads.

import { fstatSync } from 'node:fs';
import { type Log, type LogLevel, logTo } from '../model/log.js';

const priority: Readonly<Record<LogLevel, number>> = { debug: 7, info: 6, warning: 4, error: 3 };

export function stderrLog(
  stderr: NodeJS.WritableStream,
  now: () => Date = () => new Date(),
  journal: boolean = isJournal(),
): Log {
  return logTo((level, message, fields) => {
    const line = { time: now().toISOString(), level, message, ...fields };
    const prefix = journal ? `<${priority[level]}>` : '';
    stderr.write(`${prefix}${JSON.stringify(line, plain)}\n`);
  });
}

/** systemd says which stream goes to the journal, as device and inode (systemd.exec, JOURNAL_STREAM). */
function isJournal(): boolean {
  const stream = process.env.JOURNAL_STREAM;
  if (stream === undefined) return false;
  try {
    const { dev, ino } = fstatSync(2);
    return stream === `${dev}:${ino}`;
  } catch {
    return false;
  }
}

function plain(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value;
}
