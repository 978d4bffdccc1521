// SPDX-License-Identifier: Apache-2.0
// The commands of the last minutes, by id: what comes again is answered from here and not run again.

import { createHash } from 'node:crypto';
import { Packr } from 'msgpackr';
import type { ControlReply, ControlRequest } from './requests.js';

export type FinalReply = Omit<ControlReply, 'id'>;

export interface RememberedCommand {
  readonly verb: string;
  readonly digest: string;
  readonly sinceNs: bigint;
  /** null: it is still running */
  final: FinalReply | null;
  /** who else wants the final reply */
  readonly waiting: ((reply: FinalReply) => void)[];
}

const packr = new Packr({ useRecords: false });

/** The same command is the same verb with the same args. */
export function digestOf({ verb, args }: ControlRequest): string {
  return createHash('sha256')
    .update(packr.pack([verb, args]))
    .digest('base64');
}

/**
 * Text ids, and ids of a client that says who it is, count for the agent; a bare number only for its connection,
 * because every client counts from 1.
 */
export function keyOf({ id, who }: ControlRequest, connection: string): string {
  const scope = who !== '' || typeof id === 'string' ? `who ${who}` : `connection ${connection}`;
  return `${scope}\0${typeof id === 'string' ? 'text' : 'number'} ${id}`;
}

export class CommandMemory {
  readonly #commands = new Map<string, RememberedCommand>();
  readonly #windowNs: bigint;
  readonly #capacity: number;

  constructor(windowS: number, capacity: number) {
    this.#windowNs = BigInt(windowS) * 1_000_000_000n;
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#commands.size;
  }

  find(key: string, nowNs: bigint): RememberedCommand | undefined {
    const found = this.#commands.get(key);
    return found && !this.#isOld(found, nowNs) ? found : undefined;
  }

  remember(key: string, request: ControlRequest, nowNs: bigint): RememberedCommand {
    this.#forget(nowNs);
    const { verb } = request;
    const command = { verb, digest: digestOf(request), sinceNs: nowNs, final: null, waiting: [] };
    this.#commands.delete(key);
    this.#commands.set(key, command);
    return command;
  }

  /** Oldest first: a Map keeps the order in which they came. A running command stays. */
  #forget(nowNs: bigint): void {
    for (const [key, command] of this.#commands) {
      if (!this.#isOld(command, nowNs) && this.#commands.size < this.#capacity) return;
      if (command.final) this.#commands.delete(key);
    }
  }

  #isOld(command: RememberedCommand, nowNs: bigint): boolean {
    return command.final !== null && nowNs - command.sinceNs > this.#windowNs;
  }
}
