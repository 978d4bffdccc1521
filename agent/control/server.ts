// SPDX-License-Identifier: Apache-2.0
// A control endpoint: one ROUTER socket whose requests go to the desk.

import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Context, Router, type SocketOptions } from 'zeromq';
import { sentenceOf } from '../model/errors.js';
import type { Log } from '../model/log.js';
import type { CommandDesk } from './desk.js';
import { ack, type ControlReply, packReply, parseRequest } from './requests.js';
import type { Role } from './states.js';

export interface ControlSettings {
  readonly endpoint: string;
  /** the endpoint's key in the profile */
  readonly key: string;
  /** what this endpoint permits */
  readonly role: Role;
  /** commands must be safe against replay (control/desk.ts) */
  readonly strict: boolean;
  readonly desk: CommandDesk;
  readonly bind: (socket: Router, endpoint: string, key: string) => Promise<void>;
  /** gets the socket before it is bound */
  readonly watch?: (socket: Router) => void;
  /** limits and encryption */
  readonly socket?: SocketOptions<Router>;
}

/** A request is a few hundred bytes; nothing larger is read. */
const maxRequestBytes = 64 * 1024;
/** Requests that are served before stamps have their turn: what waits at the socket comes without one. */
const perTurn = 8;
/** What the last replies get to leave after close, ms. */
const lingerMs = 100;

export class ControlServer {
  readonly #settings: ControlSettings;
  readonly #log: Log;
  readonly #socket: Router;
  #reader: Promise<void> = Promise.resolve();
  #open = false;

  constructor(settings: ControlSettings, log: Log, context: Context) {
    this.#settings = settings;
    this.#log = log;
    this.#socket = new Router({
      context,
      linger: lingerMs,
      sendTimeout: 0,
      maxMessageSize: maxRequestBytes,
      sendHighWaterMark: 100,
      receiveHighWaterMark: 100,
      ...settings.socket,
    });
  }

  async start(): Promise<string> {
    const { endpoint, key, bind, watch } = this.#settings;
    watch?.(this.#socket);
    try {
      await bind(this.#socket, endpoint, key);
    } catch (error) {
      this.#socket.close();
      throw error;
    }
    this.#open = true;
    this.#reader = this.#serve();
    return this.#socket.lastEndpoint ?? endpoint;
  }

  async stop(): Promise<void> {
    this.#open = false;
    this.#socket.close();
    await this.#reader;
  }

  async #serve(): Promise<void> {
    for (let served = 1; this.#open; served++) {
      try {
        const frames = await this.#socket.receive();
        this.#onFrames(frames);
        if (served % perTurn === 0) await nextTurn();
      } catch (error) {
        if (!this.#open) return;
        this.#log.warning('a control request could not be received', { error: sentenceOf(error) });
        if (this.#socket.closed) return;
      }
    }
  }

  #onFrames(frames: readonly Buffer[]): void {
    const [client] = frames;
    const frame = frames.at(-1);
    if (!client || !frame || frames.length < 2) return;
    // A REQ socket puts an empty frame between its identity and the request, and wants it back.
    const route = frames.slice(0, -1);
    const parsed = parseRequest(frame);
    if ('problem' in parsed) {
      this.#settings.desk.onMalformed();
      this.#reply(route, { id: parsed.id, ack: ack.failed, code: 'command', error: parsed.problem });
      return;
    }
    const { request } = parsed;
    const { desk, role, strict, key } = this.#settings;
    const connection = `${key} ${client.toString('base64')}`;
    desk.take(request, { role, strict, connection }, (reply) =>
      this.#reply(route, { id: request.id, ...reply }),
    );
  }

  #reply(route: readonly Buffer[], reply: ControlReply): void {
    if (!this.#open) return;
    this.#socket.send([...route, packReply(reply)]).catch((error) => {
      // The client went away; nobody is left to tell.
      this.#log.debug('a control reply was not delivered', { error: sentenceOf(error) });
    });
  }
}
