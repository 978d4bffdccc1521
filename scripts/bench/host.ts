// SPDX-License-Identifier: Apache-2.0
// What reading the machine costs the event loop: without it, on the host's thread, and on the main thread.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { HostSampler } from '../../agent/health/host/sampler.js';
import { startHostThread } from '../../agent/health/host/thread.js';
import { round, table } from './report.js';

export interface HostStep {
  readonly where: string;
  readonly samples: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

const resolutionMs = 1;
const settings = { interface: 'lo', disks: ['/'] };

/** Delays of the event loop while `work` goes on. */
async function measure(
  where: string,
  seconds: number,
  work: (end: number) => Promise<number>,
): Promise<HostStep> {
  const histogram = monitorEventLoopDelay({ resolution: resolutionMs });
  histogram.enable();
  const samples = await work(performance.now() + seconds * 1000);
  histogram.disable();
  const beyond = (ns: number) => round(Math.max(0, ns / 1e6 - resolutionMs), 2);
  return {
    where,
    samples,
    p50Ms: beyond(histogram.percentile(50)),
    p99Ms: beyond(histogram.percentile(99)),
    p999Ms: beyond(histogram.percentile(99.9)),
    maxMs: beyond(histogram.max),
  };
}

async function until(end: number): Promise<void> {
  await sleep(Math.max(0, end - performance.now()));
}

export async function measureHost(seconds: number): Promise<readonly HostStep[]> {
  const idle = async (end: number) => {
    await until(end);
    return 0;
  };
  const onThread = async (end: number) => {
    let samples = 0;
    const thread = startHostThread(settings, () => {
      samples++;
    });
    await until(end);
    await thread.stop();
    return samples;
  };
  const onMain = async (end: number) => {
    const sampler = new HostSampler(settings);
    let samples = 0;
    while (performance.now() < end) {
      const next = performance.now() + 1000;
      await sampler.sample();
      samples++;
      await until(Math.min(next, end));
    }
    return samples;
  };
  const steps = [
    await measure('not read', seconds, idle),
    await measure('host thread', seconds, onThread),
    await measure('main thread', seconds, onMain),
  ];
  const rows = steps.map((s) => [s.where, ...[s.samples, s.p50Ms, s.p99Ms, s.p999Ms, s.maxMs].map(String)]);
  console.log(
    `\n${table(['event loop late by, ms; the machine is', 'samples', 'p50', 'p99', 'p99.9', 'max'], rows)}`,
  );
  return steps;
}
