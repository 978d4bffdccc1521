// SPDX-License-Identifier: Apache-2.0
// Whether anybody is at the other end of a socket that connects: ZeroMQ itself tries on without a word.

import type { Socket } from 'zeromq';

/** How far a connection came, the farthest since it was last lost. */
export type Reach = 'nothing' | 'listener' | 'turned away' | 'connected';

/** Call before the socket connects; ends with it. */
export function watchReach(socket: Socket, onChange: (reach: Reach) => void = () => {}): () => Reach {
  let reach: Reach = 'nothing';
  const to = (next: Reach) => () => {
    if (next === reach) return;
    reach = next;
    onChange(next);
  };
  const { events } = socket;
  events.on('connect', () => {
    if (reach === 'nothing') reach = 'listener';
  });
  events.on('handshake', to('connected'));
  events.on('handshake:error:protocol', to('turned away'));
  events.on('handshake:error:auth', to('turned away'));
  // Before the handshake is over: an agent that asks for keys which were not given, or another kind of endpoint.
  events.on('disconnect', () => to(reach === 'connected' ? 'nothing' : 'turned away')());
  return () => reach;
}

/** Why nothing came, and what to look at; `encrypted`: keys were given. */
export function whyNothing(reach: Reach, encrypted: boolean): string {
  if (reach === 'connected') return 'it took the connection and said nothing: is it stopped or very busy?';
  if (reach === 'listener')
    return 'something listens there and does not speak: a stopped agent, or no agent?';
  if (reach === 'nothing') return 'is it running there? (systemctl status "summit-agent@*")';
  return encrypted
    ? 'who listens there turned this key away or is no agent: is it in the list of clients, is --server-key its own?'
    : 'who listens there turned this client away or is no agent: does it ask for keys (--key, --server-key)?';
}

export interface PresenceSettings {
  readonly address: string;
  readonly encrypted: boolean;
  readonly say: (line: string) => void;
  /** called once when nobody was there for `giveUpS` */
  readonly giveUp?: { readonly afterS: number; readonly call: () => void } | null;
  /** ms until the first word about nobody being there */
  readonly patienceMs?: number;
}

/** Says on behalf of a subscriber that nobody is there, that somebody came, went and came back. */
export class Presence {
  readonly #settings: PresenceSettings;
  readonly #reach: () => Reach;
  #timers: NodeJS.Timeout[] = [];
  #silent = true;
  #met = false;

  /** Before the socket connects. */
  constructor(socket: Socket, settings: PresenceSettings) {
    this.#settings = settings;
    this.#reach = watchReach(socket, (reach) => this.#onChange(reach));
    this.#wait();
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers = [];
  }

  #onChange(reach: Reach): void {
    const { address, say } = this.#settings;
    if (reach === 'connected') {
      this.stop();
      if (!this.#silent)
        say(`connected to ${address}${this.#met ? '; what it sent meanwhile is missing' : ''}`);
      this.#silent = true;
      this.#met = true;
    } else if (reach === 'nothing') {
      say(`lost the connection to ${address}; trying on`);
      this.#silent = false;
      this.#wait();
    }
  }

  #wait(): void {
    const { address, encrypted, say, giveUp, patienceMs = 2000 } = this.#settings;
    const why = () => whyNothing(this.#reach(), encrypted);
    const tell = () => {
      this.#silent = false;
      say(`no agent answers at ${address}: ${why()} Trying on; Ctrl-C ends it.`);
    };
    if (!giveUp || patienceMs < giveUp.afterS * 1000) this.#timers.push(setTimeout(tell, patienceMs));
    if (!giveUp) return;
    const end = () => {
      this.stop();
      say(`no agent answered at ${address} within ${giveUp.afterS} s: ${why()}`);
      giveUp.call();
    };
    this.#timers.push(setTimeout(end, giveUp.afterS * 1000));
  }
}
