// SPDX-License-Identifier: Apache-2.0
// Plays a scenario of the simulated DAQ before an agent, and gives what a subscriber saw of it from first to last.
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Test } from 'tap';
import { stringify } from 'yaml';
import type { JsonLine } from '../../scripts/processes/child.js';
import type { ControlClient } from '../../scripts/processes/control-client.js';
import { freeUdpPort } from '../../scripts/processes/ports.js';
import {
  type Agent,
  assertConserved,
  type Counters,
  type Envelope,
  type Listener,
  Rig,
  type Simulator,
  sensorCounters,
  type TruthLine,
} from './rig.js';

export type Body = Readonly<Record<string, unknown>>;
export type Scenario = Readonly<Record<string, unknown>>;

export interface PlayOptions {
  /** stamps flow already when the agent gets the first one */
  readonly late?: boolean;
  /** the agent finds the DAQ by its control channel, and again when that restarts */
  readonly subscribes?: boolean;
  /** keys of the profile's `guider` section */
  readonly guider?: JsonLine;
  /** the profile's `butler` section */
  readonly butler?: JsonLine;
  /** while it plays */
  readonly meanwhile?: (stage: Stage) => Promise<void>;
}

export interface Stage {
  readonly agent: Agent;
  readonly simulator: Simulator;
  readonly listener: Listener;
  readonly control: ControlClient;
}

/** What is over. */
export class Played {
  constructor(
    readonly messages: readonly Envelope[],
    readonly truth: readonly TruthLine[],
    /** stamps the DAQ says it sent */
    readonly sent: Readonly<Record<string, number>>,
    readonly counters: Readonly<Record<string, Counters>>,
    /** the command `stats` */
    readonly stats: Body,
  ) {}

  bodies(kind: string): Body[] {
    return this.messages.filter((message) => message.kind === kind).map(({ body }) => body);
  }

  /** Results of a sensor (of all) in the order in which they came. */
  results(sensor: string | null = null): Body[] {
    return this.bodies('guider.result').filter((body) => sensor === null || body.sensor === sensor);
  }

  /** `guider.event` by name. */
  events(name: string): Body[] {
    return this.bodies('guider.event').filter((body) => body.name === name);
  }

  /** Names of what was told, without the change of reference that every exposure has. */
  get eventNames(): string[] {
    const names = this.bodies('guider.event').map((body) => String(body.name));
    return [...new Set(names)].filter((name) => name !== 'reference_changed').sort();
  }

  /** Stamps of the series with this u16 number, by `sensor/stamp` of the wire. */
  truthOf(sensor: unknown, sequence: unknown, daqStamp: unknown): TruthLine | undefined {
    this.#bySensor ??= new Map(
      this.truth.map((line) => [keyOf(line.sensor, line.sequence, line.stamp), line]),
    );
    return this.#bySensor.get(keyOf(sensor, sequence, daqStamp));
  }
  #bySensor: ReadonlyMap<string, TruthLine> | null = null;
}

function keyOf(sensor: unknown, sequence: unknown, stamp: unknown): string {
  return `${String(sensor)}/${String(sequence)}/${String(stamp)}`;
}

/** Acquisitions wait for the last sensor, however busy this machine is. */
const patient = { deadlineMs: 10_000 };

/** A stamp of 50 x 50 is one packet: a DAQ that this machine holds up between two would leave it incomplete. */
const onePacket = { pixel: 'uint16' };

export async function play(t: Test, scenario: Scenario, options: PlayOptions = {}): Promise<Played> {
  const rig = new Rig(t);
  const path = join(rig.directory, 'scenario.yaml');
  writeFileSync(path, stringify({ 'start-delay-ms': 0, ...onePacket, ...scenario }));
  const udpPort = await freeUdpPort();
  const edit = (profile: JsonLine): JsonLine => ({
    ...profile,
    guider: { ...(profile.guider as JsonLine), ...patient, ...options.guider },
    ...(options.butler && { butler: options.butler }),
  });
  const args = ['--scenario', path];
  const stage = await set(rig, options, args, udpPort, edit);
  const { simulator, listener, control, agent } = stage;
  await options.meanwhile?.(stage);
  const sent = await simulator.end();
  const truth = rig.truth();
  const last = truth.at(-1)?.sequence;
  const lastSeries = (message: Envelope): boolean =>
    message.kind === 'series.end' && message.body.seqno === last && isAfterTruth(message, truth);
  await listener.first(`series.end of ${last}`, lastSeries);
  const counters = await sensorCounters(control);
  const stats = (await control.request('stats')) as Body;
  // An agent that stops says all it has to say.
  await agent.process.stop(5000);
  return new Played([...listener.messages], truth, sent, counters, stats);
}

/** After a restart a number comes twice: the end is that of the exposure the truth ends with. */
function isAfterTruth(message: Envelope, truth: readonly TruthLine[]): boolean {
  const obsid = truth.at(-1)?.obsid;
  return message.body.obsid === obsid || message.body.obsid === 'UNKNOWN';
}

async function set(
  rig: Rig,
  options: PlayOptions,
  args: readonly string[],
  udpPort: number,
  edit: (profile: JsonLine) => JsonLine,
): Promise<Stage> {
  const meet = async (simulator: Simulator, daqControl: string | null): Promise<Stage> => {
    const agent = await rig.agent({ udpPort, daqControl }, edit);
    const listener = rig.listener(agent.data);
    return { agent, simulator, listener, control: rig.control(agent.control) };
  };
  if (options.subscribes) {
    // The simulator begins when the agent subscribes: the listener has that long.
    const simulator = await rig.simulator([...args, '--start-delay-ms', '2500']);
    return meet(simulator, simulator.control);
  }
  const simulator = await rig.simulator(args, options.late ? 'at once' : 'when subscribed');
  const stage = await meet(simulator, null);
  // The listener hears everything from now on; only then does the agent.
  await stage.listener.first('heartbeat', (message) => message.kind === 'heartbeat');
  subscribe(rig, simulator, udpPort);
  return stage;
}

/** For the agent, in its place: that is also what the simulator waits for. */
function subscribe(rig: Rig, simulator: Simulator, port: number): void {
  const [host = '', at] = simulator.control.split(':');
  const socket = connect({ host, port: Number(at) });
  rig.onTeardown(() => socket.destroy());
  socket.on('error', () => undefined);
  socket.write(`${JSON.stringify({ id: 1, command: 'subscribe', port })}\n`);
}

/** Every law exact, and every stamp that is accounted for was told to the subscriber. */
export function assertAccounted(t: Test, played: Played): void {
  assertConserved(t, played.sent, played.counters);
  t.equal(played.stats.conserved, true, 'the agent says so too');
  for (const [name, c] of Object.entries(played.counters)) {
    const told = (c.complete ?? 0) + (c.incomplete ?? 0) + (c.dropped ?? 0) - (c.superseded ?? 0);
    t.equal(played.results(name).length, told, `${name}: one message for each stamp`);
  }
}

/** Results that may be used lie where the star was, within `px`; returns how many those are. */
export function assertOnStar(t: Test, played: Played, px: number): number {
  let checked = 0;
  for (const body of played.results()) {
    if (body.flagged === true) continue;
    const line = played.truthOf(body.sensor, body.seqno, body.daq_stamp);
    const error =
      line === undefined
        ? Number.NaN
        : Math.hypot((body.xroi as number) - line.x, (body.yroi as number) - line.y);
    if (!(error < px))
      t.fail(`${String(body.sensor)} stamp ${String(body.stamp)}: ${error} px off, not flagged`);
    checked++;
  }
  return checked;
}

/** `value: first..last` of runs of consecutive stamps of one sensor. */
export function runsOf(results: readonly Body[], key: string): string[] {
  const runs: { value: string; from: number; to: number }[] = [];
  for (const body of results) {
    const value = String(body[key]);
    const stamp = Number(body.stamp);
    const last = runs.at(-1);
    if (last !== undefined && last.value === value && last.to + 1 === stamp) last.to = stamp;
    else runs.push({ value, from: stamp, to: stamp });
  }
  return runs.map(({ value, from, to }) => `${value}: ${from}..${to}`);
}

export function stampsWith(results: readonly Body[], flag: string): number[] {
  return results.filter(({ flags }) => (flags as string[]).includes(flag)).map(({ stamp }) => Number(stamp));
}
