// SPDX-License-Identifier: Apache-2.0
// What the gds plug-in adds to the `wire` driver, paired: one agent with a link of each, half of the sensors over the one and half over
// the other, then the other way round. The same DAQ, process and moment for both; a sensor is compared with itself.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { Child } from '../processes/child.js';
import { freeTcpPort, freeUdpPort } from '../processes/ports.js';
import { simGuiderProfile } from '../processes/profile.js';
import { Subscription } from '../processes/subscription.js';
import { median, round, table } from './report.js';

type Via = 'wire' | 'gds';
/** latencies from the trigger, us, by driver and sensor */
type Samples = Record<Via, Map<string, number[]>>;

// In the order in which they leave, one after the other, so that both drivers see the same neighbours.
const even = ['R00_SG0', 'R04_SG0', 'R40_SG0', 'R44_SG0'];
const odd = ['R00_SG1', 'R04_SG1', 'R40_SG1', 'R44_SG1'];
const warmUp = 20;
const readyMs = 20_000;

interface PairedCase {
  readonly name: string;
  readonly size: number;
  readonly rate: number;
  /** stamps of one trigger are spread over so long: none waits for another */
  readonly skewMs: number;
}

async function run(
  { size, rate, skewMs }: PairedCase,
  seconds: number,
  wireSensors: readonly string[],
  library: string,
  folder: string,
  into: Samples,
): Promise<void> {
  const simulator = new Child({
    name: 'sim-daq',
    script: 'dist/sim-hw/main.js',
    args: [
      ...['--control', '127.0.0.1:0', '--start-when-subscribed', '--start-delay-ms', '1500', '--seed', '7'],
      ...['--seconds', seconds, '--rows', size, '--cols', size, '--integration-ms', 5, '--rate', rate],
      ...['--skew-ms', skewMs, '--no-irregular-start', '--jitter-ms', 0, '--frames', 16],
    ].map(String),
  });
  const ready = await simulator.event('ready', ({ event }) => event === 'ready', readyMs);
  const daqControl = ready.control as string;
  const data = `tcp://127.0.0.1:${await freeTcpPort()}`;
  const profile = simGuiderProfile({ udpPort: 0, daqControl, data, control: 'tcp://127.0.0.1:0' });
  const gdsSensors = wireSensors === even ? odd : even;
  const wire = { address: '127.0.0.1', port: await freeUdpPort(), control: daqControl };
  const links = [
    { name: 'wire', driver: 'wire', wire, sensors: wireSensors },
    { name: 'gds', driver: 'plugin', partition: 'guider', plugin: { library }, sensors: gdsSensors },
  ];
  const path = join(folder, 'profile.yaml');
  writeFileSync(path, stringify({ ...profile, daq: { links } }));
  const agent = new Child({
    name: 'agent',
    command: process.execPath,
    args: ['--min-semi-space-size=16', 'dist/agent/main.js', 'run', '--profile', path],
    environment: { MOCK_GDS_DAQ: daqControl },
  });
  const heard = new Map<string, number>();
  let subscription: Subscription | null = null;
  try {
    await agent.event('ready', ({ event }) => event === 'ready', readyMs);
    subscription = new Subscription(data, ['guider.result/'], (_, body) => {
      const sensor = String(body.sensor);
      const count = (heard.get(sensor) ?? 0) + 1;
      heard.set(sensor, count);
      if (count <= warmUp) return;
      const samples = into[wireSensors.includes(sensor) ? 'wire' : 'gds'];
      samples.set(sensor, [...(samples.get(sensor) ?? []), Number(body.latency_ms) * 1000]);
    });
    await simulator.event('end', ({ event }) => event === 'end', (seconds + 30) * 1000);
  } finally {
    await agent.stop(5000);
    await subscription?.close();
    await simulator.stop(2000);
  }
}

export async function measurePaired(library: string, seconds: number, rounds: number): Promise<unknown> {
  const folder = mkdtempSync(join(tmpdir(), 'summit-bench-'));
  const cases: readonly PairedCase[] = [
    { name: '8 x 50x50', size: 50, rate: 40, skewMs: 20 },
    { name: '8 x 400x400', size: 400, rate: 9, skewMs: 50 },
  ];
  const reports: unknown[] = [];
  const rows: string[][] = [];
  try {
    for (const one of cases) {
      const samples: Samples = { wire: new Map(), gds: new Map() };
      for (let n = 0; n < rounds; n++) {
        for (const first of n % 2 === 0 ? [even, odd] : [odd, even]) {
          process.stderr.write(`paired ${one.name}: round ${n + 1}/${rounds}\n`);
          await run(one, seconds, first, library, folder, samples);
        }
      }
      const of = (via: Via, sensor: string) => samples[via].get(sensor) ?? [];
      const sensors = [...even, ...odd];
      const added = sensors.map((sensor) => median(of('gds', sensor)) - median(of('wire', sensor)));
      const stamps = sensors.reduce((sum, sensor) => sum + of('gds', sensor).length, 0);
      // Of the mean of eight: half of what they differ by chance.
      const mean = added.reduce((sum, us) => sum + us, 0) / added.length;
      const error = Math.sqrt(
        added.reduce((sum, us) => sum + (us - mean) ** 2, 0) / (added.length - 1) / added.length,
      );
      rows.push([
        one.name,
        `${round(mean)} +- ${round(error)}`,
        String(round(median(added))),
        added.map((us) => round(us, 0)).join(' '),
        String(stamps),
      ]);
      reports.push({ name: one.name, mean, error, added, stamps });
    }
    const head = ['gds less wire, p50, us', 'mean +- error', 'median', 'by sensor', 'stamps of each'];
    console.log(`\n${table(head, rows)}`);
    return reports;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
