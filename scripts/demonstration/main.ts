// SPDX-License-Identifier: Apache-2.0
// scripts/demo: starts the simulated DAQ and an agent, listens like any subscriber, keeps score against truth.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Unpackr } from 'msgpackr';
import { stringify } from 'yaml';
import { Subscriber } from 'zeromq';
import type { Child, JsonLine } from '../processes/child.js';
import { ControlClient } from '../processes/control-client.js';
import { freeTcpPort, freeUdpPort } from '../processes/ports.js';
import { simGuiderProfile } from '../processes/profile.js';
import { accountingTable, Board, brokenLaw, type Counters, counterNames } from './board.js';
import { demonstrateImages } from './images.js';
import { type DemoOptions, demoHelp, parseDemoOptions } from './options.js';
import { Troupe } from './troupe.js';
import { TruthScore } from './truth.js';

const readyDeadlineMs = 20_000;
/** An acquisition that stays open closes within half a period. */
const afterEndMs = 1000;
const isEnd = (event: JsonLine): boolean => event.event === 'end';
const isReady = (event: JsonLine): boolean => event.event === 'ready';

interface Stage {
  readonly simulator: Child;
  readonly agent: Child;
  readonly data: string;
  readonly control: string;
}

async function setStage(options: DemoOptions, directory: string, troupe: Troupe): Promise<Stage> {
  const truthFile = join(directory, 'truth.jsonl');
  writeFileSync(truthFile, '');
  const simulator = troupe.launch('sim-daq', 'dist/sim-hw/main.js', [
    '--control',
    '127.0.0.1:0',
    '--start-when-subscribed',
    '--truth',
    truthFile,
    ...options.simArgs,
  ]);
  const daq = await simulator.event('ready', isReady, readyDeadlineMs);
  const profile = simGuiderProfile({
    udpPort: await freeUdpPort(),
    daqControl: daq.control as string,
    data: `tcp://127.0.0.1:${await freeTcpPort(5570)}`,
    control: `tcp://127.0.0.1:${await freeTcpPort(5571)}`,
  });
  const path = join(directory, 'profile.yaml');
  writeFileSync(path, stringify(profile));
  const agent = troupe.launch('summit-agent', 'dist/agent/main.js', ['run', '--profile', path]);
  const ready = await agent.event('ready', isReady, readyDeadlineMs);
  return { simulator, agent, data: ready.data as string, control: ready.control as string };
}

/** Hands every message to the board until the socket is closed. */
async function listen(socket: Subscriber, board: Board): Promise<void> {
  const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true });
  for await (const [topic, frame] of socket) {
    const now = process.hrtime.bigint();
    if (topic === undefined || frame === undefined) continue;
    const { body } = unpackr.unpack(frame) as { body: Readonly<Record<string, unknown>> };
    board.message(topic.toString('latin1').split('/', 1)[0] ?? '', body, now);
  }
}

/** Resolves at the end of the time or with `interrupted`; rejects when a process ended by itself. */
async function untilOver(options: DemoOptions, stage: Stage, interrupted: Promise<null>): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const over = (): void => resolve();
    if (options.seconds !== null) setTimeout(over, options.seconds * 1000).unref();
    interrupted.then(over, reject);
    if (options.scenario) scenarioOver(stage).then(over, reject);
    stage.simulator.exited.then(
      (code) => reject(new Error(`the simulated DAQ ended with code ${code}`)),
      reject,
    );
    stage.agent.exited.then((code) => reject(new Error(`the agent ended with code ${code}`)), reject);
  });
}

/** The scenario is played and its last series has ended at the agent, as far as the agent saw it. */
async function scenarioOver(stage: Stage): Promise<void> {
  await stage.simulator.event('end', isEnd, 86_400_000);
  await delay(afterEndMs);
}

/** Stops the DAQ, asks the agent what became of every stamp, stops the agent. */
async function account(stage: Stage): Promise<Map<string, Counters>> {
  stage.simulator.kill('SIGTERM');
  const end = await stage.simulator.event('end', isEnd, 2000);
  const sent = end.sensors as Readonly<Record<string, { sent: number }>>;
  const client = new ControlClient(stage.control);
  try {
    const stats = (await client.request('stats', {}, 1000)) as {
      sensors: Record<string, Record<string, number | bigint>>;
    };
    const counters = new Map<string, Counters>();
    for (const [name, mine] of Object.entries(stats.sensors).sort()) {
      const read = (key: string): number => (key === 'sent' ? (sent[name]?.sent ?? 0) : Number(mine[key]));
      counters.set(name, Object.fromEntries(counterNames.map((key) => [key, read(key)])) as Counters);
    }
    return counters;
  } finally {
    client.close();
  }
}

function showLive(stage: Stage, board: Board, truth: TruthScore, options: DemoOptions): NodeJS.Timeout {
  const live = process.stderr.isTTY;
  const addresses = `subscribe: ${stage.data}   commands: ${stage.control}   (scripts/clients/subscribe.py ${stage.data})`;
  process.stderr.write(`${addresses}\n`);
  if (live) process.stderr.write('\x1b[2J');
  const started = Date.now();
  return setInterval(
    () => {
      truth.update();
      const seconds = Math.round((Date.now() - started) / 1000);
      const of = options.seconds === null ? 'Ctrl-C ends it' : `of ${options.seconds} s`;
      const text = `summit-agent demo, ${seconds} s ${of}\n${addresses}\n\n${board.render()}\n`;
      process.stderr.write(live ? `\x1b[H${text.replaceAll('\n', '\x1b[K\n')}\x1b[J` : `${text}\n`);
    },
    live ? 250 : 5000,
  );
}

async function demonstrate(options: DemoOptions): Promise<number> {
  const interrupted = new Promise<null>((resolve) => {
    process.once('SIGINT', () => resolve(null));
    process.once('SIGTERM', () => resolve(null));
  });
  const directory = mkdtempSync(join(tmpdir(), 'summit-demo-'));
  const troupe = new Troupe();
  try {
    const starting = setStage(options, directory, troupe);
    const stage = await Promise.race([starting, interrupted]);
    if (stage === null) {
      starting.catch(() => undefined);
      process.stderr.write('interrupted before the first stamp\n');
      return 130;
    }
    return await perform(options, stage, directory, interrupted);
  } finally {
    troupe.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function perform(
  options: DemoOptions,
  stage: Stage,
  directory: string,
  interrupted: Promise<null>,
): Promise<number> {
  const truth = new TruthScore(join(directory, 'truth.jsonl'));
  const board = new Board(truth);
  const socket = new Subscriber({ linger: 0, receiveHighWaterMark: 0 });
  socket.connect(stage.data);
  socket.subscribe('guider.');
  const listening = listen(socket, board);
  const started = Date.now();
  const timer = showLive(stage, board, truth, options);
  try {
    await untilOver(options, stage, interrupted);
    const seconds = (Date.now() - started) / 1000;
    const sensors = await account(stage);
    await stage.agent.stop(1000);
    return report(options, seconds, sensors, board, truth);
  } finally {
    clearInterval(timer);
    socket.close();
    await listening;
    truth.close();
  }
}

function report(
  options: DemoOptions,
  seconds: number,
  sensors: Map<string, Counters>,
  board: Board,
  truth: TruthScore,
): number {
  truth.update();
  const broken = [...sensors.entries()].flatMap(([name, counters]) => {
    const law = brokenLaw(counters);
    return law === null ? [] : [`${name}: ${law}`];
  });
  const { count, rmsPxX, rmsPxY } = truth.score;
  process.stderr.write(`\n${board.render()}\n\n${accountingTable(sensors)}\n`);
  const verdict =
    broken.length === 0 ? 'every stamp is accounted for' : `NOT accounted for:\n${broken.join('\n')}`;
  process.stderr.write(`${verdict}\n`);
  if (options.json) {
    const line = {
      seconds,
      role: 'guider',
      sensors: Object.fromEntries(sensors),
      conserved: broken.length === 0,
      offsets: { count, rmsPxX, rmsPxY },
      latencyUs: { stampToSubscriber: board.stampLatency, offsetToSubscriber: board.offsetLatency },
    };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  }
  return broken.length === 0 ? 0 : 1;
}

let options: DemoOptions | null = null;
try {
  options = parseDemoOptions(process.argv.slice(2));
  if (options === null) process.stdout.write(demoHelp);
} catch (error) {
  process.stderr.write(
    `scripts/demo: ${error instanceof Error ? error.message : String(error)}\nscripts/demo --help explains\n`,
  );
  process.exitCode = 2;
}
if (options !== null) {
  try {
    const { role } = options;
    process.exitCode = await (role === 'guider' ? demonstrate(options) : demonstrateImages(options, role));
  } catch (error) {
    process.stderr.write(`scripts/demo: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
