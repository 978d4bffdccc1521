// SPDX-License-Identifier: Apache-2.0
// summit-agent send

import { verbTable } from '../control/states.js';
import { AgentError } from '../model/errors.js';
import { show } from '../model/show.js';
import { AgentClient, type Reply } from './agent-client.js';
import type { Command } from './command.js';
import { connectionOf, controlHelp, controlOptions } from './connection.js';
import { toJson } from './message-json.js';
import { listOf, numberOf, words } from './options.js';

const verbs = Object.entries(verbTable)
  .map(([name, { from, role }]) => `  ${name.padEnd(13)}${role.padEnd(9)}${from.join(', ')}`)
  .join('\n');

export const send: Command = {
  summary: 'sends one command to a running agent and prints its answer',
  help: `usage: summit-agent send VERB [ARGS] [--json] [options]

Sends one command and waits for its final acknowledgement. ARGS is a JSON object. The result goes to stdout as JSON,
acknowledgements and refusals to stderr. Exit code 0: done (303); 1: refused, failed, aborted or no answer; 2: the
command line is wrong.

verb         role     in states
${verbs}

start takes no configurationOverride but '': the agent has the one profile that it was started with. Arguments of each
verb: agent/README.md, "Commands".

  --json              one JSON line with the whole final reply
  --expires S         the agent must begin within S seconds, or refuses (default: --timeout)
  --id TEXT           id of the command (default: a new UUID); the same id again is answered and not run again
  --timeout S         how long to wait for an answer (default 5)
${controlHelp}
examples: summit-agent send enable
          summit-agent send resume '{"comment": "MC_O_20260714_000123"}'
          summit-agent send stats | jq .conserved
`,
  options: {
    ...controlOptions,
    json: { type: 'boolean' },
    expires: { type: 'string' },
    id: { type: 'string' },
    timeout: { type: 'string' },
    [words]: { type: 'string' },
  },
  async run(options, { stdout, stderr }) {
    const [verb, text, ...rest] = listOf(options, words);
    if (verb === undefined || rest.length > 0) {
      throw new AgentError(
        'usage',
        'expected VERB and at most one JSON object; see summit-agent send --help',
      );
    }
    const args = text === undefined ? {} : argsOf(text);
    const timeoutS = numberOf(options, 'timeout', 0.1, 3600, 5);
    const expiresS = numberOf(options, 'expires', -600, 600, Math.min(timeoutS, 600));
    const client = new AgentClient(connectionOf(options));
    try {
      const onReply = (reply: Reply) => {
        if (reply.ack === 301) stderr.write(`in progress, at most ${reply.timeout} s\n`);
      };
      const id = typeof options.id === 'string' ? { id: options.id } : {};
      const reply = await client.ask(verb, args, { timeoutS, expiresS, onReply, ...id });
      if (options.json === true) stdout.write(`${toJson(reply)}\n`);
      else if (reply.ack === 303) stdout.write(`${toJson(reply.result ?? null)}\n`);
      if (reply.ack !== 303)
        stderr.write(`${sentenceFrom(verb, reply.error ?? '')} (ack ${reply.ack}, ${reply.code})\n`);
      else if (reply.repeated) stderr.write('this id was done before; nothing was done now\n');
      return reply.ack === 303 ? 0 : 1;
    } finally {
      client.close();
    }
  },
};

/** Most sentences of an agent begin with the verb. */
function sentenceFrom(verb: string, error: string): string {
  return error.startsWith(`${verb}: `) ? error : `${verb}: ${error}`;
}

function argsOf(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new AgentError(
      'usage',
      `expected ARGS as a JSON object such as '{"level": 10}', got ${show(text)}`,
    );
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>;
  }
  throw new AgentError('usage', `expected ARGS as a JSON object such as '{"level": 10}', got ${show(value)}`);
}
