// SPDX-License-Identifier: Apache-2.0
// TAI - UTC, and how far it can be trusted. A kernel whose offset was never set reports 0 s, and UTC must
// not pass for TAI: then the system's leap-second table is used and every result carries `time_suspect`.

export type TaiSource = 'kernel' | 'leap_table' | 'none';

export interface TaiOffset {
  /** TAI - UTC */
  readonly seconds: number;
  readonly source: TaiSource;
  /** the clock that gives the time cannot vouch for it */
  readonly suspect: boolean;
  /** one sentence for the log and the heartbeat */
  readonly detail: string;
}

/** Where Debian keeps the IERS table (package tzdata). */
export const leapTablePath = '/usr/share/zoneinfo/leap-seconds.list';

/** Seconds from the NTP era (1900) to the Unix epoch (1970). */
const ntpToUnix = 2_208_988_800;
/** TAI - UTC has been at least this since 1972; anything less is a kernel nobody told. */
const leastOffset = 10;
const mostOffset = 100;

export interface LeapTable {
  readonly steps: readonly { readonly fromUnixS: number; readonly seconds: number }[];
  /** the table makes no promise after this */
  readonly expiresUnixS: number;
}

/** Reads leap-seconds.list: lines `NTP-seconds TAI-UTC`, `#@ NTP-seconds` is the expiry. */
export function parseLeapTable(text: string): LeapTable {
  const steps: { fromUnixS: number; seconds: number }[] = [];
  let expiresUnixS = 0;
  for (const line of text.split('\n')) {
    const expiry = /^#@\s*(\d+)/.exec(line);
    if (expiry) expiresUnixS = Number(expiry[1]) - ntpToUnix;
    const step = /^\s*(\d+)\s+(\d+)/.exec(line);
    if (step) steps.push({ fromUnixS: Number(step[1]) - ntpToUnix, seconds: Number(step[2]) });
  }
  return { steps: steps.sort((a, b) => a.fromUnixS - b.fromUnixS), expiresUnixS };
}

/** Picks the offset in force now. `kernelSeconds` is CLOCK_TAI - CLOCK_REALTIME, null where it cannot be read. */
export function chooseTaiOffset(
  kernelSeconds: number | null,
  leapTable: string | null,
  nowUnixS: number,
): TaiOffset {
  if (kernelSeconds !== null && kernelSeconds >= leastOffset && kernelSeconds <= mostOffset) {
    return {
      seconds: kernelSeconds,
      source: 'kernel',
      suspect: false,
      detail: `TAI - UTC is ${kernelSeconds} s, from the kernel`,
    };
  }
  const kernelSays =
    kernelSeconds === null ? 'the kernel clock cannot be read' : `the kernel says ${kernelSeconds} s`;
  const table = leapTable === null ? null : parseLeapTable(leapTable);
  const step = table?.steps.findLast((s) => s.fromUnixS <= nowUnixS);
  if (!table || !step) {
    const detail = `TAI - UTC is unknown: ${kernelSays} and ${leapTablePath} cannot be used; UTC is sent instead, flagged`;
    return { seconds: 0, source: 'none', suspect: true, detail };
  }
  const expired = nowUnixS > table.expiresUnixS ? ' (expired)' : '';
  const detail = `TAI - UTC is ${step.seconds} s, from ${leapTablePath}${expired}, because ${kernelSays}; results are flagged time_suspect`;
  return { seconds: step.seconds, source: 'leap_table', suspect: true, detail };
}
