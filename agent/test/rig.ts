// SPDX-License-Identifier: Apache-2.0
// A bench top for whole-agent tests: simulated DAQ, agent and subscriber as real processes and sockets on
// ephemeral ports, in a temporary directory, all stopped when the test ends.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Unpackr } from 'msgpackr';
import type { Test } from 'tap';
import { stringify } from 'yaml';
import { Subscriber } from 'zeromq';
import { Child, type JsonLine } from '../../scripts/processes/child.js';
import { ControlClient } from '../../scripts/processes/control-client.js';
import { freeUdpPort } from '../../scripts/processes/ports.js';
import { type SimGuiderPorts, simGuiderProfile } from '../../scripts/processes/profile.js';

/** Generous: deadlines only end a test that would hang. */
export const deadlineMs = 60_000;
const isReady = (event: JsonLine): boolean => event.event === 'ready';
const isEnd = (event: JsonLine): boolean => event.event === 'end';

export interface Envelope {
  readonly kind: string;
  readonly topic: string;
  readonly seq: bigint | number;
  readonly sim: unknown;
  readonly body: Readonly<Record<string, unknown>>;
  /** CLOCK_MONOTONIC when it was in hand */
  readonly receivedNs: bigint;
}

export interface TruthLine {
  readonly sensor: string;
  readonly sequence: number;
  /** u16, as on the wire */
  readonly stamp: number;
  readonly obsid: string;
  readonly x: number;
  readonly y: number;
  readonly dx_mm: number;
  readonly dy_mm: number;
  readonly rotation_arcsec: number;
  readonly faults: readonly string[];
  readonly nuisances: readonly string[];
}

/** Listens to everything and keeps it. */
export class Listener {
  readonly messages: Envelope[] = [];
  readonly #socket = new Subscriber({ linger: 0, receiveHighWaterMark: 0 });
  readonly #done: Promise<void>;
  #wake: (() => void)[] = [];

  constructor(address: string) {
    this.#socket.connect(address);
    this.#socket.subscribe();
    this.#done = this.#run();
  }

  of(kind: string): Envelope[] {
    return this.messages.filter((message) => message.kind === kind);
  }

  /** The first message, past or to come, that is wanted. */
  async first(
    what: string,
    wanted: (message: Envelope) => boolean,
    withinMs = deadlineMs,
  ): Promise<Envelope> {
    const end = Date.now() + withinMs;
    for (;;) {
      const found = this.messages.find(wanted);
      if (found !== undefined) return found;
      const left = end - Date.now();
      if (left <= 0)
        throw new Error(`no message "${what}" within ${withinMs} ms; kinds seen: ${this.#kinds()}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  async close(): Promise<void> {
    this.#socket.close();
    await this.#done;
  }

  #kinds(): string {
    return [...new Set(this.messages.map((message) => message.kind))].join(', ') || 'none';
  }

  async #run(): Promise<void> {
    const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true });
    for await (const [topicFrame, frame] of this.#socket) {
      const receivedNs = process.hrtime.bigint();
      if (topicFrame === undefined || frame === undefined) continue;
      const topic = topicFrame.toString('latin1');
      const envelope = unpackr.unpack(frame) as Omit<Envelope, 'kind' | 'topic' | 'receivedNs'>;
      this.messages.push({ ...envelope, kind: topic.split('/', 1)[0] ?? '', topic, receivedNs });
      const wake = this.#wake;
      this.#wake = [];
      for (const resolve of wake) resolve();
    }
  }
}

/** Everything one test starts; torn down in reverse. */
export class Rig {
  readonly directory: string;
  readonly #t: Test;

  constructor(t: Test) {
    this.#t = t;
    this.directory = mkdtempSync(join(tmpdir(), 'summit-test-'));
    t.teardown(() => rmSync(this.directory, { recursive: true, force: true }));
  }

  get truthFile(): string {
    return join(this.directory, 'truth.jsonl');
  }

  truth(): TruthLine[] {
    const lines = readFileSync(this.truthFile, 'utf8').split('\n');
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as TruthLine);
  }

  /** The simulated DAQ, ready for its first subscriber; it waits for one unless it begins at once. */
  async simulator(
    args: readonly string[],
    begins: 'when subscribed' | 'at once' = 'when subscribed',
  ): Promise<Simulator> {
    writeFileSync(this.truthFile, '');
    const child = this.#child('sim-daq', 'dist/sim-hw/main.js', [
      ...(args.includes('--control') ? [] : ['--control', '127.0.0.1:0']),
      ...(begins === 'at once' ? [] : ['--start-when-subscribed']),
      '--truth',
      this.truthFile,
      ...args,
    ]);
    const ready = await child.event('ready', isReady, deadlineMs);
    return new Simulator(child, ready.control as string, String(ready.images ?? ''));
  }

  async agent(
    ports: Partial<SimGuiderPorts> = {},
    edit: (profile: JsonLine) => JsonLine = (p) => p,
  ): Promise<Agent> {
    const profile = simGuiderProfile({
      udpPort: ports.udpPort ?? (await freeUdpPort()),
      daqControl: ports.daqControl ?? null,
      data: ports.data ?? 'tcp://127.0.0.1:0',
      control: ports.control ?? 'tcp://127.0.0.1:0',
    });
    return this.run(edit(profile));
  }

  /** An agent on any profile. */
  async run(profile: JsonLine, environment: Readonly<Record<string, string>> = {}): Promise<Agent> {
    const health = { prometheus: '127.0.0.1:0', ...(profile.health as JsonLine | undefined) };
    const path = this.profile({ ...profile, health });
    const child = this.#child('summit-agent', 'dist/agent/main.js', ['run', '--profile', path], environment);
    const ready = await child.event('ready', isReady, deadlineMs);
    return new Agent(child, ready.data as string, ready.control as string, String(ready.prometheus));
  }

  profile(profile: JsonLine): string {
    const path = join(this.directory, `profile-${Math.random().toString(36).slice(2)}.yaml`);
    writeFileSync(path, stringify(profile));
    return path;
  }

  onTeardown(end: () => void): void {
    this.#t.teardown(end);
  }

  listener(address: string): Listener {
    const listener = new Listener(address);
    this.#t.teardown(() => listener.close());
    return listener;
  }

  control(address: string): ControlClient {
    const client = new ControlClient(address);
    this.#t.teardown(() => client.close());
    return client;
  }

  #child(
    name: string,
    script: string,
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ): Child {
    const child = new Child({ name, script, args, environment });
    this.#t.teardown(() => child.stop(2000));
    return child;
  }
}

export class Simulator {
  constructor(
    readonly process: Child,
    readonly control: string,
    /** of the image store; '': it gives none */
    readonly images: string,
  ) {}

  /** Waits until the scenario is over; stamps the DAQ produced, by sensor. */
  async end(withinMs = deadlineMs): Promise<Record<string, number>> {
    const end = await this.process.event('end', isEnd, withinMs);
    const sensors = end.sensors as Record<string, { sent: number }>;
    return Object.fromEntries(Object.entries(sensors).map(([name, sensor]) => [name, sensor.sent]));
  }
}

export class Agent {
  constructor(
    readonly process: Child,
    readonly data: string,
    readonly control: string,
    /** URL */
    readonly prometheus: string,
  ) {}
}

export type Counters = Record<string, number>;

/** Counters of every sensor from `stats`, as numbers. */
export async function sensorCounters(client: ControlClient): Promise<Record<string, Counters>> {
  const stats = (await client.request('stats')) as {
    sensors: Record<string, Record<string, number | bigint>>;
  };
  return Object.fromEntries(
    Object.entries(stats.sensors).map(([name, counters]) => [
      name,
      Object.fromEntries(Object.entries(counters).map(([key, value]) => [key, Number(value)])),
    ]),
  );
}

/** Asserts the conservation law of every sensor against what the DAQ says it sent. */
export function assertConserved(
  t: Test,
  sent: Record<string, number>,
  sensors: Record<string, Counters>,
): void {
  for (const [name, produced] of Object.entries(sent)) {
    const c = sensors[name];
    if (c === undefined) {
      t.fail(`${name} is not in the agent's stats`);
      continue;
    }
    const of = (...keys: string[]): number => keys.reduce((sum, key) => sum + (c[key] ?? Number.NaN), 0);
    t.equal(
      of('seen'),
      of('complete', 'incomplete', 'bad', 'duplicate', 'dropped'),
      `${name}: seen is accounted for`,
    );
    t.equal(produced, of('complete', 'incomplete', 'dropped', 'lost'), `${name}: sent is accounted for`);
    t.equal(
      of('complete'),
      of('published', 'withheld', 'superseded', 'rejected'),
      `${name}: complete is accounted for`,
    );
  }
}
