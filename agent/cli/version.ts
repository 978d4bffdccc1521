// SPDX-License-Identifier: Apache-2.0
// summit-agent version

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../config/load.js';
import { loadNative, nativePath } from '../daq/native.js';
import type { Command } from './command.js';

export function packageVersion(): string {
  const text = readFileSync(join(packageRoot(), 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** What must fit when agent, addon and plug-in drivers are built apart. */
function addonVersion(): string {
  if (!existsSync(nativePath())) return 'not built';
  const addon = loadNative();
  return `driver ABI ${addon.driverAbi}, records of ${addon.recordLayout().size} bytes`;
}

export const version: Command = {
  summary: 'prints the versions of agent, addon and Node.js',
  help: `usage: summit-agent version

Prints the version of summit-agent, the driver ABI and record size of its native addon, and the version of the Node.js
that runs it.
`,
  options: {},
  async run(_options, { stdout }) {
    stdout.write(
      `summit-agent ${packageVersion()} (addon: ${addonVersion()}; node ${process.versions.node})\n`,
    );
    return 0;
  },
};
