// SPDX-License-Identifier: Apache-2.0
// Rate of decoding raw stamps, of the native bench.
import { execFileSync } from 'node:child_process';

export interface DecodeRate {
  readonly name: string;
  readonly gigabytesPerSecond: number;
}

/** After measureKernel, which builds the bench. */
export function measureDecode(): readonly DecodeRate[] {
  const text = execFileSync('build/Release/kernel_bench', ['decode'], { encoding: 'utf8' });
  return JSON.parse(text) as DecodeRate[];
}
