// SPDX-License-Identifier: Apache-2.0
// The one table of what may be asked when: verbs, the states they are taken in, and the state they lead to.

import { show } from '../model/show.js';
import type { SummaryState } from '../model/summary-state.js';

/** `observe` verbs change nothing; `command` verbs do, and are run once per id, one after the other. */
export type Role = 'observe' | 'command';

export interface VerbRule {
  /** states in which it is taken */
  readonly from: readonly SummaryState[];
  /** state it leads to; absent: the state stays */
  readonly to?: SummaryState;
  readonly role: Role;
  /** names of its arguments; absent: the verb looks at them itself */
  readonly args?: readonly string[];
  /** s it may run before its final ack is TIMEOUT */
  readonly timeoutS: number;
}

const always: readonly SummaryState[] = ['STANDBY', 'DISABLED', 'ENABLED', 'FAULT'];
const withLink: readonly SummaryState[] = ['DISABLED', 'ENABLED'];

export const verbTable = {
  start: {
    from: ['STANDBY'],
    to: 'DISABLED',
    role: 'command',
    args: ['configurationOverride'],
    timeoutS: 10,
  },
  enable: { from: ['DISABLED'], to: 'ENABLED', role: 'command', args: [], timeoutS: 5 },
  disable: { from: ['ENABLED'], to: 'DISABLED', role: 'command', args: [], timeoutS: 5 },
  standby: { from: ['DISABLED', 'FAULT'], to: 'STANDBY', role: 'command', args: [], timeoutS: 10 },
  exitControl: { from: ['STANDBY'], to: 'OFFLINE', role: 'command', args: [], timeoutS: 5 },
  setLogLevel: { from: always, role: 'command', args: ['level', 'subsystem'], timeoutS: 5 },
  snapshot: { from: always, role: 'observe', timeoutS: 5 },
  stats: { from: always, role: 'observe', timeoutS: 5 },
  status: { from: withLink, role: 'observe', timeoutS: 5 },
  initGuiders: { from: ['ENABLED'], role: 'command', args: ['roiSpec'], timeoutS: 5 },
  resume: { from: ['ENABLED'], role: 'command', args: ['comment', 'obsid'], timeoutS: 5 },
  pause: { from: ['ENABLED'], role: 'command', args: [], timeoutS: 5 },
  stop: { from: ['ENABLED'], role: 'command', args: [], timeoutS: 5 },
  pointing: { from: always, role: 'command', timeoutS: 5 },
  exposure: { from: always, role: 'command', timeoutS: 5 },
  take: {
    from: ['ENABLED'],
    role: 'command',
    args: ['exposureS', 'imageType', 'filter', 'grating', 'focusZMm', 'annotation', 'group'],
    timeoutS: 5,
  },
  imageHeader: {
    from: withLink,
    role: 'command',
    args: ['obsid', 'keywords', 'detectors', 'reb_cond', 'config_cond'],
    timeoutS: 5,
  },
} as const satisfies Readonly<Record<string, VerbRule>>;

export type VerbName = keyof typeof verbTable;

export function ruleOf(verb: string): VerbRule | undefined {
  return Object.hasOwn(verbTable, verb) ? verbTable[verb as VerbName] : undefined;
}

/** Why a verb is not taken in this state, with the way to where it is; null: it is taken. */
export function stateProblem(verb: VerbName, state: SummaryState): string | null {
  const { from }: VerbRule = verbTable[verb];
  if (from.includes(state)) return null;
  const way = wayTo(from, state);
  const hint = way.length === 0 ? '' : `; send ${way.join(', ')} first`;
  return `${verb}: expected state ${from.join(' or ')}, the agent is in ${state}${hint}`;
}

/** Names what a verb does not know among its arguments; null: it knows them all. A slip must not become a default. */
export function argsProblem(verb: VerbName, args: Readonly<Record<string, unknown>>): string | null {
  const { args: known }: VerbRule = verbTable[verb];
  const unknown = known ? Object.keys(args).filter((name) => !known.includes(name)) : [];
  if (!known || unknown.length === 0) return null;
  const expected = known.length === 0 ? 'no arguments' : `only ${known.join(', ')} in args`;
  return `${verb}: expected ${expected}, got ${show(unknown)}`;
}

/** The shortest row of lifecycle verbs from a state to one of `wanted`. */
function wayTo(wanted: readonly SummaryState[], state: SummaryState): readonly string[] {
  const reached = new Map<SummaryState, readonly string[]>([[state, []]]);
  for (const [at, way] of reached) {
    if (wanted.includes(at)) return way;
    for (const [verb, rule] of Object.entries<VerbRule>(verbTable)) {
      if (rule.to && rule.from.includes(at) && !reached.has(rule.to)) reached.set(rule.to, [...way, verb]);
    }
  }
  return [];
}
