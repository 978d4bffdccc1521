// SPDX-License-Identifier: Apache-2.0
// Full frames, door by door: the native bench, and astropy doing the same where there is a Python with it.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { astropyPython } from '../../processes/python.js';
import { round, table } from '../report.js';

interface Written {
  readonly rounds: number;
  readonly threads: number;
  readonly wallMs: number;
  readonly bytes: number;
}

export interface ImageDoors {
  readonly unpack: {
    readonly rounds: number;
    readonly cpuMs: number;
    readonly wallMs: number;
    readonly gigabytesPerSecond: number;
    /** as many bytes plainly copied */
    readonly copyMs: number;
  };
  /** 16 segments to a raw file in memory, by threads */
  readonly raw1: Written;
  readonly raw2: Written;
  /** the same by astropy, ms; null: there is no Python with it */
  readonly astropyMs: number | null;
}

export function measureImage(): ImageDoors {
  execFileSync('scripts/build', ['bench'], { stdio: ['ignore', 'inherit', 'inherit'] });
  const folder = mkdtempSync(join(tmpdir(), 'summit-image-bench-'));
  try {
    const planes = join(folder, 'planes.bin');
    const native = JSON.parse(
      execFileSync('build/Release/image_bench', [planes], { encoding: 'utf8' }),
    ) as Omit<ImageDoors, 'astropyMs'>;
    const python = astropyPython().path;
    const peer =
      python === null
        ? null
        : (JSON.parse(
            execFileSync(python, ['scripts/bench/image/astropy_write.py', planes], { encoding: 'utf8' }),
          ) as { wallMs: number });
    const doors = { ...native, astropyMs: peer?.wallMs ?? null };
    print(doors);
    return doors;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function print({ unpack, raw1, raw2, astropyMs }: ImageDoors): void {
  const ratio = (ms: number) => (astropyMs === null ? '-' : `${round(astropyMs / ms)} x`);
  const rows = [
    ['unpack 42.5 MB to 16 planes', String(round(unpack.cpuMs, 2)), `${unpack.gigabytesPerSecond} GB/s`, ''],
    ['copying as many bytes (59 MB)', String(round(unpack.copyMs, 2)), '', ''],
    [
      'raw file of 75.5 MB, 1 thread',
      String(raw1.wallMs),
      `${round(raw1.bytes / 1e6)} MB`,
      ratio(raw1.wallMs),
    ],
    [
      'raw file of 75.5 MB, 2 threads',
      String(raw2.wallMs),
      `${round(raw2.bytes / 1e6)} MB`,
      ratio(raw2.wallMs),
    ],
    ['astropy, RICE with checksums', astropyMs === null ? 'not there' : String(round(astropyMs)), '', ''],
  ];
  console.log(`\n${table(['full frames, ms', 'median', 'rate, size', 'against astropy'], rows)}`);
}
