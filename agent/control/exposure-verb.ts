// SPDX-License-Identifier: Apache-2.0
// The command `exposure`: what the camera knows of an exposure and the DAQ does not, its shutter times.

import { refuseAll } from '../model/errors.js';
import type { ExposureTimes } from '../model/exposure-times.js';
import { show } from '../model/show.js';
import type { Verb } from './verbs.js';

type Args = Readonly<Record<string, unknown>>;

/** Any year an exposure can be of, s since 1970: also refuses ms and ns. */
const [earliest, latest] = [946_684_800, 4_102_444_800];

function seconds(args: Args, key: string, low: number, high: number, out: string[]): number {
  const value = typeof args[key] === 'bigint' ? Number(args[key]) : args[key];
  if (typeof value === 'number' && value >= low && value <= high) return value;
  out.push(`${key}: expected ${low}..${high} s, got ${show(args[key])}`);
  return Number.NaN;
}

export function parseExposureTimes(args: Args): ExposureTimes {
  const problems: string[] = [];
  const { obsid } = args;
  if (typeof obsid !== 'string' || obsid === '') {
    problems.push(`obsid: expected text such as MC_O_20260714_000123, got ${show(obsid)}`);
  }
  const start = seconds(args, 'start_tai', earliest, latest, problems);
  const exposureS = seconds(args, 'exposure_s', 0, 86_400, problems);
  const shutterS = seconds(args, 'shutter_s', 0, 60, problems);
  if (problems.length > 0) throw refuseAll('command', 'exposure', problems);
  const whole = Math.floor(start);
  const startTaiNs = BigInt(whole) * 1_000_000_000n + BigInt(Math.round((start - whole) * 1e9));
  return { obsid: String(obsid), startTaiNs, exposureS, shutterS };
}

export function exposureVerb(role: { onExposureTimes(times: ExposureTimes): void }): Verb {
  return async (args) => {
    const times = parseExposureTimes(args);
    role.onExposureTimes(times);
    return { obsid: times.obsid, start_tai_ns: times.startTaiNs };
  };
}
