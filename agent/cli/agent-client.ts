// SPDX-License-Identifier: Apache-2.0
// Asks a running agent; each request has an id of its own, says who asks and when, and expires.

import { randomUUID } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import { Packr, Unpackr } from 'msgpackr';
import { Context, Dealer } from 'zeromq';
import { AgentError } from '../model/errors.js';
import { type Connection, notAnAddress } from './connection.js';
import { type Reach, watchReach, whyNothing } from './presence.js';

export interface Reply {
  readonly id: unknown;
  readonly ack: number;
  readonly code?: string;
  readonly error?: string;
  readonly result?: unknown;
  readonly timeout?: number;
  readonly repeated?: boolean;
}

export interface AskOptions {
  /** without any reply for this long, nobody is there */
  readonly timeoutS: number;
  readonly id?: string;
  /** the command must begin within this; null: a question, which may be answered at any time, whatever the clocks say */
  readonly expiresS?: number | null;
  readonly onReply?: (reply: Reply) => void;
}

const packr = new Packr({ useRecords: false });
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: 'auto' as 'number' });

export class AgentClient {
  readonly #address: string;
  readonly #encrypted: boolean;
  readonly #socket: Dealer;
  readonly #reach: () => Reach;

  constructor({ control, keys }: Connection) {
    this.#address = control;
    this.#encrypted = 'curveServerKey' in keys;
    this.#socket = new Dealer({
      context: new Context({ blocky: false }),
      linger: 0,
      ...keys,
    });
    this.#reach = watchReach(this.#socket);
    try {
      this.#socket.connect(control);
    } catch (error) {
      this.#socket.close();
      throw notAnAddress('--control', control, 'tcp://127.0.0.1:5571', error);
    }
  }

  close(): void {
    this.#socket.close();
  }

  /** The final reply; refuses (`command`) when none comes. */
  async ask(verb: string, args: unknown, options: AskOptions): Promise<Reply> {
    const id = options.id ?? randomUUID();
    const issued = Date.now() / 1000;
    const { expiresS = options.timeoutS } = options;
    const expires = expiresS === null ? null : issued + expiresS;
    const request = packr.pack({ v: 1, id, verb, args, who: whoAmI(), issued, expires });
    // There is no connection to send on while one that was turned away is made anew.
    this.#socket.sendTimeout = Math.round(options.timeoutS * 1000);
    await this.#socket.send(request).catch((error) => {
      throw this.#nobody(options.timeoutS, error);
    });
    let waitS = options.timeoutS;
    for (;;) {
      const reply = await this.#receive(waitS);
      if (reply.id !== id) continue;
      options.onReply?.(reply);
      if (reply.ack === 301) waitS = Math.max(waitS, (reply.timeout ?? 0) + 1);
      else if (reply.ack !== 300) return reply;
    }
  }

  /** The result of a question; refuses with the agent's sentence. */
  async result(verb: string, timeoutS: number): Promise<Readonly<Record<string, unknown>>> {
    const { ack, error, result } = await this.ask(verb, {}, { timeoutS, expiresS: null });
    if (ack === 303) return (result ?? {}) as Readonly<Record<string, unknown>>;
    throw new AgentError('command', error ?? `the agent answered ${ack}`);
  }

  async #receive(timeoutS: number): Promise<Reply> {
    this.#socket.receiveTimeout = Math.round(timeoutS * 1000);
    try {
      const frames = await this.#socket.receive();
      return unpackr.unpack(frames.at(-1) ?? Buffer.alloc(0)) as Reply;
    } catch (error) {
      throw this.#nobody(timeoutS, error);
    }
  }

  #nobody(timeoutS: number, cause: unknown): AgentError {
    const why = whyNothing(this.#reach(), this.#encrypted);
    const message = `no agent answered at ${this.#address} within ${timeoutS} s: ${why}`;
    return new AgentError('command', message, { cause });
  }
}

function whoAmI(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    return hostname();
  }
}
