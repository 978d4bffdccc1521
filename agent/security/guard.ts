// SPDX-License-Identifier: Apache-2.0
// What stands before every endpoint of an agent: limits, encryption, who is listed, and counts of who came.

import type { Context, Socket } from 'zeromq';
import type { KeyPair, KeyRole, PublicKey } from '../model/keys.js';
import type { Log } from '../model/log.js';
import { ConnectionLimit } from './connection-limit.js';
import { FileDoor } from './file-door.js';
import { type ConnectionCounts, countConnections } from './handshakes.js';
import { type Budget, SendBudget } from './send-budget.js';
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

/** Subscriptions are some hundred bytes for each client, for good; requests are some hundred bytes, now and then. */
const budgets: Readonly<Record<EndpointName, Budget>> = {
  data: { bytes: 1024 * 1024, bytesPerS: 64 },
  control: { bytes: 32 * 1024 * 1024, bytesPerS: 16 * 1024 },
  query: { bytes: 32 * 1024 * 1024, bytesPerS: 16 * 1024 },
};

/** ms; a second of subscriptions may be a gigabyte */
const budgetMs = 250;

/** What the system does with TCP connections of this process; with it, files of ipc endpoints are taken out of the way, too. */
export interface ConnectionControl {
  /** holds new connections off a port, or lets them come again */
  readonly hold: (port: number, hold: boolean) => void;
  /** [id, bytes received, id, bytes received, ...] */
  readonly connectionsOf: (port: number) => readonly number[];
  /** false: it is gone */
  readonly cutOff: (port: number, id: number) => boolean;
}

/** Nobody is held off, nobody is seen. */
const noControl: ConnectionControl = { hold: () => {}, connectionsOf: () => [], cutOff: () => false };

export interface GuardSettings {
  /** null: nothing is encrypted */
  readonly security: { readonly server: KeyPair; readonly readClients: () => readonly PublicKey[] } | null;
  readonly log: Log;
  /** absent: nothing is done */
  readonly connections: ConnectionControl | undefined;
}

export class EndpointGuard {
  readonly #settings: GuardSettings;
  readonly #zap: ZapHandler | null;
  readonly #connections = new Map<EndpointName, () => ConnectionCounts>();
  readonly #limit: ConnectionLimit;
  readonly #budget: SendBudget;
  readonly #doors: FileDoor[] = [];
  #budgetTimer: NodeJS.Timeout | null = null;

  constructor(settings: GuardSettings, context: Context) {
    this.#settings = settings;
    const { security, log } = settings;
    this.#zap = security
      ? new ZapHandler({ domains: roles, readClients: security.readClients, log }, context)
      : null;
    const { connectionsOf, cutOff } = settings.connections ?? noControl;
    this.#limit = new ConnectionLimit({ log, most: mostConnections, backlog });
    this.#budget = new SendBudget({ connectionsOf, cutOff, log, nowS: () => performance.now() / 1000 });
  }

  /** Before any endpoint is bound. */
  async start(): Promise<void> {
    await this.#zap?.start();
  }

  /** Every endpoint is bound; `addresses` as they came out, by name. */
  arm(addresses: Readonly<Partial<Record<EndpointName, string | null>>>): void {
    const { hold } = this.#settings.connections ?? noControl;
    for (const [name, address] of Object.entries(addresses)) {
      const read = this.#connections.get(name as EndpointName);
      if (!read || typeof address !== 'string') continue;
      const open = () => read().accepted - read().closed;
      const port = Number(/^tcp:.*:(\d+)$/.exec(address)?.[1]);
      const path = /^ipc:\/\/(.+)/s.exec(address)?.[1];
      if (port > 0) {
        this.#limit.add(name, (held) => hold(port, held), open);
        this.#budget.add(name, port, budgets[name as EndpointName]);
      } else if (path !== undefined && this.#settings.connections) {
        const door = new FileDoor(path);
        this.#doors.push(door);
        this.#limit.add(name, (held) => door.hold(held), open, true);
      }
    }
    this.#limit.start();
    this.#budgetTimer = setInterval(() => this.#budget.tick(), budgetMs);
  }

  /** After every endpoint is closed. */
  async stop(): Promise<void> {
    if (this.#budgetTimer) clearInterval(this.#budgetTimer);
    this.#limit.stop();
    for (const door of this.#doors) door.close();
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

  /** Once a second: takes over changes of the list of clients, lets come who was held off. */
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
      cut_off: this.#budget.cut,
    };
  }
}
