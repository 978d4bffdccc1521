// SPDX-License-Identifier: Apache-2.0
// The command initGuiders: one ROI series, or a list of them for the exposures to come. A DAQ that takes commands is
// given them; for one that is only listened to they are what its START is compared with.

import type { DaqLink } from '../model/daq.js';
import { AgentError, sentenceOf } from '../model/errors.js';
import type { Log } from '../model/log.js';
import { formatRoiSpec, parseRoiSpecs, type RoiSpec } from '../model/roi.js';
import { ask } from './daq-command.js';
import type { Verb } from './verbs.js';

export interface InitGuidersDeps {
  readonly control: DaqLink['control'];
  readonly sensors: readonly string[];
  /** roiSpec of the profile, for initGuiders without one */
  readonly roiSpec: () => Record<string, Record<string, number>> | null;
  /** what the next series is to be; returns how to take it back */
  readonly expect: (spec: RoiSpec) => () => void;
  readonly log: Log;
}

export class InitGuiders {
  readonly #deps: InitGuidersDeps;
  #pending: readonly RoiSpec[] = [];

  constructor(deps: InitGuidersDeps) {
    this.#deps = deps;
  }

  readonly verb: Verb = async (args) => {
    const { roiSpec, sensors } = this.#deps;
    const given = args.roiSpec ?? roiSpec();
    if (given === null) {
      throw new AgentError(
        'command',
        'initGuiders: expected args.roiSpec, or guider.roiSpec in the profile; got neither',
      );
    }
    const [first, ...rest] = parseRoiSpecs(given, sensors);
    if (!first) throw new AgentError('roi', 'roiSpec: expected at least one series, got none');
    const answer = await this.#send(first);
    this.#pending = rest;
    return { ...answer, series_pending: rest.length };
  };

  /** Nothing more of a list begins. */
  drop(): void {
    this.#pending = [];
  }

  /** The exposure is over: the next series of a list begins. */
  exposureEnded(): void {
    const [next, ...rest] = this.#pending;
    if (!next) return;
    this.#pending = rest;
    this.#send(next).catch((error: unknown) => {
      if (!(error instanceof AgentError)) {
        setImmediate(() => {
          throw error;
        });
        return;
      }
      this.drop();
      this.#deps.log.warning('the next series of initGuiders was not begun; the list is dropped', {
        error: sentenceOf(error),
      });
    });
  }

  async #send(spec: RoiSpec): Promise<Record<string, unknown>> {
    // START may come before the reply.
    const undo = this.#deps.expect(spec);
    try {
      const reply = await ask(this.#deps.control, { command: 'initGuiders', roiSpec: formatRoiSpec(spec) });
      return { ...reply, forwarded: true };
    } catch (error) {
      if (error instanceof AgentError && error.code === 'daq_unsupported') return { forwarded: false };
      undo();
      throw error;
    }
  }
}
