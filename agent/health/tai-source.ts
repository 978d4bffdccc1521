// SPDX-License-Identifier: Apache-2.0
// Reads what the machine knows about TAI.

import { readFileSync } from 'node:fs';
import { chooseTaiOffset, leapTablePath, type TaiOffset } from '../model/tai.js';

function readLeapTable(): string | null {
  try {
    return readFileSync(leapTablePath, 'utf8');
  } catch {
    return null;
  }
}

/** `kernelSeconds`: CLOCK_TAI - CLOCK_REALTIME, null where it cannot be read. */
export function hostTaiOffset(kernelSeconds: number | null): TaiOffset {
  return chooseTaiOffset(kernelSeconds, readLeapTable(), Date.now() / 1000);
}
