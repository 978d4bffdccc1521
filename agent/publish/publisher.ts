// SPDX-License-Identifier: Apache-2.0
// The data endpoint: one XPUB socket. Every message is encoded once and never waits for a subscriber.

import { randomBytes } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Packr } from 'msgpackr';
import { type Context, type SocketOptions, XPublisher } from 'zeromq';
import type { Clock } from '../model/clock.js';
import type { AgentMessage, MessageSink } from '../model/messages.js';
import { bindOrExplain } from './bind.js';
import { type Body, bodyOf, type PublisherState, type SendTime } from './bodies.js';

export interface PublisherSettings {
  readonly endpoint: string;
  readonly highWaterMark: number;
  readonly agent: string;
  readonly instrument: string;
  /** told in every message: what it says comes from a simulation */
  readonly simulated: boolean;
  readonly ipcMode?: number;
  /** gets the socket before it is bound */
  readonly watch?: (socket: XPublisher) => void;
  /** limits and encryption */
  readonly socket?: SocketOptions<XPublisher>;
}

interface Topic {
  readonly frame: Buffer;
  readonly schema: string;
  seq: bigint;
  /** the last message, its time and state: its body is made when somebody wants it */
  message: AgentMessage;
  time: SendTime;
  state: PublisherState;
  /** somebody has asked for it at some time */
  wanted: boolean;
}

/** What the last messages (series.end) get to leave after close, ms; a subscriber that does not read gets no more. */
const lingerMs = 100;

/** Subscriptions that are read before stamps have their turn. */
const perTurn = 64;

/** Subscribers send topics and nothing larger, and first their key: ZeroMQ keeps 40 bytes for each byte of a topic. */
const maxSubscriptionBytes = 1024;
/** What is kept in mind of topics somebody asked for. */
const maxSubscriptions = 10_000;

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
  /**
   * Every topic that was asked for at some time, or all of them. Never less: a peer may take back what another one asked
   * for, and ZeroMQ tells both alike.
   */
  #asked: Set<string> | 'all' = new Set();
  #reader: Promise<void> = Promise.resolve();
  #failures = 0;
  #garbage = 0;
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
      maxMessageSize: maxSubscriptionBytes,
      ...settings.socket,
    });
  }

  /** Binds and resolves to the address, with the port that was given. */
  async start(): Promise<string> {
    const { endpoint, ipcMode } = this.#settings;
    this.#settings.watch?.(this.#socket);
    try {
      await bindOrExplain(this.#socket, endpoint, 'publish.data', ipcMode);
    } catch (error) {
      this.#socket.close();
      throw error;
    }
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
    topic.message = message;
    topic.time = time;
    if (message.kind === 'heartbeat') topic.state = { seqs: this.seqs() };
    // Encoding and sending are most of what a stamp costs here.
    if (!topic.wanted) return;
    const { agent, simulated } = this.#settings;
    const frame = this.#packr.pack({
      schema: topic.schema,
      agent,
      boot: this.#boot,
      seq: topic.seq,
      tai_ns: time.taiNs,
      sim: simulated,
      body: bodyOf(message, time, topic.state),
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

  /** What peers sent that could not be received. */
  get garbage(): number {
    return this.#garbage;
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
    for (const [name, { schema, seq, message, time, state }] of this.#topics) {
      out[name] = { schema, seq, tai_ns: time.taiNs, body: bodyOf(brief(message), time, state) };
    }
    return out;
  }

  #topicOf(message: AgentMessage): Topic {
    const name = topicName(message, this.#settings);
    let topic = this.#topics.get(name);
    if (!topic) {
      const schema = `${message.kind}/${bodyVersion}`;
      const frame = Buffer.from(name, 'latin1');
      const time = { monotonicNs: 0n, taiNs: 0n };
      topic = { frame, schema, seq: 0n, message, time, state: noState, wanted: this.#wants(name) };
      this.#topics.set(name, topic);
    }
    return topic;
  }

  #wants(name: string): boolean {
    return this.#asked === 'all' || [...this.#asked].some((prefix) => name.startsWith(prefix));
  }

  async #readSubscriptions(): Promise<void> {
    for (let read = 1; !this.#socket.closed; read++) {
      try {
        const [frame] = await this.#socket.receive();
        // Any other first byte is a message, and nobody reads messages of subscribers.
        if (frame?.[0] === 1 || frame?.[0] === 0) {
          this.#note(frame[0] === 1, frame.subarray(1).toString('latin1'));
        }
        if (read % perTurn === 0) await nextTurn();
      } catch {
        // Closed, or a peer that broke off in the middle: the next one is served.
        this.#garbage++;
      }
    }
  }

  #note(subscribe: boolean, prefix: string): void {
    if (subscribe) this.#ask(prefix);
    if (subscribe && this.#subscriptions.size >= maxSubscriptions && !this.#subscriptions.has(prefix)) return;
    const count = (this.#subscriptions.get(prefix) ?? 0) + (subscribe ? 1 : -1);
    if (count > 0) this.#subscriptions.set(prefix, count);
    else this.#subscriptions.delete(prefix);
  }

  /** It counts when it was read, a turn of the event loop after it came. */
  #ask(prefix: string): void {
    if (this.#asked === 'all' || this.#asked.has(prefix)) return;
    if (this.#asked.size < maxSubscriptions) this.#asked.add(prefix);
    else this.#asked = 'all';
    const all = this.#asked === 'all';
    for (const [name, topic] of this.#topics) topic.wanted ||= all || name.startsWith(prefix);
  }
}

const noState = { seqs: {} };

/** Without what is too long to be asked for again: it is in the file that the message names. */
function brief(message: AgentMessage): AgentMessage {
  return message.kind === 'image.quicklook' ? { ...message, spectrum: null } : message;
}

/** `kind/instrument/source/`: the slash at the end keeps R0 from matching R00. */
export function topicName(message: AgentMessage, where: { agent: string; instrument: string }): string {
  switch (message.kind) {
    case 'guider.result':
    case 'image.available':
    case 'image.failed':
    case 'image.quicklook':
    case 'health.sensor':
      return `${message.kind}/${where.instrument}/${message.sensor}/`;
    case 'state':
      return `state/${where.instrument}/${where.agent}/${message.event}/`;
    case 'heartbeat':
    case 'health.host':
    case 'metrics':
    case 'log':
    case 'alarm':
      return `${message.kind}/${where.instrument}/${where.agent}/`;
    default:
      return `${message.kind}/${where.instrument}/all/`;
  }
}
