// SPDX-License-Identifier: Apache-2.0
// Everyone the DAQ sends to: fixed addresses and subscribers, and what could not be sent to whom.
import { getSystemErrorMap } from 'node:util';
import { type Frame, native, type Sender } from './native.js';
import type { Endpoint } from './options.js';
import { linkLocation } from './wire.js';

export const noNumbers = new Int32Array(0);

export interface Destination {
  readonly index: number;
  /** host:port */
  readonly name: string;
  /** null: all */
  readonly locations: ReadonlySet<number> | null;
}

/** Messages that could not be sent to one destination. */
export interface SendErrors {
  readonly messages: number;
  /** of the last one, as the system says it */
  readonly error: string;
}

/** A message: header, payload, and for a stamp which of its datagrams leave and how. */
export interface Outgoing {
  readonly header: Uint8Array;
  readonly payload: Frame | Uint8Array | null;
  readonly order?: Int32Array;
  readonly edits?: Int32Array;
}

export interface DestinationSettings {
  readonly mtu: number;
  readonly interface: string;
  readonly to: readonly Endpoint[];
}

export class Destinations {
  readonly #settings: DestinationSettings;
  readonly #tell: (sentence: string) => void;
  readonly #all = new Set<Destination>();
  #sender: Sender;
  #silentUntilMs = 0;
  datagrams = 0;
  /** by host:port, also of subscribers that have gone */
  readonly errors = new Map<string, SendErrors>();

  /** `tell` gets a sentence for people. */
  constructor(settings: DestinationSettings, tell: (sentence: string) => void) {
    this.#settings = settings;
    this.#tell = tell;
    this.#sender = this.#restarted();
  }

  get subscribers(): number {
    return this.#all.size - this.#settings.to.length;
  }

  /** Nobody is subscribed, and datagrams are numbered from the beginning. */
  restart(): void {
    this.#sender = this.#restarted();
  }

  /** datagrams of a payload */
  fragments(bytes: number): number {
    return this.#sender.fragments(bytes);
  }

  /** Not yet among those that get everything. */
  known(host: string, port: number, locations: ReadonlySet<number> | null): Destination {
    return { index: this.#sender.addDestination(host, port), name: `${host}:${port}`, locations };
  }

  add(destination: Destination): void {
    this.#all.add(destination);
  }

  remove(destination: Destination): void {
    this.#all.delete(destination);
  }

  /** Nothing leaves for so long; what is sent meanwhile is lost. */
  silence(ms: number): void {
    this.#silentUntilMs = performance.now() + ms;
  }

  /** Sends one message to everyone who wants its location. */
  send(location: number, message: Outgoing): void {
    for (const destination of this.#all) {
      const { locations } = destination;
      if (locations === null || location === linkLocation || locations.has(location))
        this.post(destination, message);
    }
  }

  post({ index, name }: Destination, { header, payload, order, edits }: Outgoing): void {
    if (performance.now() < this.#silentUntilMs) return;
    const sent = this.#sender.send(index, header, payload, order ?? noNumbers, edits ?? noNumbers);
    if (sent < 0) this.#countError(name, sent);
    else this.datagrams += sent;
  }

  #restarted(): Sender {
    const { mtu, to } = this.#settings;
    this.#sender = new native.Sender(mtu, this.#settings.interface);
    this.#all.clear();
    for (const { host, port } of to) this.add(this.known(host, port, null));
    return this.#sender;
  }

  #countError(name: string, errno: number): void {
    const error = getSystemErrorMap().get(errno)?.[1] ?? `error ${-errno}`;
    const { messages } = this.errors.get(name) ?? { messages: 0 };
    if (messages === 0) this.#tell(`cannot send to ${name}: ${error}; said once, counted in the event "end"`);
    this.errors.set(name, { messages: messages + 1, error });
  }
}
