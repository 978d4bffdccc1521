// SPDX-License-Identifier: Apache-2.0
// summit-agent version

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../config/load.js';
import type { Command } from './command.js';

export function packageVersion(): string {
  const text = readFileSync(join(packageRoot(), 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

export const version: Command = {
  summary: 'prints the version',
  help: 'usage: summit-agent version\n\nPrints the version of summit-agent and of the Node.js that runs it.\n',
  options: {},
  async run(_options, { stdout }) {
    stdout.write(`summit-agent ${packageVersion()} (node ${process.versions.node})\n`);
    return 0;
  },
};
