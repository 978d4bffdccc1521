// SPDX-License-Identifier: Apache-2.0
// Times as the registry keeps them: integer TAI ns since 1970-01-01 TAI, exactly as astropy and lsst.daf.butler get them
// from a header. TAI has no leap seconds, so a calendar date is read as if it were UTC.

/** UTC lags TAI by this much in every night since 2017: for times whose header does not say which they are. */
export const taiMinusUtcNs = 37_000_000_000n;

/** For the dates of ingests, which no header tells. */
export function nowTaiNs(): bigint {
  return BigInt(Date.now()) * 1_000_000n + taiMinusUtcNs;
}

const dayNs = 86_400_000_000_000n;
const unixMjd = 40_587;

/** Unbounded timespans begin and end here; nothing is outside. */
const earliestNs = 0n;
const latestNs = 4_102_444_800_000_000_000n;
export const unboundedSpan = { begin: earliestNs, end: latestNs };

function clamped(ns: bigint): bigint {
  if (ns < earliestNs) return earliestNs;
  return ns > latestNs ? latestNs : ns;
}

/** To the nearest whole number, ties to the even one, as Python rounds. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** Day and fraction apart: a double holds an MJD to 0.6 us only, and that much is kept as it is. */
export function nsOfMjd(mjd: number): bigint {
  const day = roundHalfEven(mjd);
  const fraction = BigInt(roundHalfEven((mjd - day) * 86_400e9));
  return clamped(BigInt(day - unixMjd) * dayNs + fraction);
}

const form = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9})\d*)?)?)?Z?$/;

/** `2026-03-15T22:50:59.846`; null: not a time. */
export function nsOfIso(text: string): bigint | null {
  const match = form.exec(text.trim());
  if (!match) return null;
  const [, year, month, day, hour, minute, second, fraction] = match;
  const ms = Date.UTC(
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hour ?? 0),
    Number(minute ?? 0),
    Number(second ?? 0),
  );
  return clamped(BigInt(ms) * 1_000_000n + BigInt((fraction ?? '').padEnd(9, '0')));
}

/** Noon to noon TAI; a laboratory's day began at another hour. */
export function dayObsSpan(dayObs: number, offsetHours = 12): readonly [bigint, bigint] {
  const year = Math.floor(dayObs / 10_000);
  const midnight = Date.UTC(year, (Math.floor(dayObs / 100) % 100) - 1, dayObs % 100);
  const begin = BigInt(midnight) * 1_000_000n + BigInt(offsetHours) * 3_600_000_000_000n;
  return [clamped(begin), clamped(begin + dayNs)];
}

export function isoOfNs(ns: bigint): string {
  const iso = new Date(Number(ns / 1_000_000n)).toISOString().slice(0, -1);
  return iso;
}

/** `2026-01-01T00:00:00 .. 2027-01-01T00:00:00`; an end that is none is `-`. */
export function showSpan({ begin, end }: { readonly begin: bigint; readonly end: bigint }): string {
  const side = (ns: bigint, none: bigint) => (ns === none ? '-' : isoOfNs(ns).replace(/\.000$/, ''));
  return `${side(begin, earliestNs)} .. ${side(end, latestNs)}`;
}
