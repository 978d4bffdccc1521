// SPDX-License-Identifier: Apache-2.0
// Listens to an agent as any subscriber would, and hands over each message as it is read.
import { Unpackr } from 'msgpackr';
import { Subscriber } from 'zeromq';
import type { CurveKeys } from './control-client.js';

export type Body = Readonly<Record<string, unknown>>;

export class Subscription {
  readonly #socket: Subscriber;
  readonly #done: Promise<void>;

  /** `topics` are prefixes such as `guider.offsets/`. `onMessage` gets the kind, the body, and when (monotonic ns). */
  constructor(
    address: string,
    topics: readonly string[],
    onMessage: (kind: string, body: Body, receivedNs: bigint) => void,
    keys: CurveKeys | Record<string, never> = {},
  ) {
    this.#socket = new Subscriber({ linger: 0, receiveHighWaterMark: 0, ...keys });
    this.#socket.connect(address);
    for (const topic of topics) this.#socket.subscribe(topic);
    this.#done = this.#read(onMessage);
  }

  /** What has arrived until now is handed over before it resolves. */
  async close(): Promise<void> {
    this.#socket.close();
    await this.#done;
  }

  async #read(onMessage: (kind: string, body: Body, receivedNs: bigint) => void): Promise<void> {
    const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true });
    for await (const [topic, frame] of this.#socket) {
      const now = process.hrtime.bigint();
      if (topic === undefined || frame === undefined) continue;
      const { body } = unpackr.unpack(frame) as { body: Body };
      onMessage(topic.toString('latin1').split('/', 1)[0] ?? '', body, now);
    }
  }
}
