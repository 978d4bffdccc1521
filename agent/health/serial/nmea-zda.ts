// SPDX-License-Identifier: Apache-2.0
// A timing receiver that says NMEA 0183 ZDA: $GPZDA,201530.00,04,07,2002,00,00*60, XOR between $ and *. The byte $ is
// sent at the second it names. Other sentences are counted and ignored.

import { xorOf } from './checksum.js';
import { badChecksum, badFormat, lastMark, type SerialDevice } from './device.js';

const sentence = /^\$([^*]*)\*([0-9A-Fa-f]{2})$/;
const zda =
  /^([A-Z]{2})ZDA,(\d{2})(\d{2})(\d{2})(?:\.(\d{1,9}))?,(\d{2}),(\d{2}),(\d{4}),(-?\d{2})?,(\d{2})?$/;

/** Before it has seen satellites a receiver sends empty fields. */
const noFix = /^[A-Z]{2}ZDA,,,,,(?:00)?,(?:00)?$/;

export const nmeaZda: SerialDevice = {
  summary: 'timing receiver with NMEA ZDA sentences',
  baudRate: 9600,
  periodMs: 1000,
  idleMs: 300,
  idleEndsLine: false,
  lineStart: lastMark('$'),
  fields: {
    utc_s: 's since 1970, UTC that the receiver tells; NaN without a fix',
    offset_ms: 'ms, system clock minus receiver at the arrival of `$`, less `delayMs` of the profile',
    talker: 'text, two letters',
  },
  parse(text) {
    const [, body, sum] = sentence.exec(text) ?? [];
    if (body === undefined || sum === undefined) return badFormat;
    if (xorOf(body) !== Number.parseInt(sum, 16)) return badChecksum;
    if (!/^[A-Z]{2}ZDA,/.test(body)) return { ignored: true };
    if (noFix.test(body))
      return { values: { utc_s: Number.NaN, talker: body.slice(0, 2) }, flags: ['no_fix'] };
    const match = zda.exec(body);
    if (match === null) return badFormat;
    const [, talker, hour, minute, second, fraction, day, month, year] = match;
    const leap = second === '60';
    const date = new Date(
      Date.UTC(
        Number(year),
        Number(month) - 1,
        Number(day),
        Number(hour),
        Number(minute),
        leap ? 59 : Number(second),
      ),
    );
    // Date.UTC wraps what is out of range: the 31st of June is not a date.
    const sound =
      Number(hour) < 24 &&
      Number(minute) < 60 &&
      Number(second) <= 60 &&
      date.getUTCDate() === Number(day) &&
      date.getUTCMonth() === Number(month) - 1;
    if (!sound) return badFormat;
    const wholeMs = date.getTime() + (leap ? 1000 : 0);
    const utcNs = BigInt(wholeMs) * 1_000_000n + BigInt((fraction ?? '').padEnd(9, '0'));
    return {
      values: { utc_s: Number(utcNs / 1000n) / 1e6, talker: talker ?? '' },
      flags: leap ? ['leap_second'] : [],
      utcNs,
    };
  },
};
