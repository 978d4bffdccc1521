// SPDX-License-Identifier: Apache-2.0
// Who may connect: ZeroMQ asks here (ZAP, RFC 27) with the public key of each peer before a byte of it is let in.

import { type Context, Router } from 'zeromq';
import { sentenceOf } from '../model/errors.js';
import { type KeyRole, type PublicKey, z85Encode } from '../model/keys.js';
import type { Log } from '../model/log.js';

/** Roles that an endpoint (its ZAP domain) lets in. */
export type Domains = Readonly<Record<string, readonly KeyRole[]>>;

export interface ZapDeps {
  readonly domains: Domains;
  /** the list of clients as it is now; refuses with an AgentError */
  readonly readClients: () => readonly PublicKey[];
  readonly log: Log;
}

const address = 'inproc://zeromq.zap.01';
const version = '1.0';

export class ZapHandler {
  readonly #deps: ZapDeps;
  readonly #socket: Router;
  #clients: ReadonlyMap<string, PublicKey>;
  #reader: Promise<void> = Promise.resolve();
  #counts = { allowed: 0, unknown_key: 0, wrong_role: 0, wrong_mechanism: 0, malformed: 0 };

  /** Start it before a socket of the context is bound, and stop it after the last is closed. */
  constructor(deps: ZapDeps, context: Context) {
    this.#deps = deps;
    this.#clients = byKey(deps.readClients());
    this.#socket = new Router({ context, linger: 0 });
  }

  async start(): Promise<void> {
    await this.#socket.bind(address);
    this.#reader = this.#serve();
  }

  async stop(): Promise<void> {
    this.#socket.close();
    await this.#reader;
  }

  counts(): Readonly<Record<string, number>> {
    return { ...this.#counts, listed: this.#clients.size };
  }

  /** Reads the list again; one that cannot be used leaves the old one in force. */
  refresh(): void {
    try {
      this.#clients = byKey(this.#deps.readClients());
    } catch (error) {
      this.#deps.log.warning(`the list of clients stays as it was: ${sentenceOf(error)}`);
    }
  }

  async #serve(): Promise<void> {
    while (!this.#socket.closed) {
      try {
        const frames = await this.#socket.receive();
        await this.#answer(frames);
      } catch (error) {
        if (this.#socket.closed) return;
        this.#deps.log.error('a peer could not be judged', { error: sentenceOf(error) });
      }
    }
  }

  async #answer(frames: readonly Buffer[]): Promise<void> {
    const [route, empty, , requestId, domain, peer, , mechanism, key] = frames;
    if (!route || !empty || !requestId) return;
    const verdict = this.#judge(String(domain), String(mechanism), key, String(peer));
    const [status, text] = verdict ? ['200', 'OK'] : ['400', 'not listed for this endpoint'];
    await this.#socket.send([route, empty, version, requestId, status, text, verdict?.name ?? '', '']);
  }

  #judge(domain: string, mechanism: string, raw: Buffer | undefined, peer: string): PublicKey | null {
    const fields = { domain, peer };
    if (mechanism !== 'CURVE') {
      this.#counts.wrong_mechanism++;
      this.#deps.log.warning('a peer without CURVE was turned away', fields);
      return null;
    }
    if (raw?.length !== 32) {
      this.#counts.malformed++;
      return null;
    }
    const key = z85Encode(raw);
    const client = this.#clients.get(key);
    if (!client) {
      this.#counts.unknown_key++;
      this.#deps.log.warning('a key that is not listed was turned away', { ...fields, key });
      return null;
    }
    if (!(this.#deps.domains[domain] ?? []).includes(client.role)) {
      this.#counts.wrong_role++;
      const { name, role } = client;
      this.#deps.log.warning('a key without the role was turned away', { ...fields, client: name, role });
      return null;
    }
    this.#counts.allowed++;
    return client;
  }
}

function byKey(clients: readonly PublicKey[]): ReadonlyMap<string, PublicKey> {
  return new Map(clients.map((client) => [client.key, client]));
}
