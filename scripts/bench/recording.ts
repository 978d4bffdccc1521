// SPDX-License-Identifier: Apache-2.0
// What writing guider files costs: the agent with and without a recorder in alternating runs, 400x400 int32 at 9 Hz
// on 8 sensors (46 MB/s), exposures of 3 s.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { JsonLine } from '../processes/child.js';
import { ControlClient } from '../processes/control-client.js';
import { freeTcpPort, freeUdpPort } from '../processes/ports.js';
import { agent, agentWith, compilePlainC, runSimulator, startSubscriber } from './pipelines.js';
import { median, round, table } from './report.js';

interface Quantiles {
  readonly p50: number;
  readonly p99: number;
}

export interface RecordingRun {
  readonly recording: boolean;
  readonly sent: number;
  readonly received: number;
  readonly resultUs: Quantiles;
  readonly offsetUs: Quantiles;
  /** of the recorder; null without */
  readonly counters: Readonly<Record<string, number>> | null;
  /** PAUSE to durable, of each sensor's last file, ms */
  readonly durableMs: readonly number[];
}

const topics = ['guider.result/', 'guider.offsets/'];
const stampsPerExposure = 27;

/** The recorder's counters once it has written everything; the last file may still be on its way. */
async function settled(client: ControlClient): Promise<Record<string, number>> {
  for (;;) {
    const stats = (await client.request('stats')) as { recording: Record<string, number | bigint> };
    const counters = Object.entries(stats.recording).map(([name, value]) => [name, Number(value)] as const);
    const of = Object.fromEntries(counters);
    const { complete, recorded = 0, left_out = 0, failed = 0, outside = 0 } = of;
    if (of.queue === 0 && complete === recorded + left_out + failed + outside) return of;
    await delay(100);
  }
}

async function measureRun(recording: boolean, seconds: number, directory: string): Promise<RecordingRun> {
  const folder = join(directory, 'files');
  const pipeline = recording
    ? agentWith((profile) => ({
        ...profile,
        guider: { ...(profile.guider as JsonLine), recording: { directory: folder } },
      }))
    : agent;
  const udpPort = await freeUdpPort();
  const endpoint = `tcp://127.0.0.1:${await freeTcpPort()}`;
  const running = await pipeline.start(udpPort, endpoint, directory);
  const ready = running.events.find((event) => event.event === 'ready');
  const client = new ControlClient(ready?.control as string);
  try {
    const subscriber = await startSubscriber(directory, endpoint, 2, topics);
    const roi = ['--rows', '400', '--cols', '400', '--integration-ms', '50', '--rate', '9', '--frames', '8'];
    const exposures = [
      '--stamps',
      String(stampsPerExposure),
      '--gap-ms',
      '200',
      '--seconds',
      String(seconds),
    ];
    const end = await runSimulator(udpPort, [...roi, ...exposures], (seconds + 60) * 1000);
    const counters = recording ? await settled(client) : null;
    const { last } = (await client.request('snapshot')) as { last: Record<string, { body: JsonLine }> };
    await subscriber.stop(5000);
    const figures = (topic: string) => subscriber.events.find((line) => line.topic === topic);
    const sensors = Object.values(end.sensors as Record<string, { sent: number }>);
    return {
      recording,
      sent: sensors.reduce((sum, sensor) => sum + sensor.sent, 0),
      received: figures('guider.result/')?.received as number,
      resultUs: figures('guider.result/')?.totalUs as Quantiles,
      offsetUs: figures('guider.offsets/')?.totalUs as Quantiles,
      counters,
      durableMs: Object.entries(last)
        .filter(([topic]) => topic.startsWith('image.available/'))
        .map(([, { body }]) => body.durable_ms as number),
    };
  } finally {
    client.close();
    await running.stop(10_000);
    rmSync(folder, { recursive: true, force: true });
  }
}

export async function measureRecording(seconds: number, rounds: number): Promise<readonly RecordingRun[]> {
  const directory = mkdtempSync(join(tmpdir(), 'summit-bench-'));
  try {
    compilePlainC(directory);
    const runs: RecordingRun[] = [];
    for (let i = 0; i < rounds; i++) {
      for (const recording of i % 2 === 0 ? [false, true] : [true, false]) {
        process.stderr.write(`recording: round ${i + 1}/${rounds}, ${recording ? 'on' : 'off'}\n`);
        runs.push(await measureRun(recording, seconds, directory));
      }
    }
    console.log(`\n${recordingTable(runs)}`);
    return runs;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function recordingTable(runs: readonly RecordingRun[]): string {
  const rows = [false, true].map((on) => {
    const those = runs.filter((run) => run.recording === on);
    const of = (read: (run: RecordingRun) => number): string => String(round(median(those.map(read))));
    const missing = those.reduce((sum, run) => sum + run.sent - run.received, 0);
    return [
      `recording ${on ? 'on' : 'off'}`,
      of((r) => r.resultUs.p50),
      of((r) => r.resultUs.p99),
      of((r) => r.offsetUs.p50),
      of((r) => r.offsetUs.p99),
      String(missing),
    ];
  });
  const head = ['400x400 int32, 9 Hz x 8, us', 'result p50', 'p99', 'offsets p50', 'p99', 'missing'];
  const sum = (name: string): number => runs.reduce((total, run) => total + (run.counters?.[name] ?? 0), 0);
  const durable = runs.flatMap((run) => run.durableMs);
  return `${table(head, rows)}
recorded ${sum('recorded')} of ${sum('complete')} stamps in ${sum('files')} files (${round(sum('bytes') / 1e6)} MB), left out ${sum('left_out')}, failed ${sum('failed')}
PAUSE -> on the disk: median ${round(median(durable))} ms, slowest ${round(Math.max(...durable))} ms`;
}
