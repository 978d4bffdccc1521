// SPDX-License-Identifier: Apache-2.0
// What guiding notices of images on the same machine: in turn alone, beside the camera with a reader that throws every byte
// away, and beside agents that make files and look, by the profile's image.priority. The simulated camera gets the
// processor when nobody else wants it: on a summit it is no process of this machine.
import { existsSync, mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { measureRun, type Run } from '../latency.js';
import { compilePlainC, agent as guider } from '../pipelines.js';
import { median, round, table } from '../report.js';
import { childBy, fourBoards, Images, type RunningCamera, startCamera } from './live.js';

export interface GuidingCase {
  readonly name: string;
  readonly runs: readonly Run[];
  readonly images: number;
  readonly durableMs: number | null;
  readonly quicklookMs: number | null;
}

/** One image after the other until it is told to end. */
interface Load {
  readonly start: () => Promise<void>;
  readonly run: (on: () => boolean) => Promise<void>;
  readonly end: () => Promise<void>;
  readonly figures: () => Pick<GuidingCase, 'images' | 'durableMs' | 'quicklookMs'>;
}

/** A camera gives one image in 17 s at the most. */
const periodMs = 3000;
/** As far as a process can give way by itself: it runs when nobody else wants to, and its session counts little. */
const lastInLine = ['sh', '-c', 'echo 19 > /proc/self/autogroup; exec chrt --idle 0 "$@"', 'sh'];

/** What systemd makes of CPUWeight=idle; null where this user may not, or where nothing is shared by control groups. */
function idleGroup(): string | null {
  const parent = ['/sys/fs/cgroup/cpu', '/sys/fs/cgroup'].find((folder) =>
    existsSync(join(folder, 'cgroup.procs')),
  );
  if (parent === undefined) return null;
  const group = join(parent, `summit-bench-${process.pid}`);
  try {
    mkdirSync(group);
    writeFileSync(join(group, 'cpu.idle'), '1');
    return group;
  } catch {
    if (existsSync(group)) rmdirSync(group);
    return null;
  }
}

const inGroup = (group: string) => ['sh', '-c', 'echo $$ > "$0/cgroup.procs"; exec "$@"', group];

function agentLoad(priority: string, agentBy: readonly string[] = []): Load {
  const images = new Images({ ...fourBoards, simulatorBy: lastInLine, agentBy, image: { priority } });
  return {
    async start() {
      await images.start();
      // Both images that the camera has are painted, and calibrations are read.
      for (let i = 0; i < 2; i++) await images.take();
    },
    async run(on) {
      while (on()) await Promise.all([images.take(), delay(periodMs)]);
    },
    end: () => images.end(),
    figures() {
      const { images: taken, durableMs, quicklookMs } = images.report();
      return { images: taken, durableMs: durableMs.p50, quicklookMs: quicklookMs.p50 };
    },
  };
}

function readerLoad(directory: string): Load {
  let images = 0;
  let camera: RunningCamera | null = null;
  return {
    async start() {
      camera = await startCamera({ ...fourBoards, simulatorBy: lastInLine }, join(directory, 'calib'));
    },
    async run(on) {
      if (!camera) return;
      const { exposureS } = fourBoards;
      const args = [camera.control, camera.images, String(periodMs), String(exposureS)];
      const reader = childBy(lastInLine, 'reader', ['dist/scripts/bench/image/reader.js', ...args]);
      try {
        while (on()) await delay(100);
        images += reader.events.length;
      } finally {
        await reader.stop(2000);
      }
    },
    async end() {
      await camera?.child.stop(5000);
    },
    figures: () => ({ images, durableMs: null, quicklookMs: null }),
  };
}

const nothing: Load = {
  start: () => Promise.resolve(),
  run: () => Promise.resolve(),
  end: () => Promise.resolve(),
  figures: () => ({ images: 0, durableMs: null, quicklookMs: null }),
};

/** Guiding at 9 Hz x 8, each case once in each round. */
export async function measureGuiding(seconds: number, rounds: number): Promise<readonly GuidingCase[]> {
  const directory = mkdtempSync(join(tmpdir(), 'summit-bench-guiding-'));
  const roi = ['--rows', '50', '--cols', '50', '--integration-ms', '50', '--rate', '9', '--snr', '50'];
  const one = {
    name: 'guiding',
    simArgs: [...roi, '--seed', '7', '--seconds', String(seconds)],
    rounds,
    skipSeconds: 2,
    deadlineMs: (seconds + 30) * 1000,
  };
  const group = idleGroup();
  const cases = [
    { name: 'alone', load: nothing },
    { name: 'camera, bytes thrown away', load: readerLoad(directory) },
    ...['normal', 'nice', 'idle'].map((priority) => ({
      name: `images, ${priority}`,
      load: agentLoad(priority),
    })),
    ...(group ? [{ name: 'images, idle, CPUWeight=idle', load: agentLoad('idle', inGroup(group)) }] : []),
  ].map((each) => ({ ...each, runs: [] as Run[] }));
  try {
    compilePlainC(directory);
    for (const { load } of cases) await load.start();
    for (let i = 0; i < rounds; i++)
      for (const { name, load, runs } of cases) {
        process.stderr.write(`guiding: round ${i + 1}/${rounds}, ${name}\n`);
        let guiding = true;
        const busy = load.run(() => guiding);
        runs.push(await measureRun(one, guider, directory));
        guiding = false;
        await busy;
      }
    const report = cases.map(({ name, load, runs }) => ({ name, runs, ...load.figures() }));
    printGuiding(report);
    return report;
  } finally {
    for (const { load } of cases) await load.end();
    if (group) rmdirSync(group);
    rmSync(directory, { recursive: true, force: true });
  }
}

function printGuiding(cases: readonly GuidingCase[]): void {
  const header = [
    'guiding beside images, ms, median',
    'results p50',
    'p99',
    'p99.9',
    'offsets p50',
    'p99',
    'most',
  ];
  const rows = cases.map(({ name, runs, images, durableMs, quicklookMs }) => {
    const of = (what: 'result' | 'offsets', key: 'p50' | 'p99' | 'p999' | 'max') =>
      String(round(median(runs.map((run) => run[what]?.totalUs[key] ?? Number.NaN)) / 1000, 2));
    const missing = runs.reduce((sum, { sent, received }) => sum + sent - received, 0);
    const times = ['p50', 'p99', 'p999'] as const;
    return [
      name,
      ...times.map((key) => of('result', key)),
      ...(['p50', 'p99', 'max'] as const).map((key) => of('offsets', key)),
      String(missing),
      ...[images, durableMs, quicklookMs].map((value) => (value === null ? '' : String(value))),
    ];
  });
  console.log(`\n${table([...header, 'missing', 'images', 'on the disk', 'looked at'], rows)}`);
}
