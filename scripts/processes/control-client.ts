// SPDX-License-Identifier: Apache-2.0
// One request at a time to an agent's control endpoint (agent/README.md, "Commands").
import { randomUUID } from 'node:crypto';
import { Packr, Unpackr } from 'msgpackr';
import { Dealer } from 'zeromq';

export interface ControlReply {
  readonly id: unknown;
  readonly ack: number;
  readonly code?: string;
  readonly error?: string;
  readonly result?: unknown;
  readonly repeated?: boolean;
}

/** zeromq's options of a client with keys */
export interface CurveKeys {
  readonly curveServerKey: string;
  readonly curvePublicKey: string;
  readonly curveSecretKey: string;
}

/** ms: an agent that guides answers at once; a machine that does much else takes a while */
const patienceMs = 30_000;

const packr = new Packr({ useRecords: false });
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true });

export class ControlClient {
  readonly #socket: Dealer;
  /** commands over CURVE expire */
  readonly #keyed: boolean;

  constructor(address: string, keys: CurveKeys | Record<string, never> = {}) {
    this.#socket = new Dealer({ linger: 0, ...keys });
    this.#socket.connect(address);
    this.#keyed = 'curveServerKey' in keys;
  }

  /** The result of a verb; rejects with the agent's sentence, or when no final ack comes in time. */
  async request(
    verb: string,
    args: Readonly<Record<string, unknown>> = {},
    deadlineMs = patienceMs,
  ): Promise<unknown> {
    const issued = Date.now() / 1000;
    const fresh = this.#keyed ? { issued, expires: issued + 60 } : {};
    const reply = await this.exchange({ v: 1, id: randomUUID(), verb, args, ...fresh }, deadlineMs);
    if (reply.ack !== 303) throw new Error(reply.error ?? `ack ${reply.ack}`);
    return reply.result;
  }

  /** Sends a request as it is and resolves to its final reply. */
  async exchange(request: Readonly<Record<string, unknown>>, deadlineMs = patienceMs): Promise<ControlReply> {
    // There is nothing to send on while a connection that was turned away is made anew.
    this.#socket.sendTimeout = deadlineMs;
    this.#socket.receiveTimeout = deadlineMs;
    await this.#socket.send(packr.pack(request));
    for (;;) {
      const [frame] = await this.#socket.receive();
      if (frame === undefined) continue;
      const reply = unpackr.unpack(frame) as ControlReply;
      if (reply.id === request.id && reply.ack !== 300 && reply.ack !== 301) return reply;
    }
  }

  close(): void {
    this.#socket.close();
  }
}
