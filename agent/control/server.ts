// SPDX-License-Identifier: Apache-2.0
// The control endpoint: one ROUTER socket. Each request gets an acknowledgement and exactly one final reply.

import { type Context, Router } from 'zeromq';
import { AgentError, sentenceOf } from '../model/errors.js';
import type { Log } from '../model/log.js';
import { nearest } from '../model/nearest.js';
import { ack, type ControlReply, type ControlRequest, packReply, parseRequest } from './requests.js';

/** What a verb does; its answer is the result of the final reply. */
export type Verb = (args: ControlRequest['args']) => Promise<unknown>;

export interface ControlSettings {
  readonly endpoint: string;
  readonly verbs: Readonly<Record<string, Verb>>;
  readonly bind: (socket: Router, endpoint: string, key: string) => Promise<void>;
}

/** A request is a few hundred bytes; nothing larger is read. */
const maxRequestBytes = 64 * 1024;

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
      linger: 0,
      sendTimeout: 0,
      maxMessageSize: maxRequestBytes,
      sendHighWaterMark: 100,
      receiveHighWaterMark: 100,
    });
  }

  async start(): Promise<string> {
    await this.#settings.bind(this.#socket, this.#settings.endpoint, 'publish.control');
    this.#open = true;
    this.#reader = this.#serve();
    return this.#socket.lastEndpoint ?? this.#settings.endpoint;
  }

  async stop(): Promise<void> {
    this.#open = false;
    this.#socket.close();
    await this.#reader;
  }

  async #serve(): Promise<void> {
    while (this.#open) {
      try {
        const frames = await this.#socket.receive();
        this.#onFrames(frames);
      } catch (error) {
        if (!this.#open) return;
        this.#log.warning('a control request could not be received', { error: sentenceOf(error) });
        if (this.#socket.closed) return;
      }
    }
  }

  #onFrames(frames: readonly Buffer[]): void {
    const [client] = frames;
    const request = frames.at(-1);
    if (!client || !request || frames.length < 2) return;
    // A REQ socket puts an empty frame between its identity and the request, and wants it back.
    const route = frames.slice(0, -1);
    const parsed = parseRequest(request);
    if ('problem' in parsed) {
      this.#reply(route, { id: parsed.id, ack: ack.failed, code: 'command', error: parsed.problem });
      return;
    }
    this.#reply(route, { id: parsed.request.id, ack: ack.received });
    this.#run(parsed.request).then(
      (reply) => this.#reply(route, reply),
      // A bug in a verb is a bug of the agent: it must not pass for a refusal.
      (error) => {
        setImmediate(() => {
          throw error;
        });
      },
    );
  }

  async #run({ id, verb, args }: ControlRequest): Promise<ControlReply> {
    const { verbs } = this.#settings;
    const act = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined;
    if (!act) {
      const near = nearest(verb, Object.keys(verbs));
      const hint = near === null ? '' : `; did you mean ${near}?`;
      const error = `verb: expected one of ${Object.keys(verbs).join(', ')}, got ${verb}${hint}`;
      return { id, ack: ack.failed, code: 'command', error };
    }
    try {
      return { id, ack: ack.complete, result: await act(args) };
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      return { id, ack: ack.failed, code: error.code, error: error.message };
    }
  }

  #reply(route: readonly Buffer[], reply: ControlReply): void {
    if (!this.#open) return;
    this.#socket.send([...route, packReply(reply)]).catch((error) => {
      // The client went away; nobody is left to tell.
      this.#log.debug('a control reply was not delivered', { error: sentenceOf(error) });
    });
  }
}
