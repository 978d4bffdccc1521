// SPDX-License-Identifier: Apache-2.0
// Follows what the role says of an exposure and, when it is over, sums it up beside the running stamps.

import type { GuideSensor } from '../../model/location.js';
import type { AgentMessage, ExposureMessage, MessageSink, StampIdentity } from '../../model/messages.js';
import type { Pointing } from '../../model/pointing.js';
import type { ExposureEnd } from '../guider-contract.js';
import { ExposureSamples } from './samples.js';
import { summarize } from './summary.js';

export interface ExposureBookDeps {
  /** everything goes on to it, and goes first */
  readonly next: MessageSink;
  readonly sensors: readonly GuideSensor[];
  /** in force now */
  readonly pointing: () => Pointing | null;
  /** monotonic */
  readonly nowNs: () => bigint;
  /** calls when others have had their turn: setImmediate */
  readonly later: (call: () => void) => void;
}

/** Longest piece of work at once: a stamp that comes meanwhile waits no longer than this. */
const sliceNs = 500_000n;

type Work = Generator<void, ExposureMessage | null>;

export class ExposureBook implements MessageSink {
  readonly #deps: ExposureBookDeps;
  #current: ExposureSamples;
  /** the other one: what is being summed up, or was */
  #spare: ExposureSamples;
  #work: Work | null = null;
  /** stamps the DAQ had sent in the series when the last exposure ended, by location */
  #sentBefore = new Map<number, bigint>();
  #series = -1n;

  constructor(deps: ExposureBookDeps) {
    this.#deps = deps;
    this.#current = new ExposureSamples(deps.sensors.length);
    this.#spare = new ExposureSamples(deps.sensors.length);
  }

  publish(message: AgentMessage): void {
    this.#deps.next.publish(message);
    switch (message.kind) {
      case 'guider.result':
        this.#samplesOf(message)?.onResult(message);
        break;
      case 'guider.offsets':
        this.#samplesOf(message)?.onOffsets(message);
        break;
      case 'guider.acquisition':
        this.#samplesOf(message)?.onAcquisition(message);
        break;
      default:
        break;
    }
  }

  /** Everything of the exposure has left. */
  ended(end: ExposureEnd): void {
    const { identity, joinedInside } = end;
    const told = this.#sentIn(end);
    const samples = this.#current;
    if (!samples.isOf(identity)) samples.begin(identity);
    // A RESUME that came late has named the exposure meanwhile.
    samples.identity = identity;
    this.finish();
    this.#current = this.#spare;
    this.#current.identity = null;
    this.#spare = samples;
    const { sensors, pointing, later } = this.#deps;
    const names = sensors.map((s) => s.detectorName);
    const work = summarize({ samples, sensors: names, pointing: pointing(), sent: told, joinedInside });
    this.#work = work;
    later(() => this.#run(work));
  }

  /** Sums up at once what is not done yet. */
  finish(): void {
    const work = this.#work;
    if (work) this.#advance(work, null);
  }

  #samplesOf(identity: StampIdentity): ExposureSamples | null {
    const samples = this.#current;
    if (samples.isOf(identity)) return samples;
    // A stamp that comes after the end of its exposure is counted in series.end.
    const { identity: open } = samples;
    const newer =
      open === null ||
      identity.series > open.series ||
      (identity.series === open.series && identity.exposureIndex > open.exposureIndex);
    if (!newer || this.#spare.isOf(identity)) return null;
    samples.begin(identity);
    return samples;
  }

  /** By sensor: what the DAQ sent of this exposure; null where it did not tell. */
  #sentIn({ identity, sent, fromSeriesStart }: ExposureEnd): (number | null)[] {
    if (identity.series !== this.#series) {
      this.#series = identity.series;
      this.#sentBefore = new Map();
    }
    const before = this.#sentBefore;
    this.#sentBefore = new Map(sent);
    return this.#deps.sensors.map(({ location }) => {
      const now = sent.get(location);
      const isFirst = identity.exposureIndex <= 1 && fromSeriesStart;
      const then = before.get(location) ?? (isFirst ? 0n : undefined);
      // The same number twice: PAUSE was lost, and what it would have said.
      return now === undefined || then === undefined || now <= then ? null : Number(now - then);
    });
  }

  #run(work: Work): void {
    if (this.#work !== work) return;
    if (!this.#advance(work, this.#deps.nowNs() + sliceNs)) this.#deps.later(() => this.#run(work));
  }

  /** Works until a time, null: to the end; true when it is done and said. */
  #advance(work: Work, until: bigint | null): boolean {
    for (;;) {
      const step = work.next();
      if (step.done) {
        this.#work = null;
        if (step.value) this.#deps.next.publish(step.value);
        return true;
      }
      if (until !== null && this.#deps.nowNs() >= until) return false;
    }
  }
}
