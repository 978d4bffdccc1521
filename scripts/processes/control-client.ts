// SPDX-License-Identifier: Apache-2.0
// One request at a time to an agent's control endpoint (agent/README.md, "Commands").
import { Packr, Unpackr } from 'msgpackr';
import { Dealer } from 'zeromq';

interface ControlReply {
  readonly id: string;
  readonly ack: number;
  readonly error?: string;
  readonly result?: unknown;
}

const packr = new Packr({ useRecords: false });
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true });

export class ControlClient {
  readonly #socket = new Dealer({ linger: 0, sendTimeout: 1000 });
  #next = 0;

  constructor(address: string) {
    this.#socket.connect(address);
  }

  /** The result of a verb; rejects with the agent's sentence, or when no final ack comes in time. */
  async request(
    verb: string,
    args: Readonly<Record<string, unknown>> = {},
    deadlineMs = 3000,
  ): Promise<unknown> {
    const id = `${process.pid}-${++this.#next}`;
    this.#socket.receiveTimeout = deadlineMs;
    await this.#socket.send(packr.pack({ v: 1, id, verb, args }));
    for (;;) {
      const [frame] = await this.#socket.receive();
      if (frame === undefined) continue;
      const reply = unpackr.unpack(frame) as ControlReply;
      if (reply.id !== id || reply.ack === 300 || reply.ack === 301) continue;
      if (reply.ack !== 303) throw new Error(reply.error ?? `ack ${reply.ack}`);
      return reply.result;
    }
  }

  close(): void {
    this.#socket.close();
  }
}
