// SPDX-License-Identifier: Apache-2.0
// The one table of what may be asked when: verbs, the states they are taken in, and the state they lead to.

import type { SummaryState } from '../model/summary-state.js';

/** `observe` verbs change nothing; `command` verbs do, and are run once per id, one after the other. */
export type Role = 'observe' | 'command';

export interface VerbRule {
  /** states in which it is taken */
  readonly from: readonly SummaryState[];
  /** state it leads to; absent: the state stays */
  readonly to?: SummaryState;
  readonly role: Role;
  /** s it may run before its final ack is TIMEOUT */
  readonly timeoutS: number;
}

const always: readonly SummaryState[] = ['STANDBY', 'DISABLED', 'ENABLED', 'FAULT'];
const withLink: readonly SummaryState[] = ['DISABLED', 'ENABLED'];

export const verbTable = {
  start: { from: ['STANDBY'], to: 'DISABLED', role: 'command', timeoutS: 10 },
  enable: { from: ['DISABLED'], to: 'ENABLED', role: 'command', timeoutS: 5 },
  disable: { from: ['ENABLED'], to: 'DISABLED', role: 'command', timeoutS: 5 },
  standby: { from: ['DISABLED', 'FAULT'], to: 'STANDBY', role: 'command', timeoutS: 10 },
  exitControl: { from: ['STANDBY'], to: 'OFFLINE', role: 'command', timeoutS: 5 },
  setLogLevel: { from: always, role: 'command', timeoutS: 5 },
  snapshot: { from: always, role: 'observe', timeoutS: 5 },
  stats: { from: always, role: 'observe', timeoutS: 5 },
  status: { from: withLink, role: 'observe', timeoutS: 5 },
  initGuiders: { from: ['ENABLED'], role: 'command', timeoutS: 5 },
  resume: { from: ['ENABLED'], role: 'command', timeoutS: 5 },
  pause: { from: ['ENABLED'], role: 'command', timeoutS: 5 },
  stop: { from: ['ENABLED'], role: 'command', timeoutS: 5 },
  pointing: { from: always, role: 'command', timeoutS: 5 },
  exposure: { from: always, role: 'command', timeoutS: 5 },
  take: { from: ['ENABLED'], role: 'command', timeoutS: 5 },
  imageHeader: { from: withLink, role: 'command', timeoutS: 5 },
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
