// SPDX-License-Identifier: Apache-2.0
// The data endpoint: one XPUB socket. Every message is encoded once and never waits for a subscriber.

import { randomBytes } from 'node:crypto';
import { Packr } from 'msgpackr';
import { type Context, XPublisher } from 'zeromq';
import type { Clock } from '../model/clock.js';
import { AgentError, sentenceOf } from '../model/errors.js';
import type { AgentMessage, MessageSink } from '../model/messages.js';
import { type Body, bodyOf } from './bodies.js';

export interface PublisherSettings {
  readonly endpoint: string;
  readonly highWaterMark: number;
  readonly agent: string;
  readonly instrument: string;
  /** told in every message: what it says comes from a simulation */
  readonly simulated: boolean;
}

interface Topic {
  readonly frame: Buffer;
  readonly schema: string;
  seq: bigint;
  body: Body;
  taiNs: bigint;
}

/** What the last messages (series.end) get to leave after close, ms; a subscriber that does not read gets no more. */
const lingerMs = 100;

/** Version of each kind's body; raised when a field changes its meaning or goes away. */
const bodyVersion = 1;

export class Publisher implements MessageSink {
  readonly #settings: PublisherSettings;
  readonly #clock: Clock;
  readonly #socket: XPublisher;
  readonly #packr = new Packr({ useRecords: false });
  readonly #boot = randomBytes(8).toString('hex');
  readonly #topics = new Map<string, Topic>();
  readonly #subscriptions = new Map<string, number>();
  #reader: Promise<void> = Promise.resolve();
  #failures = 0;
  #open = false;

  /** `context` must not be blocky: nothing may keep the process from ending. */
  constructor(settings: PublisherSettings, clock: Clock, context: Context) {
    this.#settings = settings;
    this.#clock = clock;
    this.#socket = new XPublisher({
      context,
      linger: lingerMs,
      sendTimeout: 0,
      sendHighWaterMark: settings.highWaterMark,
      verbosity: 'allSubsUnsubs',
    });
  }

  /** Binds and resolves to the address, with the port that was given. */
  async start(): Promise<string> {
    await bindOrExplain(this.#socket, this.#settings.endpoint, 'publish.data');
    this.#open = true;
    this.#reader = this.#readSubscriptions();
    return this.#socket.lastEndpoint ?? this.#settings.endpoint;
  }

  async stop(): Promise<void> {
    this.#open = false;
    this.#socket.close();
    await this.#reader;
  }

  publish(message: AgentMessage): void {
    if (!this.#open) return;
    const topic = this.#topicOf(message);
    const time = { monotonicNs: this.#clock.monotonicNs(), taiNs: this.#clock.taiNs() };
    topic.seq++;
    topic.taiNs = time.taiNs;
    topic.body = bodyOf(message, time, message.kind === 'heartbeat' ? { seqs: this.seqs() } : noState);
    const { agent, simulated } = this.#settings;
    const frame = this.#packr.pack({
      schema: topic.schema,
      agent,
      boot: this.#boot,
      seq: topic.seq,
      tai_ns: time.taiNs,
      sim: simulated,
      body: topic.body,
    });
    // With sendTimeout 0 this never waits; a message beyond a subscriber's high-water mark is that one's loss.
    this.#socket.send([topic.frame, frame]).catch(() => {
      this.#failures++;
    });
  }

  get boot(): string {
    return this.#boot;
  }

  /** Subscriptions now, by topic prefix: how many sockets want it. */
  subscriptions(): Record<string, number> {
    return Object.fromEntries(this.#subscriptions);
  }

  get subscriptionCount(): number {
    let n = 0;
    for (const count of this.#subscriptions.values()) n += count;
    return n;
  }

  get sendFailures(): number {
    return this.#failures;
  }

  /** Last sequence number of each topic. */
  seqs(): Record<string, bigint> {
    const out: Record<string, bigint> = {};
    for (const [name, topic] of this.#topics) out[name] = topic.seq;
    return out;
  }

  /** Last message of each topic: what a late joiner asks for. */
  last(): Record<string, Body> {
    const out: Record<string, Body> = {};
    for (const [name, { schema, seq, taiNs, body }] of this.#topics) {
      out[name] = { schema, seq, tai_ns: taiNs, body };
    }
    return out;
  }

  #topicOf(message: AgentMessage): Topic {
    const name = topicName(message, this.#settings);
    let topic = this.#topics.get(name);
    if (!topic) {
      const schema = `${message.kind}/${bodyVersion}`;
      topic = { frame: Buffer.from(name, 'latin1'), schema, seq: 0n, body: {}, taiNs: 0n };
      this.#topics.set(name, topic);
    }
    return topic;
  }

  async #readSubscriptions(): Promise<void> {
    try {
      for await (const [frame] of this.#socket) {
        if (frame && frame.length > 0) this.#note(frame[0] === 1, frame.subarray(1).toString('latin1'));
      }
    } catch (error) {
      if (this.#open) throw error;
    }
  }

  #note(subscribe: boolean, prefix: string): void {
    const count = (this.#subscriptions.get(prefix) ?? 0) + (subscribe ? 1 : -1);
    if (count > 0) this.#subscriptions.set(prefix, count);
    else this.#subscriptions.delete(prefix);
  }
}

const noState = { seqs: {} };

/** `kind/instrument/source/`: the slash at the end keeps R0 from matching R00. */
export function topicName(message: AgentMessage, where: { agent: string; instrument: string }): string {
  switch (message.kind) {
    case 'guider.result':
    case 'image.available':
    case 'health.sensor':
      return `${message.kind}/${where.instrument}/${message.sensor}/`;
    case 'state':
      return `state/${where.instrument}/${where.agent}/${message.event}/`;
    case 'heartbeat':
    case 'log':
    case 'alarm':
      return `${message.kind}/${where.instrument}/${where.agent}/`;
    default:
      return `${message.kind}/${where.instrument}/all/`;
  }
}

interface Bindable {
  bind(endpoint: string): Promise<void>;
}

/** Binds a socket; a busy port is a refusal that says which and what to do. */
export async function bindOrExplain(socket: Bindable, endpoint: string, key: string): Promise<void> {
  try {
    await socket.bind(endpoint.replace(/:0$/, ':*'));
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === 'EADDRINUSE') {
      throw new AgentError(
        'port_busy',
        `${key}: ${endpoint} is in use by another process: stop it (ss -ltnp shows which), or give ${key} another port, or port 0 for a free one`,
        { cause: error },
      );
    }
    throw new AgentError('publish', `${key}: cannot listen on ${endpoint}: ${sentenceOf(error)}`, {
      cause: error,
    });
  }
}
