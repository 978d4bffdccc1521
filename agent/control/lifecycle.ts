// SPDX-License-Identifier: Apache-2.0
// The summary state: who changes it, what happens then, and the events that tell. control/states.ts says what may.

import type { CscEvent } from '../model/csc-events.js';
import { AgentError } from '../model/errors.js';
import type { Log } from '../model/log.js';
import type { MessageSink } from '../model/messages.js';
import { show } from '../model/show.js';
import { hasLink, type SummaryState } from '../model/summary-state.js';
import { type FaultName, faults } from './faults.js';
import { verbTable } from './states.js';
import type { Verb } from './verbs.js';

export interface LifecycleDeps {
  readonly sink: MessageSink;
  readonly log: Log;
  /** Opens the DAQ link; refuses with an AgentError. */
  readonly openLink: () => void;
  /** Closes it; resolves when no stamp will come any more. */
  readonly closeLink: () => Promise<void>;
  /** what is told on the way to DISABLED */
  readonly configurationApplied: () => CscEvent;
  /** exitControl: the process should end */
  readonly exit: () => void;
}

export type StartState = 'STANDBY' | 'DISABLED' | 'ENABLED';

type LifecycleVerb = 'start' | 'enable' | 'disable' | 'standby' | 'exitControl';

export class Lifecycle {
  readonly #deps: LifecycleDeps;
  #state: SummaryState = 'STANDBY';
  #closing: Promise<void> = Promise.resolve();
  /** the link is being closed on purpose: what it says meanwhile is no fault */
  #leaving = false;

  constructor(deps: LifecycleDeps) {
    this.#deps = deps;
  }

  get state(): SummaryState {
    return this.#state;
  }

  /** Says where it is, then goes to where an unattended agent should be; rejects when it does not get there. */
  async begin(target: StartState): Promise<void> {
    this.#tellState();
    if (target !== 'STANDBY') await this.#start({});
    if (target === 'ENABLED') this.#goTo('ENABLED');
  }

  verbs(): Record<LifecycleVerb, Verb> {
    const go = (verb: LifecycleVerb) => async () => {
      this.#goTo(verbTable[verb].to);
      return { summary_state: this.#state };
    };
    return {
      start: (args) => this.#start(args),
      enable: go('enable'),
      disable: go('disable'),
      standby: () => this.#standby(),
      exitControl: async () => {
        this.#goTo('OFFLINE');
        // Its final ack leaves before the process begins to end.
        setImmediate(() => this.#deps.exit());
        return { summary_state: this.#state };
      },
    };
  }

  /** Enters FAULT: the error first, then the state. A fault within a fault, or without a link, is not one. */
  fault(name: FaultName, detail: string): void {
    if (!hasLink(this.#state) || this.#leaving) return;
    const { code, report } = faults[name];
    const errorReport = `${report}: ${detail}`;
    this.#tell({ event: 'errorCode', errorCode: code, errorReport, traceback: '' });
    this.#deps.log.error(errorReport, { fault: name, error_code: code });
    this.#goTo('FAULT');
    this.#closing = this.#deps.closeLink();
  }

  /** The process ends: the link closes, then everybody hears OFFLINE. */
  async end(): Promise<void> {
    await this.#leave();
    if (this.#state !== 'OFFLINE') this.#goTo('OFFLINE');
  }

  async #start(args: Readonly<Record<string, unknown>>): Promise<unknown> {
    const override = args.configurationOverride ?? '';
    if (override !== '') {
      const message = `start: expected no configurationOverride, got ${show(override)}; an agent has the one profile that it was started with: change that and restart the agent, or start an agent on another profile beside or instead of it (systemctl start summit-agent@NAME runs /etc/summit-agent/NAME.yaml)`;
      throw new AgentError('command', message);
    }
    this.#deps.openLink();
    this.#tell(this.#deps.configurationApplied());
    this.#goTo('DISABLED');
    return { summary_state: this.#state };
  }

  async #standby(): Promise<unknown> {
    const wasFault = this.#state === 'FAULT';
    await this.#leave();
    if (this.#state === 'OFFLINE') throw new AgentError('state', 'standby: the agent is stopping');
    if (wasFault) this.#tell({ event: 'errorCode', errorCode: 0, errorReport: '', traceback: '' });
    this.#goTo('STANDBY');
    return { summary_state: this.#state };
  }

  async #leave(): Promise<void> {
    if (hasLink(this.#state) && !this.#leaving) {
      this.#leaving = true;
      this.#closing = this.#deps.closeLink();
    }
    await this.#closing;
    this.#leaving = false;
  }

  #goTo(state: SummaryState): void {
    const before = this.#state;
    this.#state = state;
    this.#deps.log.info(`${before} -> ${state}`, { event: 'summary_state', summary_state: state });
    this.#tellState();
  }

  #tellState(): void {
    this.#tell({ event: 'summaryState', summaryState: this.#state });
  }

  #tell(event: CscEvent): void {
    this.#deps.sink.publish({ kind: 'state', ...event });
  }
}
