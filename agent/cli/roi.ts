// SPDX-License-Identifier: Apache-2.0
// summit-agent roi

import { parse } from 'yaml';
import { AgentError, sentenceOf } from '../model/errors.js';
import { formatRoiSpec, parseRoiSpec, type RoiSpec, stampPeriodMs } from '../model/roi.js';
import { AgentClient } from './agent-client.js';
import type { Command } from './command.js';
import { connectionOf, controlHelp, controlOptions, readFileOrRefuse } from './connection.js';
import { toJson } from './message-json.js';
import { listOf, numberOf, words } from './options.js';

export const roi: Command = {
  summary: 'checks a guider ROI specification and gives it to a running agent (initGuiders)',
  help: `usage: summit-agent roi FILE [--check] [options]

Reads an ROI specification in the observatory's form (JSON or YAML), checks all of it, shows what it means, and sends it
to the DAQ through the agent. The agent must be ENABLED. Exit code 0: done; 1: refused; 2: the file is wrong.

  {"common": {"rows": 50, "cols": 50, "integrationTimeMillis": 50},
   "R00SG0": {"segment": 7, "startRow": 800, "startCol": 56}, ...}

  --check             checks and shows it only
  --timeout S         how long to wait for an answer (default 5)
${controlHelp}
example: summit-agent roi roi.json --check
`,
  options: {
    ...controlOptions,
    check: { type: 'boolean' },
    timeout: { type: 'string' },
    [words]: { type: 'string' },
  },
  async run(options, { stdout, stderr }) {
    const [path, ...rest] = listOf(options, words);
    if (path === undefined || rest.length > 0) {
      throw new AgentError('usage', 'expected one FILE; see summit-agent roi --help');
    }
    const timeoutS = numberOf(options, 'timeout', 0.1, 3600, 5);
    const spec = readRoi(path);
    stdout.write(`${describe(spec)}\n`);
    if (options.check === true) return 0;
    const client = new AgentClient(connectionOf(options));
    try {
      const reply = await client.ask('initGuiders', { roiSpec: formatRoiSpec(spec) }, { timeoutS });
      if (reply.ack === 303) stdout.write(`${toJson(reply.result ?? null)}\n`);
      else stderr.write(`initGuiders: ${reply.error ?? ''} (ack ${reply.ack}, ${reply.code})\n`);
      return reply.ack === 303 ? 0 : 1;
    } finally {
      client.close();
    }
  },
};

function readRoi(path: string): RoiSpec {
  const text = readFileOrRefuse(path, 'ROI file');
  let value: unknown;
  try {
    // JSON is YAML.
    value = parse(text);
  } catch (error) {
    const [what] = sentenceOf(error).split('\n');
    throw new AgentError('usage', `${path}: expected JSON or YAML, got ${what}`, { cause: error });
  }
  try {
    return parseRoiSpec(value);
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    throw new AgentError('usage', `${path}: ${error.message}`, { cause: error, problems: error.problems });
  }
}

function describe(spec: RoiSpec): string {
  const { rows, cols, integrationMs } = spec.common;
  const hz = 1000 / stampPeriodMs(spec.common);
  const lines = spec.locations.map(
    ({ sensor, segment, startRow, startCol }) =>
      `  ${sensor.detectorName}  segment C${String(segment).padStart(2, '0')}  rows ${startRow}..${startRow + rows - 1}  cols ${startCol}..${startCol + cols - 1}`,
  );
  return [
    `${rows} x ${cols} pixels, ${integrationMs} ms: ${hz.toFixed(2)} stamps/s from ${lines.length} sensors`,
    ...lines,
  ].join('\n');
}
