// SPDX-License-Identifier: Apache-2.0
// Simulated DAQ -> pipeline -> subscriber: the agent beside plain C, in alternating runs on the same wire with
// the same subscriber. Latency is counted from the kernel's receive time of the stamp's last packet.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JsonLine } from '../processes/child.js';
import { freeTcpPort, freeUdpPort } from '../processes/ports.js';
import { agent, compilePlainC, type Pipeline, plainC, runSimulator, startSubscriber } from './pipelines.js';
import { median, round, table } from './report.js';

export interface LatencyCase {
  readonly name: string;
  readonly simArgs: readonly string[];
  readonly rounds: number;
  /** stamps in which connections settle are not counted */
  readonly skipSeconds: number;
  readonly deadlineMs: number;
}

interface Quantiles {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export interface Run {
  readonly pipeline: Pipeline['name'];
  readonly sent: number;
  readonly received: number;
  readonly result: Doors;
  /** of the plain C pipeline: none */
  readonly offsets: Doors | null;
}

/** From the last packet of a stamp (of offsets: of the acquisition's last stamp), by door, us. */
interface Doors {
  /** last packet -> in the subscriber's hand */
  readonly totalUs: Quantiles;
  /** last packet -> measured */
  readonly measuredUs: Quantiles;
  /** measured -> published */
  readonly roleUs: Quantiles;
  /** published -> in the subscriber's hand */
  readonly transportUs: Quantiles;
}

export interface CaseReport {
  readonly name: string;
  readonly runs: readonly Run[];
  /** agent / plain C, median over rounds */
  readonly ratio: { readonly p50: number; readonly p99: number; readonly p999: number };
}

const topics = ['guider.result/', 'guider.offsets/'];

export async function measureLatency(cases: readonly LatencyCase[]): Promise<readonly CaseReport[]> {
  const directory = mkdtempSync(join(tmpdir(), 'summit-bench-'));
  try {
    compilePlainC(directory);
    const reports: CaseReport[] = [];
    for (const one of cases) {
      const report = await measureCase(one, directory);
      console.log(`\n${latencyTable(report)}`);
      reports.push(report);
    }
    return reports;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function measureCase(one: LatencyCase, directory: string): Promise<CaseReport> {
  const runs: Run[] = [];
  const pipelines = [agent, plainC(directory)];
  for (let round = 0; round < one.rounds; round++) {
    // Who goes first alternates, so that slow drifts of the machine fall on both.
    for (const pipeline of round % 2 === 0 ? pipelines : [...pipelines].reverse()) {
      process.stderr.write(`latency ${one.name}: round ${round + 1}/${one.rounds}, ${pipeline.name}\n`);
      runs.push(await measureRun(one, pipeline, directory));
    }
  }
  return { name: one.name, runs, ratio: ratios(runs) };
}

export async function measureRun(one: LatencyCase, pipeline: Pipeline, directory: string): Promise<Run> {
  const udpPort = await freeUdpPort();
  const endpoint = `tcp://127.0.0.1:${await freeTcpPort()}`;
  const running = await pipeline.start(udpPort, endpoint, directory);
  try {
    const subscriber = await startSubscriber(directory, endpoint, one.skipSeconds, topics);
    let end: JsonLine;
    try {
      end = await runSimulator(udpPort, one.simArgs, one.deadlineMs);
    } finally {
      await subscriber.stop(5000);
    }
    return runOf(pipeline.name, end, subscriber.events);
  } finally {
    await running.stop(3000);
  }
}

function runOf(pipeline: Pipeline['name'], end: JsonLine, lines: readonly JsonLine[]): Run {
  const sensors = Object.values(end.sensors as Record<string, { sent: number }>);
  const results = lines.find((line) => line.topic === topics[0]);
  const offsets = lines.find((line) => line.topic === topics[1]);
  if (results === undefined) throw new Error('the subscriber printed no figures for guider.result/');
  return {
    pipeline,
    sent: sensors.reduce((sum, sensor) => sum + sensor.sent, 0),
    received: results.received as number,
    result: doorsOf(results),
    offsets: offsets !== undefined && (offsets.samples as number) > 0 ? doorsOf(offsets) : null,
  };
}

function doorsOf({ totalUs, measuredUs, roleUs, transportUs }: JsonLine): Doors {
  return { totalUs, measuredUs, roleUs, transportUs } as unknown as Doors;
}

function medianOf(runs: readonly Run[], name: Pipeline['name'], read: (run: Run) => number): number {
  return median(runs.filter((run) => run.pipeline === name).map(read));
}

function ratios(runs: readonly Run[]): CaseReport['ratio'] {
  const ratio = (read: (run: Run) => number): number =>
    round(medianOf(runs, 'agent', read) / medianOf(runs, 'plain C', read), 2);
  return {
    p50: ratio((r) => r.result.totalUs.p50),
    p99: ratio((r) => r.result.totalUs.p99),
    p999: ratio((r) => r.result.totalUs.p999),
  };
}

function latencyTable(report: CaseReport): string {
  const rows: string[][] = [];
  const add = (label: string, name: Pipeline['name'], pick: (run: Run) => Quantiles | null): void => {
    const of = (key: keyof Quantiles): string =>
      String(round(medianOf(report.runs, name, (run) => pick(run)?.[key] ?? Number.NaN)));
    rows.push([label, of('p50'), of('p99'), of('p999'), of('max')]);
  };
  const addDoors = (label: string, name: Pipeline['name'], pick: (run: Run) => Doors | null): void => {
    add(label, name, (run) => pick(run)?.totalUs ?? null);
    add('  last packet -> measured', name, (run) => pick(run)?.measuredUs ?? null);
    add('  measured -> published', name, (run) => pick(run)?.roleUs ?? null);
    add('  published -> subscriber', name, (run) => pick(run)?.transportUs ?? null);
  };
  addDoors('agent: stamp -> subscriber', 'agent', (run) => run.result);
  addDoors('agent: last stamp -> offsets', 'agent', (run) => run.offsets);
  add('plain C: stamp -> subscriber', 'plain C', (run) => run.result.totalUs);
  add('  published -> subscriber', 'plain C', (run) => run.result.transportUs);
  rows.push([
    'ratio agent / plain C',
    String(report.ratio.p50),
    String(report.ratio.p99),
    String(report.ratio.p999),
    '',
  ]);
  const losses = (name: Pipeline['name']): string => {
    const runs = report.runs.filter((run) => run.pipeline === name);
    const sent = runs.reduce((sum, run) => sum + run.sent, 0);
    const received = runs.reduce((sum, run) => sum + run.received, 0);
    return `${name}: ${sent} stamps sent, ${received} received (${sent - received} missing)`;
  };
  const title = `${report.name}, us, median of ${report.runs.length / 2} alternating runs`;
  return `${table([title, 'p50', 'p99', 'p99.9', 'max'], rows)}\n${losses('agent')}; ${losses('plain C')}`;
}
