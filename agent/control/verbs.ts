// SPDX-License-Identifier: Apache-2.0
// What the verbs do: ask the agent, or pass a command to the DAQ.

import type { DaqLink, DaqReply } from '../model/daq.js';
import { AgentError } from '../model/errors.js';
import { type LogLevel, logLevelNumber } from '../model/log.js';
import { formatRoiSpec, parseRoiSpec } from '../model/roi.js';
import { show } from '../model/show.js';
import type { VerbName } from './states.js';

/** What a verb does; its answer is the result of the final reply. */
export type Verb = (args: Readonly<Record<string, unknown>>) => Promise<unknown>;

/** An action for every verb of the table. */
export type Verbs = Readonly<Record<VerbName, Verb>>;

/** The verbs that are not the lifecycle's. */
type OwnVerb = 'snapshot' | 'stats' | 'initGuiders' | 'resume' | 'pause' | 'stop' | 'status' | 'setLogLevel';

export interface VerbDeps {
  readonly snapshot: () => unknown;
  readonly stats: () => unknown;
  readonly control: DaqLink['control'];
  /** roiSpec of the profile, for initGuiders without one */
  readonly roiSpec: () => Record<string, Record<string, number>> | null;
  readonly sensors: readonly string[];
  readonly setLogLevel: (level: LogLevel) => void;
}

/** The DAQ answers within milliseconds; a START of eight sensors takes longest. */
const daqDeadlineMs = 2000;

export function makeVerbs(deps: VerbDeps): Record<OwnVerb, Verb> {
  const pass = (command: string) => async () => ask(deps, { command });
  return {
    snapshot: async () => deps.snapshot(),
    stats: async () => deps.stats(),
    initGuiders: async (args) => ask(deps, { command: 'initGuiders', roiSpec: roiOf(args, deps) }),
    resume: async (args) => ask(deps, { command: 'resume', comment: commentOf(args) }),
    pause: pass('pause'),
    stop: pass('stop'),
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

function roiOf(args: Readonly<Record<string, unknown>>, deps: VerbDeps): Record<string, unknown> {
  if (args.roiSpec === undefined) {
    const own = deps.roiSpec();
    if (own) return own;
    throw new AgentError(
      'command',
      'initGuiders: expected args.roiSpec, or guider.roiSpec in the profile; got neither',
    );
  }
  const spec = parseRoiSpec(args.roiSpec);
  const stranger = spec.locations.find((l) => !deps.sensors.includes(l.sensor.detectorName));
  if (stranger) {
    const got = stranger.sensor.detectorName;
    throw new AgentError(
      'roi',
      `roiSpec: expected sensors of the profile (${deps.sensors.join(', ')}), got ${got}`,
    );
  }
  return formatRoiSpec(spec);
}

/** The DAQ's comment field holds 30 bytes. */
function commentOf(args: Readonly<Record<string, unknown>>): string {
  const comment = args.comment ?? args.obsid ?? '';
  if (typeof comment === 'string' && Buffer.byteLength(comment) <= 30) return comment;
  throw new AgentError('command', 'resume: expected args.comment (the OBSID) of at most 30 bytes of text');
}

async function ask(deps: VerbDeps, command: Readonly<Record<string, unknown>>): Promise<DaqReply> {
  const reply = await deps.control(command, daqDeadlineMs);
  if (reply.status === 0) return reply;
  const why = typeof reply.message === 'string' ? `: ${reply.message}` : '';
  throw new AgentError('daq_state', `the DAQ refused ${String(command.command)} with ${reply.reply}${why}`);
}
