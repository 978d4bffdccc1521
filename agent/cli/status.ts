// SPDX-License-Identifier: Apache-2.0
// summit-agent status

import { setTimeout as sleep } from 'node:timers/promises';
import { AgentError } from '../model/errors.js';
import { AgentClient } from './agent-client.js';
import type { Command } from './command.js';
import { connectionOf, controlHelp, controlOptions } from './connection.js';
import { toJson } from './message-json.js';
import { numberOf } from './options.js';
import { render, reportOf, type StatusReport } from './status-screen.js';

export const status: Command = {
  summary: 'shows how well a running agent is, on one screen; the exit code says it too',
  help: `usage: summit-agent status [--json] [options]

Asks a running agent and shows its state, link, series, last offset, host, alarms, and per sensor what became of its
stamps, with rates over one second. Exit code 0: well; 1: worth a look (a warning, or stamps that are not accounted
for); 2: not working (FAULT, a serious alarm, no answer), or the command line is wrong.

  --json              one JSON line: health, reasons, rates, snapshot, stats
  --over S            time over which rates are taken (default 1)
  --timeout S         how long to wait for an answer (default 3)
${controlHelp}
examples: summit-agent status
          summit-agent status --json | jq '.reasons'
          summit-agent status > /dev/null || echo "look at it"
`,
  options: {
    ...controlOptions,
    json: { type: 'boolean' },
    over: { type: 'string' },
    timeout: { type: 'string' },
  },
  async run(options, { stdout, stderr, stop }) {
    const seconds = numberOf(options, 'over', 0.1, 60, 1);
    const timeoutS = numberOf(options, 'timeout', 0.1, 60, 3);
    const client = new AgentClient(connectionOf(options));
    let report: StatusReport;
    try {
      const before = await client.result('stats', timeoutS);
      const sinceMs = performance.now();
      await sleep(seconds * 1000, undefined, { signal: stop }).catch(() => undefined);
      const after = await client.result('stats', timeoutS);
      const spanS = (performance.now() - sinceMs) / 1000;
      report = reportOf(await client.result('snapshot', timeoutS), before, after, spanS);
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      if (options.json === true) stdout.write(`${toJson({ health: 2, reasons: [error.message] })}\n`);
      else stderr.write(`NOT WORKING: ${error.message}\n`);
      return 2;
    } finally {
      client.close();
    }
    stdout.write(options.json === true ? `${toJson(report)}\n` : `${render(report)}\n`);
    return report.health;
  },
};
