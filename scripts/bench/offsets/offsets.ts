// SPDX-License-Identifier: Apache-2.0
// Guide offsets against the simulator's truth: 8 stars at 9 Hz; with a wrong star and a dead sensor; and how late an
// acquisition closes when a sensor is silent.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { guideSensors } from '../../../agent/model/location.js';
import { drawAmplifier, fixedOf } from '../../../sim-hw/amplifier.js';
import type { Body } from '../../processes/subscription.js';
import { type GuidedRun, guidedRun } from '../guided-run.js';
import { median, round, table } from '../report.js';
import { type MotionTruth, type Offset, type Score, type Scored, scored, scoreOf } from './score.js';
import { masPerMm, offsetTheory, type StarTruth } from './theory.js';

export interface OffsetsSettings {
  readonly exposures: number;
  readonly stamps: number;
  readonly speed: number;
  readonly snr: number;
  readonly seed: number;
}

type TruthLine = StarTruth &
  MotionTruth & { readonly sequence: number; readonly stamp: number; readonly nuisances: readonly string[] };

interface Goals {
  readonly xy: number;
  readonly rotation: number;
  readonly pull: readonly [number, number] | null;
}

interface Case {
  readonly name: string;
  readonly happenings: readonly Readonly<Record<string, unknown>>[];
  /** whose stars count for the theory */
  readonly without: readonly string[];
  readonly goals: Goals;
}

const cases: readonly Case[] = [
  { name: '8 stars', happenings: [], without: [], goals: { xy: 1.1, rotation: 1.15, pull: [0.9, 1.1] } },
  {
    name: 'one wrong star, one dead sensor',
    happenings: [
      { what: 'wrong-star', sensors: 'R04_SG0', 'drift-px-per-s': [0.5, -0.3], 'jitter-px': 0.3 },
      { what: 'dead', sensors: 'R40_SG1' },
    ],
    without: ['R04_SG0', 'R40_SG1'],
    goals: { xy: 1.3, rotation: 1.3, pull: null },
  },
];

export interface CaseReport {
  readonly name: string;
  readonly score: Score;
  readonly nSensors: number;
  /** offsets that could not be scored: no fit, or against one of the irregular first two stamps */
  readonly unscored: number;
  readonly problems: readonly string[];
}

export interface ClosingReport {
  readonly deadlineMs: number;
  readonly count: number;
  /** ms from the deadline to sending */
  readonly lateMs: { readonly p50: number; readonly p99: number; readonly max: number };
  /** closed by anything but the deadline although a sensor was silent */
  readonly otherwise: number;
}

const side = 50;
const rateHz = 9;

function scenarioOf(settings: OffsetsSettings, one: Case): Readonly<Record<string, unknown>> {
  const { exposures, stamps, speed, snr, seed } = settings;
  return {
    ...{ rate: rateHz, stamps, exposures, speed, snr, seed, rows: side, cols: side },
    ...{ 'cosmic-rays': 0, 'hot-pixels': 0, 'gap-ms': 1000, drift: 0.005, rotation: 0.01 },
    happenings: one.happenings,
  };
}

/** As a profile has them from the lab: without, the light of stars seems noisier than it is. */
function gainsOf(seed: number): Readonly<Record<string, unknown>> {
  const gains = guideSensors.map(({ detectorName }) => {
    const { gain } = drawAmplifier(fixedOf(seed, detectorName));
    return [detectorName, { gain: round(gain, 4) }];
  });
  return Object.fromEntries(gains);
}

function readTruth(file: string): TruthLine[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as TruthLine);
}

async function measureCase(settings: OffsetsSettings, one: Case, directory: string): Promise<CaseReport> {
  const offsets: Body[] = [];
  const end = await guidedRun({
    directory,
    scenario: scenarioOf(settings, one),
    // Accuracy is not to depend on how busy this machine is: wait nearly until the next stamp.
    guider: {
      deadlineMs: round((0.9 * 1000) / (rateHz * settings.speed), 2),
      perSensor: gainsOf(settings.seed),
    },
    topics: ['guider.offsets/'],
    onMessage: (kind, body) => {
      if (kind === 'guider.offsets') offsets.push(body);
    },
    deadlineMs: 600_000,
  });
  const truth = readTruth(end.truthFile);
  const motionOf = new Map(truth.map((line) => [line.stamp, line]));
  const all: Scored[] = [];
  for (const body of offsets) {
    const [now, reference] = [motionOf.get(Number(body.stamp)), motionOf.get(Number(body.reference_stamp))];
    const flags = body.flags as string[];
    const usable =
      body.flagged === false &&
      Number.isFinite(body.rotation) &&
      Number(body.stamp) !== Number(body.reference_stamp);
    if (now === undefined || reference === undefined || !usable || flags.includes('provisional_reference'))
      continue;
    all.push(scored(body as unknown as Offset, now, reference));
  }
  const first = truth.filter((line) => line.stamp === 0 && !one.without.includes(line.sensor));
  const score = scoreOf(all, offsetTheory(first, side));
  const nSensors = median(offsets.map((body) => Number(body.n_sensors)));
  return {
    name: one.name,
    score,
    nSensors,
    unscored: offsets.length - all.length,
    problems: problemsOf(score, one.goals),
  };
}

function problemsOf(score: Score, goals: Goals): string[] {
  const problems: string[] = [];
  for (const axis of ['x', 'y', 'rotation'] as const) {
    const goal = axis === 'rotation' ? goals.rotation : goals.xy;
    const { ratio, pull } = score[axis];
    if (!(ratio <= goal)) problems.push(`${axis}: rms/theory ${round(ratio, 3)}, goal ${goal}`);
    if (goals.pull !== null && !(pull >= goals.pull[0] && pull <= goals.pull[1]))
      problems.push(`${axis}: pull ${round(pull, 3)}, goal ${goals.pull[0]}..${goals.pull[1]}`);
  }
  return problems;
}

/** Two stamps of one sensor missing in every six: each of them makes its acquisition wait for the deadline. */
async function measureClosing(settings: OffsetsSettings, directory: string): Promise<ClosingReport> {
  const deadlineMs = 50;
  const rounds = 40;
  const happenings = Array.from({ length: rounds }, (_, i) => ({
    what: 'dead',
    sensors: 'R40_SG0',
    from: 6 * i + 4,
    stamps: 2,
  }));
  const late: number[] = [];
  let otherwise = 0;
  const run: GuidedRun = {
    directory,
    scenario: { rate: rateHz, stamps: 6 * rounds, seed: settings.seed, snr: settings.snr, happenings },
    guider: { deadlineMs },
    topics: ['guider.offsets/'],
    onMessage: (kind, body) => {
      if (kind !== 'guider.offsets' || Number(body.stamp) % 6 < 4) return;
      if (body.closed_by !== 'timeout') otherwise++;
      const waitedNs = (body.t_published_ns as bigint) - BigInt(body.t_first_ns as bigint);
      late.push(Number(waitedNs) / 1e6 - deadlineMs);
    },
    deadlineMs: 120_000,
  };
  await guidedRun(run);
  const sorted = late.sort((a, b) => a - b);
  const at = (share: number): number =>
    round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN, 2);
  return { deadlineMs, count: late.length, lateMs: { p50: at(0.5), p99: at(0.99), max: at(1) }, otherwise };
}

export interface OffsetsReport {
  readonly settings: OffsetsSettings;
  readonly cases: readonly CaseReport[];
  readonly closing: ClosingReport;
}

export async function measureOffsets(settings: OffsetsSettings): Promise<OffsetsReport> {
  const directory = mkdtempSync(join(tmpdir(), 'summit-bench-'));
  try {
    const reports: CaseReport[] = [];
    for (const one of cases) {
      process.stderr.write(`offsets: ${one.name}\n`);
      reports.push(await measureCase(settings, one, directory));
    }
    process.stderr.write('offsets: one sensor silent\n');
    const closing = await measureClosing(settings, directory);
    print(settings, reports, closing);
    return { settings, cases: reports, closing };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function print(settings: OffsetsSettings, reports: readonly CaseReport[], closing: ClosingReport): void {
  const rows = reports.flatMap(({ name, score, nSensors }) =>
    (['x', 'y', 'rotation'] as const).map((axis) => {
      const { rms, theory, ratio, pull } = score[axis];
      const unit = axis === 'rotation' ? 1000 : masPerMm;
      const digits = [rms * unit, theory * unit].map((value) => String(round(value, 2)));
      return [
        `${name}: ${axis}`,
        String(score.count),
        String(nSensors),
        ...digits,
        String(round(ratio, 3)),
        String(round(pull, 3)),
      ];
    }),
  );
  const title = `SNR ${settings.snr}, 9 Hz x ${settings.speed}, ${settings.exposures} exposures`;
  console.log(`\n${table([title, 'offsets', 'sensors', 'rms mas', 'theory mas', 'ratio', 'pull'], rows)}`);
  for (const { name, problems } of reports)
    for (const problem of problems) console.log(`MISSED ${name}: ${problem}`);
  const { p50, p99, max } = closing.lateMs;
  console.log(
    `one sensor silent: ${closing.count} acquisitions closed ${p50} / ${p99} / ${max} ms (p50 / p99 / max) after the deadline of ${closing.deadlineMs} ms; ${closing.otherwise} otherwise`,
  );
}
