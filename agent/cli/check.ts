// SPDX-License-Identifier: Apache-2.0
// summit-agent check

import { loadProfileToRun } from '../config/load.js';
import { AgentError } from '../model/errors.js';
import type { Command } from './command.js';
import { requireText } from './options.js';

export const check: Command = {
  summary: 'checks a hardware profile and lists everything wrong with it',
  help: `usage: summit-agent check --profile FILE

Reads a hardware profile as "run" would, and lists every problem, one a line:
  key.path: expected ..., got ...
also whether the files that it names are there, and whether an agent of this user could listen at its ipc endpoints
(/run/summit-agent/NAME may be missing: systemd makes it at start). Starts nothing. Exit code 0: the profile is good; 2: it is not.

  --profile FILE   the profile (YAML); keys are described in hw-profiles/README.md

example: summit-agent check --profile hw-profiles/sim-guider.yaml
`,
  options: { profile: { type: 'string' } },
  async run(options, { stdout, stderr }) {
    const path = requireText(options, 'profile', 'check');
    try {
      const profile = loadProfileToRun(path, { beforeStart: true });
      const { agent, guider, links } = profile;
      const [{ driver }] = links;
      const how =
        links.length === 1
          ? `driver ${driver}`
          : `links ${links.map((link) => `${link.name} (${link.driver}, ${link.sensors.length} sensors)`).join(', ')}`;
      stdout.write(
        `${path} is good: ${agent.role} ${agent.name}, ${guider.sensors.length} sensors, ${how}\n`,
      );
      return 0;
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      for (const problem of error.problems) stderr.write(`${problem}\n`);
      return 2;
    }
  },
};
