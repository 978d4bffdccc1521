// SPDX-License-Identifier: Apache-2.0
// A day of stamps as fast as they go: does memory grow, do descriptors stay open, is every stamp accounted for?
// 24 h of eight sensors at 9 Hz are 6.2 million stamps, in exposures of 30 s.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { Subscriber } from 'zeromq';
import { Child, type JsonLine } from '../../processes/child.js';
import { ControlClient } from '../../processes/control-client.js';
import { freeUdpPort } from '../../processes/ports.js';
import { simGuiderProfile } from '../../processes/profile.js';
import { round, table } from '../report.js';
import { slopeOf } from './slope.js';

const sensors = 8;
const stampsPerExposure = 270;
const exposuresPerSeries = 10;
const stampsPerDay = 24 * 3600 * 9 * sensors;
/** part of the run in which pools, caches and compiled code grow to their size */
const warmUp = 0.25;
const looks = 120;

interface Look {
  readonly stamps: number;
  readonly rss: number;
  readonly heapUsed: number;
  readonly fds: number;
}

export interface SoakResult {
  readonly stamps: number;
  readonly seconds: number;
  readonly timesRealTime: number;
  readonly rssMb: { readonly first: number; readonly last: number };
  readonly rssMbPerDay: number;
  readonly rssMbPerDayError: number;
  readonly heapMbPerDay: number;
  readonly heapMbPerDayError: number;
  readonly fds: { readonly least: number; readonly most: number };
  readonly lost: number;
  readonly dropped: number;
  readonly superseded: number;
  readonly unexplained: number;
  readonly conserved: boolean;
}

type Accounts = Record<string, Record<string, number | bigint | null>>;

function sumOf(accounts: Accounts, key: string): number {
  return Object.values(accounts).reduce((sum, account) => sum + Number(account[key] ?? 0), 0);
}

class SoakedAgent {
  readonly child: Child;
  readonly #client: ControlClient;
  /** what was said before */
  readonly #said = new WeakSet<JsonLine>();

  private constructor(child: Child, client: ControlClient) {
    this.child = child;
    this.#client = client;
  }

  static async start(directory: string, udpPort: number): Promise<{ agent: SoakedAgent; data: string }> {
    const any = 'tcp://127.0.0.1:0';
    const profile = simGuiderProfile({ udpPort, daqControl: null, data: any, control: any });
    const path = join(directory, 'profile.yaml');
    writeFileSync(path, stringify(profile));
    const node = ['--expose-gc', '--import', './scripts/bench/soak/gc-on-signal.mjs'];
    const child = new Child({
      name: 'agent',
      command: process.execPath,
      args: [...node, 'dist/agent/main.js', 'run', '--profile', path],
    });
    const ready = await child.event('ready', (event) => event.event === 'ready', 20_000);
    const client = new ControlClient(ready.control as string);
    return { agent: new SoakedAgent(child, client), data: ready.data as string };
  }

  async accounts(): Promise<{ accounts: Accounts; conserved: boolean }> {
    const stats = (await this.#client.request('stats', {}, 30_000)) as {
      sensors: Accounts;
      conserved: boolean;
    };
    return { accounts: stats.sensors, conserved: stats.conserved };
  }

  /** Until all that was sent is counted: the counts stand still. */
  async settled(): Promise<void> {
    let before = -1;
    for (let seen = 0; seen !== before; await sleep(2000)) {
      before = seen;
      seen = sumOf((await this.accounts()).accounts, 'seen');
    }
  }

  async look(): Promise<Look> {
    const { accounts } = await this.accounts();
    this.child.kill('SIGUSR2');
    const isNew = (event: JsonLine) => event.event === 'memory' && !this.#said.has(event);
    const memory = await this.child.event('memory', isNew, 30_000);
    this.#said.add(memory);
    return {
      stamps: sumOf(accounts, 'complete'),
      rss: memory.rss as number,
      heapUsed: memory.heapUsed as number,
      fds: memory.fds as number,
    };
  }

  async stop(): Promise<void> {
    this.#client.close();
    await this.child.stop(5000);
  }
}

/** `stamps` in all, `rate` Hz of each sensor. */
export async function measureSoak(stamps: number, rate: number): Promise<SoakResult> {
  const directory = mkdtempSync(join(tmpdir(), 'summit-soak-'));
  const udpPort = await freeUdpPort();
  const { agent, data } = await SoakedAgent.start(directory, udpPort);
  const subscriber = new Subscriber({ linger: 0 });
  subscriber.connect(data);
  subscriber.subscribe('guider.offsets/');
  const reading = (async () => {
    for await (const _ of subscriber);
  })();
  try {
    const looked = await soak(agent, udpPort, stamps, rate);
    return summarize(looked);
  } finally {
    subscriber.close();
    await reading;
    await agent.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

interface Looked {
  readonly looks: readonly Look[];
  readonly sent: number;
  readonly seconds: number;
  readonly accounts: Accounts;
  readonly conserved: boolean;
}

async function soak(agent: SoakedAgent, udpPort: number, stamps: number, rate: number): Promise<Looked> {
  const perSeries = sensors * stampsPerExposure * exposuresPerSeries;
  const series = Math.max(1, Math.round(stamps / perSeries));
  const seconds = (series * exposuresPerSeries * stampsPerExposure) / rate;
  const plan = ['--series', series, '--exposures', exposuresPerSeries, '--stamps', stampsPerExposure];
  const pace = ['--rate', rate, '--gap-ms', 20, '--no-irregular-start', '--frames', 16, '--linger'];
  const simulator = new Child({
    name: 'sim-daq',
    script: 'dist/sim-hw/main.js',
    args: ['--control', '127.0.0.1:0', '--to', `127.0.0.1:${udpPort}`, ...plan, ...pace].map(String),
  });
  try {
    const all: Look[] = [];
    const began = performance.now();
    let over = false;
    const ended = simulator.event('end', (event) => event.event === 'end', seconds * 10_000 + 60_000);
    const end = ended.finally(() => {
      over = true;
    });
    end.catch(() => undefined);
    const pauseMs = Math.max(500, (seconds * 1000) / looks);
    while (!over) {
      await Promise.race([sleep(pauseMs), end]);
      const look = await agent.look();
      all.push(look);
      const done = Math.round((look.stamps / (series * perSeries)) * 100);
      process.stderr.write(
        `soak: ${done} %, ${look.stamps} stamps, RSS ${round(look.rss / 1e6)} MB, ${look.fds} descriptors\n`,
      );
    }
    const elapsed = (performance.now() - began) / 1000;
    await agent.settled();
    all.push(await agent.look());
    const sent = Object.values((await end).sensors as Record<string, { sent: number }>);
    return {
      looks: all,
      sent: sent.reduce((sum, one) => sum + one.sent, 0),
      seconds: elapsed,
      ...(await agent.accounts()),
    };
  } finally {
    await simulator.stop(2000);
  }
}

function summarize({ looks: all, sent, seconds, accounts, conserved }: Looked): SoakResult {
  const counted = all.at(-1)?.stamps ?? 0;
  const warm = all.filter(({ stamps }) => stamps >= counted * warmUp);
  const perDay = (of: (look: Look) => number) => {
    const { slope, error } = slopeOf(warm.map((look) => ({ x: look.stamps, y: of(look) })));
    return [round((slope * stampsPerDay) / 1e6, 2), round((error * stampsPerDay) / 1e6, 2)] as const;
  };
  const [rssMbPerDay, rssMbPerDayError] = perDay(({ rss }) => rss);
  const [heapMbPerDay, heapMbPerDayError] = perDay(({ heapUsed }) => heapUsed);
  const of = (key: string) => sumOf(accounts, key);
  const fds = warm.map((look) => look.fds);
  const result: SoakResult = {
    stamps: sent,
    seconds: round(seconds),
    timesRealTime: round(sent / (9 * sensors) / seconds),
    rssMb: { first: round((warm[0]?.rss ?? 0) / 1e6), last: round((warm.at(-1)?.rss ?? 0) / 1e6) },
    rssMbPerDay,
    rssMbPerDayError,
    heapMbPerDay,
    heapMbPerDayError,
    fds: { least: Math.min(...fds), most: Math.max(...fds) },
    lost: of('lost'),
    dropped: of('dropped'),
    superseded: of('superseded'),
    unexplained: sent - of('complete') - of('incomplete') - of('dropped') - of('lost'),
    conserved,
  };
  console.log(
    `\n${table(
      ['soak', ''],
      [
        ['stamps sent', `${result.stamps} (a day: ${stampsPerDay})`],
        ['time', `${result.seconds} s, ${result.timesRealTime} times real time`],
        ['RSS after collection, warm', `${result.rssMb.first} -> ${result.rssMb.last} MB`],
        ['RSS growth per day of stamps', `${rssMbPerDay} +- ${rssMbPerDayError} MB (goal 2)`],
        ['heap growth per day of stamps', `${heapMbPerDay} +- ${heapMbPerDayError} MB`],
        ['file descriptors', `${result.fds.least} to ${result.fds.most}`],
        ['lost, dropped, superseded', `${result.lost}, ${result.dropped}, ${result.superseded}`],
        ['unexplained', `${result.unexplained}; laws ${conserved ? 'hold' : 'BROKEN'}`],
      ],
    )}`,
  );
  return result;
}
