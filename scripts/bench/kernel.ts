// SPDX-License-Identifier: Apache-2.0
// Microseconds per stamp: runs the native bench, which alternates the kernel with a plain first moment.
import { execFileSync } from 'node:child_process';
import { round, table } from './report.js';

export interface KernelMode {
  readonly name: string;
  readonly calls: number;
  readonly us: { readonly p50: number; readonly p999: number };
  readonly firstMomentUs: { readonly p50: number; readonly p999: number };
  readonly answered: number;
  readonly rmsPx: number;
}

export function measureKernel(): readonly KernelMode[] {
  execFileSync('scripts/build', ['bench'], { stdio: ['ignore', 'inherit', 'inherit'] });
  const modes = JSON.parse(execFileSync('build/Release/kernel_bench', { encoding: 'utf8' })) as KernelMode[];
  const rows = modes.map((mode) => [
    mode.name,
    String(mode.us.p50),
    String(mode.us.p999),
    String(round(mode.us.p999 / mode.us.p50, 2)),
    String(mode.firstMomentUs.p50),
    String(round(mode.firstMomentUs.p999 / mode.firstMomentUs.p50, 2)),
    String(round(mode.us.p50 / mode.firstMomentUs.p50, 2)),
    `${round(mode.answered * 100)} %`,
    String(mode.rmsPx),
  ]);
  // The first moment's tail is the machine's own.
  const header = [
    'kernel, thread CPU us',
    'p50',
    'p99.9',
    'p99.9 / p50',
    'first moment p50',
    'its p99.9 / p50',
    'ratio of p50',
    'answered',
    'rms px',
  ];
  console.log(`\n${table(header, rows)}`);
  return modes;
}
