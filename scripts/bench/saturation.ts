// SPDX-License-Identifier: Apache-2.0
// How much one link carries without loss: 400x400 int32 stamps at rising rates, agent beside plain C.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Child, JsonLine } from '../processes/child.js';
import { ControlClient } from '../processes/control-client.js';
import { freeTcpPort, freeUdpPort } from '../processes/ports.js';
import { agent, compilePlainC, type Pipeline, plainC, runSimulator } from './pipelines.js';
import { round, table } from './report.js';

const stampBytes = 400 * 400 * 4;
const sensors = 8;

export interface SaturationStep {
  readonly pipeline: Pipeline['name'];
  readonly askedGbPerS: number;
  readonly sentGbPerS: number;
  readonly sent: number;
  readonly complete: number;
}

/** Stamps that arrived whole, as the pipeline itself counts them. */
async function completeStamps(child: Child, pipeline: Pipeline['name']): Promise<number> {
  if (pipeline === 'plain C') {
    await child.stop(3000);
    const end = child.events.find((event) => event.event === 'end');
    return end?.stamps as number;
  }
  const ready = child.events.find((event) => event.event === 'ready');
  const client = new ControlClient(ready?.control as string);
  try {
    const stats = (await client.request('stats')) as {
      sensors: Record<string, { complete: number | bigint }>;
    };
    return Object.values(stats.sensors).reduce((sum, sensor) => sum + Number(sensor.complete), 0);
  } finally {
    client.close();
  }
}

async function measureStep(
  pipeline: Pipeline,
  gbPerS: number,
  seconds: number,
  directory: string,
): Promise<SaturationStep> {
  const rate = (gbPerS * 1e9) / stampBytes / sensors;
  const udpPort = await freeUdpPort();
  const child = await pipeline.start(udpPort, `tcp://127.0.0.1:${await freeTcpPort()}`, directory);
  try {
    const args = [
      '--rows',
      '400',
      '--cols',
      '400',
      '--integration-ms',
      '5',
      '--rate',
      String(round(rate, 3)),
      '--seconds',
      String(seconds),
      // Painted ahead: this measures the link, not the painter.
      '--frames',
      '8',
    ];
    const end: JsonLine = await runSimulator(udpPort, args, (seconds + 60) * 1000);
    const sent = Object.values(end.sensors as Record<string, { sent: number }>).reduce(
      (sum, s) => sum + s.sent,
      0,
    );
    const complete = await completeStamps(child, pipeline.name);
    const elapsed = end.seconds as number;
    return {
      pipeline: pipeline.name,
      askedGbPerS: gbPerS,
      sentGbPerS: round((sent * stampBytes) / elapsed / 1e9, 2),
      sent,
      complete,
    };
  } finally {
    await child.stop(3000);
  }
}

export async function measureSaturation(seconds: number): Promise<readonly SaturationStep[]> {
  const directory = mkdtempSync(join(tmpdir(), 'summit-bench-'));
  try {
    compilePlainC(directory);
    const steps: SaturationStep[] = [];
    for (const gbPerS of [0.5, 1.0, 1.25, 1.5, 1.75, 2.0]) {
      for (const pipeline of [agent, plainC(directory)]) {
        process.stderr.write(`saturation ${gbPerS} GB/s, ${pipeline.name}\n`);
        steps.push(await measureStep(pipeline, gbPerS, seconds, directory));
      }
    }
    const rows = steps.map((step) => [
      step.pipeline,
      String(step.askedGbPerS),
      String(step.sentGbPerS),
      String(step.sent),
      String(step.complete),
      String(step.sent - step.complete),
    ]);
    console.log(
      `\n${table(['400x400 int32, one link', 'asked GB/s', 'sent GB/s', 'sent', 'complete', 'lost'], rows)}`,
    );
    return steps;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
