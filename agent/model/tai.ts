// SPDX-License-Identifier: Apache-2.0
// TAI - UTC, and how far it can be trusted. A kernel whose offset was never set reports 0 s, and UTC must
// not pass for TAI: then the profile's offset is used, or the system's leap-second table and every result carries
// `time_suspect`.

export type TaiSource = 'kernel' | 'profile' | 'leap_table' | 'none';

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

function isOffset(seconds: number | null): seconds is number {
  return seconds !== null && seconds >= leastOffset && seconds <= mostOffset;
}

/**
 * Picks the offset in force now: the kernel's, else the profile's, else the table's. `kernelSeconds` is CLOCK_TAI -
 * CLOCK_REALTIME, null where it cannot be read; `profileSeconds` is what an operator vouches for. Sources that know it
 * and do not agree make it suspect; a table that has expired is no such witness.
 */
export function chooseTaiOffset(
  kernelSeconds: number | null,
  leapTable: string | null,
  nowUnixS: number,
  profileSeconds: number | null = null,
): TaiOffset {
  const table = leapTable === null ? null : parseLeapTable(leapTable);
  const tableSeconds = table?.steps.findLast((s) => s.fromUnixS <= nowUnixS)?.seconds ?? null;
  const expired = table !== null && nowUnixS > table.expiresUnixS;
  const kernelSays =
    kernelSeconds === null ? 'the kernel clock cannot be read' : `the kernel says ${kernelSeconds} s`;
  const witnesses: readonly (readonly [TaiSource, number | null, string])[] = [
    ['kernel', isOffset(kernelSeconds) ? kernelSeconds : null, 'the kernel'],
    ['profile', profileSeconds, 'the profile'],
    ['leap_table', expired ? null : tableSeconds, leapTablePath],
  ];
  const known = witnesses.flatMap(([source, seconds, name]) =>
    seconds === null ? [] : [{ source, seconds, name }],
  );
  const first =
    known[0] ?? (tableSeconds === null ? null : { source: 'leap_table' as const, seconds: tableSeconds });
  if (first === null) {
    const detail = `TAI - UTC is unknown: ${kernelSays} and ${leapTablePath} cannot be used; UTC is sent instead, flagged`;
    return { seconds: 0, source: 'none', suspect: true, detail };
  }
  const { seconds, source } = first;
  const others = known.filter((one) => one.seconds !== seconds);
  if (others.length > 0) {
    const say = known.map((one) => `${one.name} says ${one.seconds} s`).join(', ');
    const detail = `TAI - UTC is not agreed on: ${say}; ${seconds} s is used, results are flagged time_suspect`;
    return { seconds, source, suspect: true, detail };
  }
  if (source === 'kernel') {
    return { seconds, source, suspect: false, detail: `TAI - UTC is ${seconds} s, from the kernel` };
  }
  if (source === 'profile') {
    const detail = `TAI - UTC is ${seconds} s, from the profile, because ${kernelSays}`;
    return { seconds, source, suspect: false, detail };
  }
  const detail = `TAI - UTC is ${seconds} s, from ${leapTablePath}${expired ? ' (expired)' : ''}, because ${kernelSays}; results are flagged time_suspect`;
  return { seconds, source, suspect: true, detail };
}
