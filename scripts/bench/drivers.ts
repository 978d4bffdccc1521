// SPDX-License-Identifier: Apache-2.0
// What a driver and its settings cost: the trigger of a stamp at the simulated DAQ until its result is published, for the same
// stamps, by turns: `wire`, `wire` with busy polling, `wire` with real-time scheduling, and the `gds` plug-in over its stand-in; then
// the plug-in and `wire` side by side in one agent.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { quantiles } from '../demonstration/quantiles.js';
import { Child } from '../processes/child.js';
import { ControlClient } from '../processes/control-client.js';
import { freeTcpPort, freeUdpPort } from '../processes/ports.js';
import { simGuiderProfile } from '../processes/profile.js';
import { Subscription } from '../processes/subscription.js';
import { measurePaired } from './paired.js';
import { median, round, table } from './report.js';

type Section = Record<string, unknown>;

interface Variant {
  readonly name: string;
  /** keys of `daq` */
  readonly daq: (daq: Section) => Section;
}

interface DriverRun {
  readonly variant: string;
  readonly sent: number;
  readonly received: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly outcomes: unknown;
}

const library = resolve('build/plugins/gds-bench.so');
const variants: readonly Variant[] = [
  { name: 'wire', daq: (daq) => daq },
  {
    name: 'wire, busyPollUs 50',
    daq: (daq) => ({ ...daq, wire: { ...(daq.wire as Section), busyPollUs: 50 } }),
  },
  { name: 'wire, schedFifo 50', daq: (daq) => ({ ...daq, schedFifo: 50 }) },
  {
    name: 'gds over the stand-in',
    daq: () => ({ driver: 'plugin', partition: 'guider', plugin: { library } }),
  },
];
const skipped = 8 * 10;

async function measureRun(
  variant: Variant,
  size: number,
  rate: string,
  seconds: number,
  folder: string,
): Promise<DriverRun> {
  const roi = ['--rows', String(size), '--cols', String(size), '--rate', rate, '--no-irregular-start'];
  const simulator = new Child({
    name: 'sim-daq',
    script: 'dist/sim-hw/main.js',
    args: [
      '--control',
      '127.0.0.1:0',
      '--start-when-subscribed',
      '--start-delay-ms',
      '1500',
      '--seconds',
      String(seconds),
      '--seed',
      '7',
      ...roi,
    ],
  });
  const ready = await simulator.event('ready', ({ event }) => event === 'ready', 20_000);
  const data = `tcp://127.0.0.1:${await freeTcpPort()}`;
  const ports = { udpPort: await freeUdpPort(), daqControl: ready.control as string, data };
  const profile = simGuiderProfile({ ...ports, control: 'tcp://127.0.0.1:0' });
  const path = join(folder, 'profile.yaml');
  writeFileSync(path, stringify({ ...profile, daq: variant.daq(profile.daq as Section) }));
  const agent = new Child({
    name: 'agent',
    command: process.execPath,
    args: ['--min-semi-space-size=16', 'dist/agent/main.js', 'run', '--profile', path],
    environment: { MOCK_GDS_DAQ: ready.control as string, MOCK_GDS_DECODE: 'coming' },
  });
  const latencies: number[] = [];
  let subscription: Subscription | null = null;
  try {
    const up = await agent.event('ready', ({ event }) => event === 'ready', 20_000);
    subscription = new Subscription(data, ['guider.result/'], (_, body) =>
      latencies.push(Number(body.latency_ms) * 1000),
    );
    const end = await simulator.event('end', ({ event }) => event === 'end', (seconds + 30) * 1000);
    const sensors = Object.values(end.sensors as Record<string, { sent: number }>);
    const control = new ControlClient(String(up.control));
    const { outcomes } = (await control.request('stats')) as { outcomes: Record<string, string> };
    control.close();
    await agent.stop(5000);
    await subscription.close();
    const { p50, p99 } = quantiles(latencies.slice(Math.min(skipped, latencies.length >> 2)));
    return {
      variant: variant.name,
      sent: sensors.reduce((sum, { sent }) => sum + sent, 0),
      received: latencies.length,
      p50Us: p50,
      p99Us: p99,
      outcomes: outcomes.sched_fifo ?? null,
    };
  } finally {
    await agent.stop(5000);
    await simulator.stop(2000);
  }
}

export async function measureDrivers(seconds: number, rounds: number): Promise<readonly unknown[]> {
  execFileSync('scripts/build-plugin', ['gds', '--mock', '--output', library], { stdio: 'inherit' });
  const folder = mkdtempSync(join(tmpdir(), 'summit-bench-'));
  const cases = [
    { name: '8 x 50x50, 9 Hz', size: 50, rate: '9' },
    { name: '8 x 400x400, 1.67 Hz', size: 400, rate: '1.67' },
  ];
  const reports: unknown[] = [];
  try {
    for (const { name, size, rate } of cases) {
      const runs: DriverRun[] = [];
      for (let n = 0; n < rounds; n++) {
        for (const variant of n % 2 === 0 ? variants : [...variants].reverse()) {
          process.stderr.write(`drivers ${name}: round ${n + 1}/${rounds}, ${variant.name}\n`);
          runs.push(await measureRun(variant, size, rate, seconds, folder));
        }
      }
      const of = (wanted: string, pick: (run: DriverRun) => number) =>
        median(runs.filter(({ variant }) => variant === wanted).map(pick));
      // Round by round: the machine's moods come and go more slowly.
      const overWire = (wanted: string) => {
        const p50s = (name: string) => runs.filter(({ variant }) => variant === name).map((run) => run.p50Us);
        const wire = p50s('wire');
        return p50s(wanted)
          .map((us, i) => us - (wire[i] ?? Number.NaN))
          .sort((a, b) => a - b);
      };
      const rows = variants.map((variant) => {
        const own = runs.filter((run) => run.variant === variant.name);
        const more = overWire(variant.name);
        const at = (share: number) =>
          String(round(more[Math.round(share * (more.length - 1))] ?? Number.NaN));
        const lost = own.reduce((sum, run) => sum + run.sent - run.received, 0);
        return [
          variant.name,
          ...[of(variant.name, (run) => run.p50Us), of(variant.name, (run) => run.p99Us)].map((us) =>
            String(round(us)),
          ),
          variant.name === 'wire' ? '' : `${round(median(more))} (${at(0.25)} .. ${at(0.75)})`,
          `${own.reduce((sum, run) => sum + run.sent, 0)} (${lost})`,
          String(own[0]?.outcomes ?? ''),
        ];
      });
      const title = `${name}: trigger -> published, us, median of ${rounds}`;
      console.log(
        `\n${table([title, 'p50', 'p99', 'p50 over wire (quartiles)', 'sent (lost)', 'real time'], rows)}`,
      );
      reports.push({ name, runs });
    }
    reports.push({ name: 'paired', runs: await measurePaired(library, seconds, rounds) });
    return reports;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
