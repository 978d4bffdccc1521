// SPDX-License-Identifier: Apache-2.0
// What stands before every endpoint of an agent: limits, encryption, who is listed, and counts of who came.

import type { Context, Socket } from 'zeromq';
import type { KeyPair, KeyRole, PublicKey } from '../model/keys.js';
import type { Log } from '../model/log.js';
import { type ConnectionCounts, countConnections } from './handshakes.js';
import { type EndpointOptions, endpointOptions } from './socket-options.js';
import { ZapHandler } from './zap.js';

export type EndpointName = 'data' | 'control' | 'query';

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
}

export class EndpointGuard {
  readonly #settings: GuardSettings;
  readonly #zap: ZapHandler | null;
  readonly #connections = new Map<EndpointName, () => ConnectionCounts>();

  constructor(settings: GuardSettings, context: Context) {
    this.#settings = settings;
    const { security, log } = settings;
    this.#zap = security
      ? new ZapHandler({ domains: roles, readClients: security.readClients, log }, context)
      : null;
  }

  /** Before any endpoint is bound. */
  async start(): Promise<void> {
    await this.#zap?.start();
  }

  /** After every endpoint is closed. */
  async stop(): Promise<void> {
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
    const onAcceptError = () => {
      const message = `publish.${name}: a connection could not be accepted: the process has no file descriptors left`;
      this.#settings.log.error(message);
    };
    this.#connections.set(name, countConnections(socket, onAcceptError));
  }

  /** Takes over changes of the list of clients; for connections to come. */
  refresh(): void {
    this.#zap?.refresh();
  }

  counts(): Readonly<Record<string, unknown>> {
    return {
      endpoints: Object.fromEntries([...this.#connections].map(([name, read]) => [name, read()])),
      keys: this.#zap?.counts() ?? null,
    };
  }
}
