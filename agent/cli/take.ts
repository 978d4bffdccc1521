// SPDX-License-Identifier: Apache-2.0
// summit-agent take

import { AgentError } from '../model/errors.js';
import { AgentClient } from './agent-client.js';
import type { Command } from './command.js';
import { connectionOf, controlHelp, controlOptions } from './connection.js';
import { toJson } from './message-json.js';
import { numberOf } from './options.js';

/** Options of the command line, and the DAQ's names for them. */
const texts = {
  type: 'imageType',
  filter: 'filter',
  grating: 'grating',
  annotation: 'annotation',
  group: 'group',
} as const;

export const take: Command = {
  summary: 'asks the DAQ for an image through a running agent',
  help: `usage: summit-agent take [options]

Asks the DAQ, through a running agent of role aos or auxtel, for one image or several; prints their names. The agent
tells of their files (summit-agent tail image.available/). The simulated DAQ paints what is asked for.

  --count N           images, one after the other (default 1)
  --exposure S        default 2
  --type TYPE         OBJECT, ENGTEST, BIAS, DARK, FLAT (default OBJECT)
  --filter NAME       of LSSTCam (default i_39)
  --grating NAME      of LATISS: empty_1, holo4_003, ronchi90lpmm, ... (default empty_1)
  --focus MM          hexapod, from the nominal focus (default 0)
  --annotation TEXT
  --group TEXT        GROUPID (default: when the exposure began)
  --json              one JSON line for each
${controlHelp}
examples: summit-agent take --exposure 15 --count 3
          summit-agent take --grating holo4_003 --focus 0.02
`,
  options: {
    ...controlOptions,
    json: { type: 'boolean' },
    count: { type: 'string' },
    exposure: { type: 'string' },
    focus: { type: 'string' },
    type: { type: 'string' },
    filter: { type: 'string' },
    grating: { type: 'string' },
    annotation: { type: 'string' },
    group: { type: 'string' },
  },
  async run(options, { stdout, stderr }) {
    const count = numberOf(options, 'count', 1, 10_000, 1);
    if (!Number.isInteger(count))
      throw new AgentError('usage', `--count: expected a whole number, got ${count}`);
    const asked = {
      exposureS: numberOf(options, 'exposure', 0, 1000, 2),
      focusZMm: numberOf(options, 'focus', -5, 5, 0),
      ...Object.fromEntries(
        Object.entries(texts).flatMap(([option, key]) => {
          const value = options[option];
          return typeof value === 'string' ? [[key, value]] : [];
        }),
      ),
    };
    const client = new AgentClient(connectionOf(options));
    try {
      for (let i = 0; i < count; i++) {
        const reply = await client.ask('take', asked, { timeoutS: 5, expiresS: 5, onReply: () => undefined });
        if (reply.ack !== 303) {
          stderr.write(`take: ${reply.error ?? ''} (ack ${reply.ack}, ${reply.code})\n`);
          return 1;
        }
        const result = reply.result as { image?: unknown } | undefined;
        stdout.write(
          options.json === true ? `${toJson(reply.result ?? null)}\n` : `${String(result?.image)}\n`,
        );
      }
      return 0;
    } finally {
      client.close();
    }
  },
};
