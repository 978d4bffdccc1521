// SPDX-License-Identifier: Apache-2.0
// Visits in a row, as a night has them: series, one exposure of 30 s, STOP; with recording. Nothing may be lost without a
// reason, every file must be what was sent, memory and file descriptors must stay.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Child } from '../../processes/child.js';
import type { Body } from '../../processes/subscription.js';
import { guidedRun } from '../guided-run.js';
import { round, table } from '../report.js';
import { checkGuiderFiles, type FileReport } from './files.js';
import { type Growth, growthOf } from './growth.js';

export interface VisitsSettings {
  readonly visits: number;
  /** of one exposure */
  readonly seconds: number;
  readonly speed: number;
  readonly seed: number;
}

export interface VisitsReport {
  readonly settings: VisitsSettings;
  readonly stamps: number;
  readonly elapsedS: number;
  readonly offsets: number;
  /** over all sensors; each of them is told, and accounted for where `conserved` */
  readonly losses: Readonly<Record<string, number>>;
  /** results after their acquisition was closed: nothing is lost, but this machine is slow for the speed */
  readonly late: number;
  readonly conserved: boolean;
  readonly files: FileReport;
  /** bytes after each visit, garbage collected */
  readonly rss: Growth;
  readonly heap: Growth;
  readonly fds: readonly number[];
  readonly problems: readonly string[];
}

const rateHz = 9;
const lossNames = ['lost', 'incomplete', 'dropped', 'superseded', 'rejected', 'bad', 'duplicate'];
/** The heap settles in the first visits. */
const warmUp = 0.3;
/** A file and its sidecar of each sensor may be on their way to the disk when descriptors are counted. */
const filesOpen = 24;
/** Problems that are printed; the report has all. */
const shown = 12;
/** 50 x 50 int32 and some */
const slotBytes = 16_384;
const collector = './dist/scripts/bench/visits/collect.js';

function scenarioOf({ visits, seconds, speed, seed }: VisitsSettings): Readonly<Record<string, unknown>> {
  const stamps = Math.round(seconds * rateHz);
  return {
    ...{ rate: rateHz, speed, seed, stamps, 'gap-ms': 4000, snr: 60 },
    plan: [{ repeat: visits, exposures: 1 }],
    happenings: [
      { what: 'shutter' },
      { what: 'wind', lines: [{ hz: 1.3, arcsec: 0.05, 'direction-deg': 20 }] },
      {
        what: 'clouds',
        series: 2,
        curve: [
          [0, 1],
          [stamps / 3, 0.4],
          [stamps / 2, 1],
        ],
      },
    ],
  };
}

interface Memory {
  readonly rss: number;
  readonly heapUsed: number;
  readonly fds: number;
}

export async function runVisits(settings: VisitsSettings): Promise<VisitsReport> {
  const directory = mkdtempSync(join(tmpdir(), 'summit-visits-'));
  const queueStamps = Math.ceil(2 * 8 * settings.seconds * rateHz);
  const files: Body[] = [];
  let offsets = 0;
  let ended = 0;
  let agent: Child | null = null;
  const memories = (): Memory[] =>
    (agent?.events ?? []).filter(({ event }) => event === 'memory') as unknown as Memory[];
  const started = Date.now();
  try {
    const end = await guidedRun({
      directory,
      scenario: scenarioOf(settings),
      // The disk may be two visits behind: files are written as fast as this machine can, and not `speed` times as
      // fast as at night.
      guider: { recording: { directory: join(directory, 'recordings'), queueStamps } },
      daq: { slotBytes },
      topics: ['guider.offsets/', 'image.available/'],
      nodeArgs: ['--expose-gc', '--import', collector],
      onMessage: (kind) => {
        if (kind === 'guider.offsets') offsets++;
        if (kind !== 'series.end') return;
        ended++;
        agent?.kill('SIGUSR2');
        process.stderr.write(`visit ${ended} of ${settings.visits}\r`);
      },
      onFile: (body) => files.push(body),
      alsoUntil: () => files.length >= 8 * settings.visits && memories().length >= settings.visits,
      deadlineMs: (settings.visits * (settings.seconds + 10) * 1000) / settings.speed + 120_000,
      watch: (child) => {
        agent = child;
      },
    });
    return reportOf(settings, {
      offsets,
      memories: memories(),
      sent: Object.values(end.sent).reduce((sum, one) => sum + one, 0),
      stats: end.stats,
      files: checkGuiderFiles(files, 8 * settings.visits, totalOf(end.stats, 'complete')),
      elapsedS: (Date.now() - started) / 1000,
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

interface Seen {
  readonly offsets: number;
  readonly memories: readonly Memory[];
  readonly sent: number;
  readonly stats: Body;
  readonly files: FileReport;
  readonly elapsedS: number;
}

/** A counter of the command `stats`, over all sensors. */
function totalOf(stats: Body, name: string): number {
  const sensors = stats.sensors as Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  return Object.values(sensors).reduce((sum, one) => sum + Number(one[name] ?? 0), 0);
}

function reportOf(settings: VisitsSettings, seen: Seen): VisitsReport {
  const losses = Object.fromEntries(lossNames.map((name) => [name, totalOf(seen.stats, name)]));
  const conserved = seen.stats.conserved === true;
  const fds = seen.memories.map((one) => one.fds);
  return {
    settings,
    stamps: seen.sent,
    elapsedS: round(seen.elapsedS),
    offsets: seen.offsets,
    losses,
    late: totalOf(seen.stats, 'late'),
    conserved,
    files: seen.files,
    rss: growthOf(
      seen.memories.map(({ rss }) => rss),
      warmUp,
    ),
    heap: growthOf(
      seen.memories.map(({ heapUsed }) => heapUsed),
      warmUp,
    ),
    fds,
    problems: [
      ...(conserved ? [] : [`not every stamp is accounted for: ${String(seen.stats.conservation)}`]),
      ...seen.files.problems,
      ...(Math.max(...fds) > Math.min(...fds) + filesOpen ? [`file descriptors: ${fds.join(' ')}`] : []),
    ],
  };
}

export function printVisits(report: VisitsReport): void {
  const { settings, losses, files, rss, heap, fds } = report;
  const mb = (bytes: number): string => String(round(bytes / 2 ** 20, 2));
  const perVisit = ({ slope, slopeErr }: Growth): string =>
    `${round(slope / 1024, 1)} +- ${round(slopeErr / 1024, 1)}`;
  const title = `${settings.visits} visits of ${settings.seconds} s, ${settings.speed} times faster`;
  const rows = [
    ['stamps sent / offsets', `${report.stamps} / ${report.offsets}`],
    [
      'losses',
      Object.entries(losses)
        .map(([name, count]) => `${name} ${count}`)
        .join(', '),
    ],
    ['late results', String(report.late)],
    ['files / stamps in them', `${files.files} / ${files.stamps}`],
    ['RSS, MB, first and last', `${mb(rss.first)}, ${mb(rss.last)}`],
    ['RSS, kB per visit', perVisit(rss)],
    ['heap, MB, first and last', `${mb(heap.first)}, ${mb(heap.last)}`],
    ['heap, kB per visit', perVisit(heap)],
    ['file descriptors', `${Math.min(...fds)}..${Math.max(...fds)}`],
    ['took, s', String(report.elapsedS)],
  ];
  console.log(`\n${table([title, ''], rows)}`);
  const { problems } = report;
  for (const problem of problems.slice(0, shown)) console.log(`PROBLEM ${problem}`);
  if (problems.length > shown) console.log(`and ${problems.length - shown} more`);
}
