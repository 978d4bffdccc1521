// SPDX-License-Identifier: Apache-2.0
// So much may be sent to an endpoint and no more: ZeroMQ keeps a message of many parts until its last one has come, and
// every subscription (40 bytes for each of its bytes), and has a limit for neither.

import type { Log } from '../model/log.js';

export interface SendBudgetDeps {
  /** [id, bytes received, id, bytes received, ...] */
  readonly connectionsOf: (port: number) => readonly number[];
  readonly cutOff: (port: number, id: number) => boolean;
  readonly log: Log;
  /** monotonic */
  readonly nowS: () => number;
}

export interface Budget {
  /** of all connections that there are, beyond what they may send anyway */
  readonly bytes: number;
  /** that a connection may send for as long as it likes: answers to keep-alives, requests now and then */
  readonly bytesPerS: number;
}

interface Endpoint {
  readonly name: string;
  readonly port: number;
  readonly budget: Budget;
  /** when a connection was first seen, by id */
  seen: Map<number, number>;
  /** cut off, and still there: ZeroMQ reads what had come before it closes */
  leaving: Set<number>;
}

interface Spent {
  readonly id: number;
  readonly bytes: number;
}

export class SendBudget {
  readonly #deps: SendBudgetDeps;
  readonly #endpoints: Endpoint[] = [];
  #cut = 0;

  constructor(deps: SendBudgetDeps) {
    this.#deps = deps;
  }

  add(name: string, port: number, budget: Budget): void {
    this.#endpoints.push({ name, port, budget, seen: new Map(), leaving: new Set() });
  }

  /** Connections that were cut off. */
  get cut(): number {
    return this.#cut;
  }

  /** Several times a second: who sent most goes first, until the others are within the budget. */
  tick(): void {
    for (const endpoint of this.#endpoints) {
      const { name, port, budget } = endpoint;
      const spent = this.#look(endpoint).sort((a, b) => b.bytes - a.bytes);
      let total = spent.reduce((sum, { bytes }) => sum + bytes, 0);
      for (const { id, bytes } of spent) {
        if (total <= budget.bytes) break;
        total -= bytes;
        if (!this.#deps.cutOff(port, id)) continue;
        this.#cut++;
        endpoint.leaving.add(id);
        const mb = (bytes / 1e6).toFixed(1);
        this.#deps.log.warning(`a peer was cut off: it sent ${mb} MB that no client has to send`, {
          endpoint: name,
        });
      }
    }
  }

  #look(endpoint: Endpoint): Spent[] {
    const nowS = this.#deps.nowS();
    const flat = this.#deps.connectionsOf(endpoint.port);
    const seen = new Map<number, number>();
    const spent: Spent[] = [];
    for (let i = 0; i + 1 < flat.length; i += 2) {
      const id = flat[i] ?? 0;
      const sinceS = endpoint.seen.get(id) ?? nowS;
      seen.set(id, sinceS);
      if (endpoint.leaving.has(id)) continue;
      spent.push({
        id,
        bytes: Math.max(0, (flat[i + 1] ?? 0) - (nowS - sinceS) * endpoint.budget.bytesPerS),
      });
    }
    endpoint.seen = seen;
    for (const id of endpoint.leaving) if (!seen.has(id)) endpoint.leaving.delete(id);
    return spent;
  }
}
