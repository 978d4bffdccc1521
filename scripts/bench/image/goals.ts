// SPDX-License-Identifier: Apache-2.0
// What the image path is asked for beside what was measured in this run.
import { round, table } from '../report.js';
import type { ImageBench } from './frames.js';
import type { GuidingCase } from './guiding.js';
import type { ImageDoors } from './image.js';
import type { LiveImages } from './live.js';

export interface ImageMeasurements {
  readonly doors: ImageDoors;
  /** null: the sample of frames is not there */
  readonly frames: readonly ImageBench[] | null;
  readonly live: readonly LiveImages[];
  readonly guiding: readonly GuidingCase[];
}

interface Goal {
  readonly of: string;
  readonly limit: number;
  readonly unit: string;
  readonly measured: number;
  readonly atLeast?: boolean;
}

function goalsOf({ doors, frames, live, guiding }: ImageMeasurements): readonly Goal[] {
  const goals: Goal[] = [
    {
      of: 'unpack 18 bit to planes',
      limit: 5,
      unit: 'GB/s',
      measured: doors.unpack.gigabytesPerSecond,
      atLeast: true,
    },
    {
      of: 'raw file of 75 MB, 2 threads',
      limit: 150,
      unit: 'ms',
      measured: Math.min(doors.raw1.wallMs, doors.raw2.wallMs),
    },
  ];
  if (doors.astropyMs !== null)
    goals.push({
      of: '  times faster than astropy',
      limit: 3.5,
      unit: 'x',
      measured: doors.astropyMs / doors.raw2.wallMs,
      atLeast: true,
    });
  for (const { frame, threads, ours, peer } of frames ?? []) {
    const latiss = frame.startsWith('AT_');
    const name = latiss ? 'LATISS' : 'wavefront half';
    const limit = latiss ? (threads === 1 ? 250 : 150) : 120;
    const isr = ours.isr ?? Number.NaN;
    goals.push({ of: `ISR ${name}, threads: ${threads}`, limit, unit: 'ms', measured: isr });
    if (peer === null || threads !== 1) continue;
    goals.push(
      {
        of: '  times faster than numpy',
        limit: 4,
        unit: 'x',
        measured: (peer.times_ms.isr ?? Number.NaN) / isr,
        atLeast: true,
      },
      {
        of: '  noise beside truth, of the reference',
        limit: 1.02,
        unit: '',
        measured: peer.truth.rms / peer.truth.reference_rms,
      },
      {
        of: '  worst amplifier median off the reference',
        limit: 0.1,
        unit: 'e',
        measured: peer.amplifier_off,
      },
      { of: '  worst pixel with crosstalk', limit: 0.05, unit: 'e', measured: peer.crosstalk_off },
      { of: '  SAT and BAD pixels missed', limit: 0, unit: '', measured: peer.marked_missed },
      { of: '  variance', limit: 1e-4, unit: '', measured: peer.variance_off },
    );
  }
  const durable = [500, 1500, 400];
  const memory = [700, 1800, 700];
  for (const [i, { what, durableMs, quicklookMs, memoryMb }] of live.entries()) {
    goals.push(
      { of: `${what}: on the disk`, limit: durable[i] ?? 0, unit: 'ms', measured: durableMs.p50 },
      { of: '  looked at, median', limit: 1000, unit: 'ms', measured: quicklookMs.p50 },
      { of: '  looked at, p99', limit: 1500, unit: 'ms', measured: quicklookMs.p99 },
      { of: '  memory', limit: memory[i] ?? 0, unit: 'MB', measured: memoryMb },
    );
  }
  const missing = guiding
    .flatMap(({ runs }) => runs)
    .reduce((sum, { sent, received }) => sum + sent - received, 0);
  goals.push({ of: 'guiding beside images: stamps missing', limit: 0, unit: '', measured: missing });
  return goals;
}

export function printGoals(measured: ImageMeasurements): void {
  const rows = goalsOf(measured).map(({ of, limit, unit, measured: value, atLeast = false }) => [
    of,
    `${atLeast ? '>=' : '<='} ${limit} ${unit}`,
    value !== 0 && Math.abs(value) < 0.01 ? value.toExponential(1) : String(round(value, 3)),
    (atLeast ? value >= limit : value <= limit) ? '' : 'MISSED',
  ]);
  console.log(`\n${table(['images: goal', '', 'measured', ''], rows)}`);
}
