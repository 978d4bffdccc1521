// SPDX-License-Identifier: Apache-2.0
// What stands before every endpoint of an agent: limits, encryption, who is listed, and counts of who came.

import type { Context, Socket } from 'zeromq';
import type { KeyPair, KeyRole, PublicKey } from '../model/keys.js';
import type { Log } from '../model/log.js';
import { ConnectionLimit } from './connection-limit.js';
import { type ConnectionCounts, countConnections } from './handshakes.js';
import { backlog, type EndpointOptions, endpointOptions } from './socket-options.js';
import { ZapHandler } from './zap.js';

export type EndpointName = 'data' | 'control' | 'query';

/** Connections of one endpoint; a site has a few dozen clients. */
const mostConnections = 256;

/** Which keys an endpoint lets in. */
const roles: Readonly<Record<EndpointName, readonly KeyRole[]>> = {
  data: ['observe', 'command'],
  control: ['command'],
  query: ['observe', 'command'],
};

export interface GuardSettings {
  /** null: nothing is encrypted */
  readonly security: { readonly server: KeyPair; readonly readClients: () => readonly PublicKey[] } | null;
  readonly log: Log;
  /** holds new connections off a port, or lets them come again */
  readonly hold: (port: number, hold: boolean) => void;
}

export class EndpointGuard {
  readonly #settings: GuardSettings;
  readonly #zap: ZapHandler | null;
  readonly #connections = new Map<EndpointName, () => ConnectionCounts>();
  readonly #limit: ConnectionLimit;

  constructor(settings: GuardSettings, context: Context) {
    this.#settings = settings;
    const { security, log } = settings;
    this.#zap = security
      ? new ZapHandler({ domains: roles, readClients: security.readClients, log }, context)
      : null;
    this.#limit = new ConnectionLimit({ hold: settings.hold, log, most: mostConnections, backlog });
  }

  /** Before any endpoint is bound. */
  async start(): Promise<void> {
    await this.#zap?.start();
  }

  /** Every endpoint is bound; `addresses` as they came out, by name. */
  arm(addresses: Readonly<Partial<Record<EndpointName, string | null>>>): void {
    for (const [name, address] of Object.entries(addresses)) {
      const port = Number(/^tcp:.*:(\d+)$/.exec(address ?? '')?.[1]);
      const read = this.#connections.get(name as EndpointName);
      if (port > 0 && read) this.#limit.add(name, port, () => read().accepted - read().closed);
    }
    this.#limit.start();
  }

  /** After every endpoint is closed. */
  async stop(): Promise<void> {
    this.#limit.stop();
    await this.#zap?.stop();
  }

  isEncrypted(endpoint: string): boolean {
    return this.#settings.security !== null && endpoint.startsWith('tcp://');
  }

  options(name: EndpointName, endpoint: string): EndpointOptions {
    return endpointOptions(endpoint, name, this.#settings.security?.server ?? null);
  }

  /** Counts the connections of a socket that is not bound yet. */
  watch(name: EndpointName, socket: Socket): void {
    const onAccept = () => this.#limit.onAccept(name);
    const onExhausted = () => this.#limit.onExhausted();
    this.#connections.set(name, countConnections(socket, onAccept, onExhausted));
  }

  /** Once a second: takes over changes of the list of clients, lets connections come that were held off. */
  refresh(): void {
    this.#limit.tick();
    this.#zap?.refresh();
  }

  counts(): Readonly<Record<string, unknown>> {
    return {
      endpoints: Object.fromEntries([...this.#connections].map(([name, read]) => [name, read()])),
      keys: this.#zap?.counts() ?? null,
      limit: this.#limit.most,
      held_off: this.#limit.held,
    };
  }
}
