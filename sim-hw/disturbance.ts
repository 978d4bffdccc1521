// SPDX-License-Identifier: Apache-2.0
// What a client asks the simulated DAQ to do wrong from now on (command `disturb`): faults, happenings, fates of events.
import { type FaultSpec, parseFault } from './faults.js';
import { partsOf, type ScenarioParts } from './scenario/file.js';

export interface Disturbance {
  readonly faults: readonly FaultSpec[];
  readonly seed: number;
  readonly parts: Pick<ScenarioParts, 'happenings' | 'events'>;
  /** nothing leaves for so long, ms */
  readonly silenceMs: number;
  /** the DAQ goes away for so long, ms, and comes back as another run; 0: it stays */
  readonly restartMs: number;
  /** the control channel's connections end */
  readonly hangUp: boolean;
}

/** A sentence that says what is wrong. */
export function parseDisturbance(args: Readonly<Record<string, unknown>>): Disturbance | string {
  const {
    faults = [],
    happenings = [],
    events = [],
    seed = 1,
    silenceMs = 0,
    restartMs = 0,
    hangUp = false,
  } = args;
  if (!Array.isArray(faults) || !faults.every((one) => typeof one === 'string'))
    return `faults: expected a list such as ["drop:at=5"], got ${JSON.stringify(faults)}`;
  for (const [key, value] of Object.entries({ seed, silenceMs, restartMs })) {
    if (!(Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 60_000_000))
      return `${key}: expected a whole number from 0, got ${JSON.stringify(value)}`;
  }
  try {
    return {
      faults: faults.map(parseFault),
      seed: Number(seed),
      parts: partsOf({ happenings, events }),
      silenceMs: Number(silenceMs),
      restartMs: Number(restartMs),
      hangUp: hangUp === true,
    };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
