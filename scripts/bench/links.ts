// SPDX-License-Identifier: Apache-2.0
// Two links in one agent: what two cores carry without loss, simulated DAQ and subscriber on the same two, and what is busy then.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { Child } from '../processes/child.js';
import { ControlClient } from '../processes/control-client.js';
import { freeTcpPort, freeUdpPort } from '../processes/ports.js';
import { threadsOf } from '../processes/proc.js';
import { simGuiderProfile } from '../processes/profile.js';
import { compilePlainC, startSubscriber } from './pipelines.js';
import { round, table } from './report.js';

type Section = Record<string, unknown>;
type Counts = Record<string, number | bigint>;

interface Layout {
  readonly name: string;
  /** sensors of each link; null: all */
  readonly sensors: readonly (readonly string[] | null)[];
}

const west = ['R00_SG0', 'R00_SG1', 'R40_SG0', 'R40_SG1'];
const east = ['R04_SG0', 'R04_SG1', 'R44_SG0', 'R44_SG1'];
const layouts: readonly Layout[] = [
  { name: 'one link, 8 sensors', sensors: [null] },
  { name: 'two links, 8 sensors on both', sensors: [null, null] },
  { name: 'two links, 4 sensors on each', sensors: [west, east] },
];
const rates = [200, 300, 400];
const readyMs = 20_000;

export interface LinksRun {
  readonly layout: string;
  readonly rateHz: number;
  /** stamps that the DAQ sent to all links, a second */
  readonly stampsPerS: number;
  /** results that left, a second */
  readonly publishedPerS: number;
  readonly sent: number;
  /** that did not arrive whole over their link, or gave way in its ring */
  readonly lost: number;
  readonly unpublished: number;
  readonly conserved: boolean;
  /** last packet -> subscriber, us */
  readonly p50Us: number;
  readonly p99Us: number;
  /** percent of a core, by thread; of the agent, the simulated DAQ and the subscriber */
  readonly busy: Readonly<Record<string, number>>;
}

/** CPU seconds of each thread of a process, by thread name. */
function cpuOf(pid: number | undefined): Record<string, number> {
  const out: Record<string, number> = {};
  if (pid === undefined) return out;
  for (const { id, name, seconds } of threadsOf(pid)) {
    const who = id === pid ? 'JavaScript' : name;
    out[who] = (out[who] ?? 0) + seconds;
  }
  return out;
}

const sumOf = (counts: Record<string, number>) => Object.values(counts).reduce((sum, one) => sum + one, 0);

async function measureRun(
  layout: Layout,
  rateHz: number,
  seconds: number,
  folder: string,
): Promise<LinksRun> {
  const simulator = new Child({
    name: 'sim-daq',
    script: 'dist/sim-hw/main.js',
    args: [
      ...['--control', '127.0.0.1:0', '--start-when-subscribed', '--start-delay-ms', '1500', '--linger'],
      ...['--rows', '50', '--cols', '50', '--integration-ms', '5', '--rate', String(rateHz)],
      ...['--seconds', String(seconds), '--no-irregular-start', '--seed', '7'],
      // Painted ahead: the DAQ's share of the cores is that of sending.
      ...['--frames', '16'],
    ],
  });
  const ready = await simulator.event('ready', ({ event }) => event === 'ready', readyMs);
  const data = `tcp://127.0.0.1:${await freeTcpPort()}`;
  const daqControl = ready.control as string;
  const profile = simGuiderProfile({ udpPort: 0, daqControl, data, control: 'tcp://127.0.0.1:0' });
  const links = await Promise.all(
    layout.sensors.map(async (sensors, i) => ({
      name: `link-${i + 1}`,
      wire: { port: await freeUdpPort() },
      ...(sensors && { sensors }),
    })),
  );
  const path = join(folder, 'profile.yaml');
  writeFileSync(path, stringify({ ...profile, daq: { ...(profile.daq as Section), links } }));
  const agent = new Child({
    name: 'agent',
    command: process.execPath,
    args: ['--min-semi-space-size=16', 'dist/agent/main.js', 'run', '--profile', path],
  });
  let subscriber: Child | null = null;
  let control: ControlClient | null = null;
  try {
    const up = await agent.event('ready', ({ event }) => event === 'ready', readyMs);
    subscriber = await startSubscriber(folder, data, 1, ['guider.result/']);
    control = new ControlClient(up.control as string);
    // From one second after the first stamp to one second before the last.
    await wait((1.5 + 1) * 1000);
    const before = [cpuOf(agent.pid), cpuOf(simulator.pid), cpuOf(subscriber.pid)] as const;
    const began = performance.now();
    await wait((seconds - 2) * 1000);
    const after = [cpuOf(agent.pid), cpuOf(simulator.pid), cpuOf(subscriber.pid)] as const;
    const elapsed = (performance.now() - began) / 1000;
    const end = await simulator.event('end', ({ event }) => event === 'end', (seconds + 30) * 1000);
    await wait(1000);
    const stats = (await control.request('stats', {}, 20_000)) as {
      sensors: Record<string, Counts>;
      conserved: boolean;
      links?: Record<string, { stamps: Counts }>;
    };
    await subscriber.stop(3000);
    const heard = subscriber.events.find(({ topic }) => topic === 'guider.result/') as
      | { received: number; totalUs: { p50: number; p99: number } }
      | undefined;
    const sensors = Object.values(end.sensors as Record<string, { sent: number }>);
    const own = sensors.reduce((sum, one) => sum + one.sent, 0);
    const sent = layout.sensors.reduce((sum, share) => sum + (share ? share.length / 8 : 1) * own, 0);
    const arrived = Object.values(stats.links ?? stats.sensors).reduce((sum, one) => {
      const counts = (stats.links ? (one as { stamps: Counts }).stamps : one) as Counts;
      return sum + Number(counts.complete) - Number(counts.superseded);
    }, 0);
    const published = Object.values(stats.sensors).reduce((sum, one) => sum + Number(one.published), 0);
    const busy: Record<string, number> = {};
    for (const [name, was] of Object.entries(after[0])) busy[name] = was - (before[0][name] ?? 0);
    busy['sim-daq'] = sumOf(after[1]) - sumOf(before[1]);
    busy.subscriber = sumOf(after[2]) - sumOf(before[2]);
    return {
      layout: layout.name,
      rateHz,
      stampsPerS: sent / (end.seconds as number),
      publishedPerS: published / (end.seconds as number),
      sent,
      lost: sent - arrived,
      unpublished: own - published,
      conserved: stats.conserved,
      p50Us: heard?.totalUs.p50 ?? Number.NaN,
      p99Us: heard?.totalUs.p99 ?? Number.NaN,
      busy: Object.fromEntries(
        Object.entries(busy)
          .map(([name, s]) => [name, (s / elapsed) * 100] as const)
          .filter(([, percent]) => percent >= 1)
          .sort(([, a], [, b]) => b - a),
      ),
    };
  } finally {
    control?.close();
    await agent.stop(5000);
    await subscriber?.stop(2000);
    await simulator.stop(2000);
  }
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** What stands in the way of more: the machine, or one thread of it. */
function limitOf({ busy }: LinksRun): string {
  const [[name, most] = ['nothing', 0]] = Object.entries(busy);
  const all = sumOf(busy);
  const cores = Number(execFileSync('nproc', { encoding: 'utf8' }));
  if (most > 90) return `${name}: ${round(most, 0)} % of its core`;
  return all > 90 * cores
    ? `the cores: ${round(all, 0)} of ${cores * 100} %`
    : `none yet (${round(all, 0)} of ${cores * 100} %)`;
}

export async function measureLinks(seconds: number): Promise<readonly LinksRun[]> {
  const folder = mkdtempSync(join(tmpdir(), 'summit-bench-'));
  const runs: LinksRun[] = [];
  try {
    compilePlainC(folder);
    for (const layout of layouts) {
      for (const rate of rates) {
        process.stderr.write(`links: ${layout.name}, ${rate} Hz\n`);
        runs.push(await measureRun(layout, rate, seconds, folder));
      }
    }
    const rows = runs.map((run) => [
      `${run.layout}, ${run.rateHz} Hz`,
      ...[run.stampsPerS, run.publishedPerS].map((one) => String(round(one, 0))),
      `${run.lost} of ${run.sent}`,
      String(run.unpublished),
      run.conserved ? 'hold' : 'BROKEN',
      ...[run.p50Us, run.p99Us].map((us) => String(round(us, 0))),
      limitOf(run),
    ]);
    const head = [
      '50x50 int32',
      'received/s',
      'published/s',
      'lost',
      'unpublished',
      'laws',
      'p50 us',
      'p99 us',
      'limit',
    ];
    console.log(`\n${table(head, rows)}\n\npercent of a core, by thread`);
    for (const run of runs) {
      const shares = Object.entries(run.busy).map(([name, percent]) => `${name} ${round(percent, 0)}`);
      console.log(`  ${`${run.layout}, ${run.rateHz} Hz:`.padEnd(40)} ${shares.join(', ')}`);
    }
    return runs;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
