// SPDX-License-Identifier: Apache-2.0
// So many connections and no more: beyond that further ones are held off, and the agent keeps the file descriptors it works
// with. ZeroMQ itself accepts until none are left, and then tells so as fast as it can (TCP), or ends the process (ipc:
// assertion in ipc_listener.cpp, libzmq 4.3.5).

import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import type { Log } from '../model/log.js';

export interface LimitDeps {
  readonly log: Log;
  /** connections of one endpoint at most, where the process has descriptors for them */
  readonly most: number;
  /** connections that the kernel holds ready on one endpoint before they are accepted */
  readonly backlog: number;
}

/** Holds new connections off, or lets them come again. */
export type Door = (hold: boolean) => void;

interface Endpoint {
  readonly door: Door;
  /** connections now */
  readonly open: () => number;
  /** want of descriptors ends the process */
  readonly isFatal: boolean;
  holding: boolean;
}

/** Descriptors for what the agent opens itself: files, serial lines, the DAQ. */
const ownUse = 64;

function openFiles(): { limit: number; used: number } {
  const limits = readFileSync('/proc/self/limits', 'utf8');
  const limit = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY);
  return { limit, used: readdirSync('/proc/self/fd').length };
}

export class ConnectionLimit {
  readonly #deps: LimitDeps;
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #reserve: number[] = [];
  #most = 0;
  #exhausted = false;
  #held = 0;

  constructor(deps: LimitDeps) {
    this.#deps = deps;
  }

  /** The endpoint listens. */
  add(name: string, door: Door, open: () => number, isFatal = false): void {
    this.#endpoints.set(name, { door, open, isFatal, holding: false });
  }

  /** All endpoints are known: shares out what descriptors there are, and takes the reserve. */
  start(): void {
    const { most, backlog } = this.#deps;
    const { limit, used } = openFiles();
    const each = Math.max(1, this.#endpoints.size);
    // What waits in the kernel when the door closes still comes in: the reserve is for these.
    this.#fill(backlog * each);
    const free = limit - used - ownUse - this.#reserve.length;
    this.#most = Math.max(4, Math.min(most, Math.floor(free / each)));
  }

  stop(): void {
    this.#release();
  }

  get most(): number {
    return this.#most;
  }

  /** times that a door was closed */
  get held(): number {
    return this.#held;
  }

  /** A connection was accepted. */
  onAccept(name: string): void {
    const endpoint = this.#endpoints.get(name);
    if (endpoint && endpoint.open() >= this.#most) this.#close(name, endpoint);
  }

  /** The system gave no descriptor for a connection. */
  onExhausted(): void {
    if (this.#exhausted) return;
    this.#exhausted = true;
    for (const [name, endpoint] of this.#endpoints) this.#close(name, endpoint);
    this.#release();
    this.#deps.log.error('no file descriptors were left for a connection: new ones are held off');
  }

  /** Once a second: opens doors again, well below the limit, so that they do not flap. */
  tick(): void {
    if (this.#exhausted) {
      this.#fill(this.#deps.backlog * this.#endpoints.size);
      this.#exhausted = this.#reserve.length < this.#deps.backlog * this.#endpoints.size;
      if (this.#exhausted) {
        this.#release();
        return;
      }
    }
    for (const [name, endpoint] of this.#endpoints) {
      if (!endpoint.holding || endpoint.open() > 0.75 * this.#most) continue;
      endpoint.holding = false;
      endpoint.door(false);
      this.#deps.log.info(`publish.${name}: takes new connections again`);
    }
  }

  #close(name: string, endpoint: Endpoint): void {
    if (endpoint.holding) return;
    endpoint.holding = true;
    this.#held++;
    endpoint.door(true);
    if (endpoint.isFatal) {
      // What the kernel has ready still comes in, and nobody would tell that there was no room.
      this.#exhausted = true;
      this.#release();
    }
    this.#deps.log.warning(
      `publish.${name}: ${endpoint.open()} connections, the limit is ${this.#most}: new ones are held off`,
    );
  }

  #fill(count: number): void {
    try {
      while (this.#reserve.length < count) this.#reserve.push(openSync('/dev/null', 'r'));
    } catch {
      // As many as there are.
    }
  }

  #release(): void {
    for (const fd of this.#reserve.splice(0)) closeSync(fd);
  }
}
