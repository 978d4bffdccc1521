// SPDX-License-Identifier: Apache-2.0
// What the verbs do: ask the agent, or pass a command to the DAQ.

import type { DaqLink } from '../model/daq.js';
import { AgentError } from '../model/errors.js';
import { type LogLevel, logLevelNumber } from '../model/log.js';
import { show } from '../model/show.js';
import { ask } from './daq-command.js';
import type { VerbName } from './states.js';

/** What a verb does; its answer is the result of the final reply. */
export type Verb = (args: Readonly<Record<string, unknown>>) => Promise<unknown>;

/** An action for every verb of the table. */
export type Verbs = Readonly<Record<VerbName, Verb>>;

/** The verbs that are not the lifecycle's. */
type OwnVerb = 'snapshot' | 'stats' | 'resume' | 'pause' | 'stop' | 'status' | 'setLogLevel' | 'take';

export interface VerbDeps {
  readonly snapshot: () => unknown;
  readonly stats: () => unknown;
  readonly control: DaqLink['control'];
  readonly setLogLevel: (level: LogLevel) => void;
}

export function makeVerbs(deps: VerbDeps): Record<OwnVerb, Verb> {
  const pass = (command: string) => async () => ask(deps.control, { command });
  return {
    snapshot: async () => deps.snapshot(),
    stats: async () => deps.stats(),
    resume: async (args) => ask(deps.control, { command: 'resume', comment: commentOf(args) }),
    pause: pass('pause'),
    stop: pass('stop'),
    take: async (args) => ask(deps.control, { ...args, command: 'take' }),
    status: pass('status'),
    setLogLevel: async (args) => {
      const level = levelOf(args);
      deps.setLogLevel(level);
      return { level: logLevelNumber[level] };
    },
  };
}

function levelOf({ level, subsystem }: Readonly<Record<string, unknown>>): LogLevel {
  if (subsystem !== undefined && subsystem !== '') {
    throw new AgentError('command', `setLogLevel: expected no subsystem, got ${show(subsystem)}`);
  }
  const named = Object.entries(logLevelNumber).find(([name, number]) => level === name || level === number);
  if (named) return named[0] as LogLevel;
  const expected = Object.entries(logLevelNumber).map(([name, number]) => `${number} (${name})`);
  throw new AgentError(
    'command',
    `setLogLevel: expected args.level ${expected.join(', ')}, got ${show(level)}`,
  );
}

/** The DAQ's comment field holds 30 bytes. */
function commentOf(args: Readonly<Record<string, unknown>>): string {
  const comment = args.comment ?? args.obsid ?? '';
  if (typeof comment === 'string' && Buffer.byteLength(comment) <= 30) return comment;
  throw new AgentError('command', 'resume: expected args.comment (the OBSID) of at most 30 bytes of text');
}
