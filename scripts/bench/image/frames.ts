// SPDX-License-Identifier: Apache-2.0
// Full frames: time per door beside numpy and astropy doing the same work on the same frame, and how far apart they are.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { Images } from '../../../agent/daq/images.js';
import { astropyPython } from '../../processes/python.js';
import { median, round, table } from '../report.js';

export interface Peer {
  readonly times_ms: Readonly<Record<string, number>>;
  readonly median_off: number;
  readonly p999_off: number;
  readonly worst_off: number;
  /** the worst amplifier's median, electron */
  readonly amplifier_off: number;
  /** pixels with crosstalk: the worst, electron */
  readonly crosstalk_off: number;
  /** saturated and bad pixels that are not marked */
  readonly marked_missed: number;
  readonly mask_differences: number;
  readonly variance_off: number;
  readonly pixels: number;
  /** noise beside what a perfect removal would give, electron */
  readonly truth: { readonly rms: number; readonly reference_rms: number };
}

export interface ImageBench {
  readonly frame: string;
  readonly threads: number;
  /** medians, ms */
  readonly ours: Readonly<Record<string, number>>;
  readonly peer: Peer | null;
}

const frames = [
  { stem: 'AT_O_20261102_000042_R00_S00', detector: 'LATISS' },
  { stem: 'MC_O_20261102_000087_R44_SW0', detector: 'R44_SW0' },
];
const doors = ['read', 'calibrations', 'isr', 'isr_file', 'look'];
async function timesOf(
  images: Images,
  raw: string,
  isr: string,
  rounds: number,
): Promise<Record<string, number>> {
  const all = new Map<string, number[]>(doors.map((door) => [door, []]));
  for (let i = 0; i <= rounds; i++) {
    const { report } = await images.process(raw, isr);
    const { times_ms } = JSON.parse(report) as { times_ms: Record<string, number> };
    // Calibrations are read by the first round only; its other doors also allocate.
    for (const [door, values] of all) {
      if ((i === 0) === (door === 'calibrations')) values.push(times_ms[door] ?? Number.NaN);
    }
  }
  return Object.fromEntries([...all].map(([door, values]) => [door, median(values)]));
}

/** Null, with a sentence, without the sample of frames. */
export async function measureFrames(rounds: number): Promise<readonly ImageBench[] | null> {
  const sample = join(dirname(resolve(process.env.SUMMIT_REAL_DATA ?? '../shared/data/real')), 'images-dev');
  if (!existsSync(sample)) {
    console.log(`\nframes: no ${sample}: it lies beside the directory that SUMMIT_REAL_DATA names`);
    return null;
  }
  const python = astropyPython().path;
  const folder = mkdtempSync(join(tmpdir(), 'summit-bench-image-'));
  const results: ImageBench[] = [];
  try {
    for (const { stem, detector } of frames) {
      const raw = join(sample, 'raw', `${stem}.fits`);
      const isr = join(folder, `${stem}.isr.fits`);
      const runs: ImageBench[] = [];
      for (const threads of [1, 2]) {
        const images = new Images({ calibrations: join(sample, 'calib'), threads, steps: {} });
        runs.push({ frame: stem, threads, ours: await timesOf(images, raw, isr, rounds), peer: null });
      }
      const truth = join(sample, 'truth', `${stem}.true.fits`);
      const script = join('scripts', 'bench', 'image', 'reference_isr.py');
      const args = [script, raw, join(sample, 'calib', detector), String(Math.min(rounds, 3)), isr, truth];
      const peer =
        python === null ? null : (JSON.parse(execFileSync(python, args, { encoding: 'utf8' })) as Peer);
      results.push(...runs.map((run) => ({ ...run, peer })));
      print(stem, runs, peer);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return results;
}

function print(stem: string, runs: readonly ImageBench[], peer: Peer | null): void {
  console.log(`\nimage: ${stem}, median ms`);
  const header = ['door', ...runs.map(({ threads }) => `${threads} thread${threads === 1 ? '' : 's'}`)];
  const cell = (value: number | undefined) => (value === undefined ? '-' : round(value).toFixed(1));
  const rows = doors.map((door) => [
    door,
    ...runs.map(({ ours }) => cell(ours[door])),
    cell(peer?.times_ms[door]),
  ]);
  console.log(table([...header, 'numpy, astropy'], rows));
  if (peer === null) console.log('without a peer: astropy cannot be installed');
  else
    console.log(
      `beside numpy: median ${peer.median_off.toExponential(1)} e, p99.9 ${peer.p999_off.toExponential(1)} e, worst ${peer.worst_off.toExponential(1)} e, variance ${peer.variance_off.toExponential(1)}, ${peer.mask_differences} of ${peer.pixels} masks differ; noise beside truth ${peer.truth.rms.toFixed(3)} e, numpy's ${peer.truth.reference_rms.toFixed(3)} e`,
    );
}
