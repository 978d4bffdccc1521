// SPDX-License-Identifier: Apache-2.0
// What the gds plug-in adds to the `wire` driver, paired: one agent with a link of each, half of the sensors over the one and half
// over the other, then the other way round, and either link the first one. The same DAQ, process and trigger for both: the
// machine's moods, which are larger, are in both. The stand-in writes a stamp's bytes once, where the plug-in wants them, as
// `wire` does: what decoding costs is the library's.
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
/** latencies of one trigger's stamps, us */
type Trigger = Record<Via, number[]>;

// They leave one after the other, by location, and who leaves later is later: both halves have the same mean place in that order.
const outer = ['R00_SG0', 'R04_SG1', 'R40_SG0', 'R44_SG1'];
const inner = ['R00_SG1', 'R04_SG0', 'R40_SG1', 'R44_SG0'];
const warmUp = 20;
const readyMs = 20_000;

interface PairedCase {
  readonly name: string;
  readonly size: number;
  readonly rate: number;
  /** stamps of one trigger are spread over so long; 0: they come at once, and wait for each other */
  readonly skewMs: number;
}

async function run(
  { size, rate, skewMs }: PairedCase,
  seconds: number,
  wireSensors: readonly string[],
  first: Via,
  library: string,
  folder: string,
): Promise<Trigger[]> {
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
  const gdsSensors = wireSensors === outer ? inner : outer;
  const wire = { address: '127.0.0.1', port: await freeUdpPort(), control: daqControl };
  const links = [
    { name: 'wire', driver: 'wire', wire, sensors: wireSensors },
    { name: 'gds', driver: 'plugin', partition: 'guider', plugin: { library }, sensors: gdsSensors },
  ];
  const path = join(folder, 'profile.yaml');
  if (first === 'gds') links.reverse();
  writeFileSync(path, stringify({ ...profile, daq: { links } }));
  const agent = new Child({
    name: 'agent',
    command: process.execPath,
    args: ['--min-semi-space-size=16', 'dist/agent/main.js', 'run', '--profile', path],
    environment: { MOCK_GDS_DAQ: daqControl, MOCK_GDS_DECODE: 'coming' },
  });
  const triggers = new Map<string, Trigger>();
  let subscription: Subscription | null = null;
  try {
    await agent.event('ready', ({ event }) => event === 'ready', readyMs);
    subscription = new Subscription(data, ['guider.result/'], (_, body) => {
      const key = `${body.series} ${body.stamp}`;
      const trigger = triggers.get(key) ?? { wire: [], gds: [] };
      triggers.set(key, trigger);
      const via = wireSensors.includes(String(body.sensor)) ? 'wire' : 'gds';
      trigger[via].push(Number(body.latency_ms) * 1000);
    });
    await simulator.event('end', ({ event }) => event === 'end', (seconds + 30) * 1000);
  } finally {
    await agent.stop(5000);
    await subscription?.close();
    await simulator.stop(2000);
  }
  return [...triggers.values()].slice(warmUp).filter(({ wire, gds }) => wire.length + gds.length === 8);
}

/** Of the middle trigger. */
function gdsLessWire(triggers: readonly Trigger[]): number {
  const meanOf = (all: readonly number[]) => all.reduce((sum, us) => sum + us, 0) / all.length;
  return median(triggers.map(({ wire, gds }) => meanOf(gds) - meanOf(wire)));
}

export async function measurePaired(library: string, seconds: number, rounds: number): Promise<unknown> {
  const folder = mkdtempSync(join(tmpdir(), 'summit-bench-'));
  const cases: readonly PairedCase[] = [
    { name: '8 x 50x50', size: 50, rate: 40, skewMs: 20 },
    { name: '8 x 400x400', size: 400, rate: 9, skewMs: 50 },
    { name: '8 x 400x400 at once', size: 400, rate: 9, skewMs: 0 },
  ];
  const reports: unknown[] = [];
  const rows: string[][] = [];
  try {
    for (const one of cases) {
      const added: number[] = [];
      const orders: number[][] = [];
      let stamps = 0;
      for (let n = 0; n < rounds; n++) {
        process.stderr.write(`paired ${one.name}: round ${n + 1}/${rounds}\n`);
        const less: number[] = [];
        for (const wireSensors of [outer, inner]) {
          for (const first of ['wire', 'gds'] as const) {
            const triggers = await run(one, seconds, wireSensors, first, library, folder);
            stamps += triggers.length * 4;
            less.push(gdsLessWire(triggers));
          }
        }
        added.push(less.reduce((sum, us) => sum + us, 0) / less.length);
        orders.push(less);
      }
      const mean = added.reduce((sum, us) => sum + us, 0) / added.length;
      const square = added.reduce((sum, us) => sum + (us - mean) ** 2, 0);
      const error = Math.sqrt(square / Math.max(1, added.length - 1) / added.length);
      rows.push([
        one.name,
        `${round(mean)} +- ${round(error)}`,
        String(round(median(added))),
        added.map((us) => round(us, 0)).join(' '),
        String(stamps),
      ]);
      reports.push({ name: one.name, mean, error, added, orders, stamps });
    }
    const head = ['gds less wire, p50, us', 'mean +- error', 'median', 'by round', 'stamps of each'];
    console.log(`\n${table(head, rows)}`);
    return reports;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
