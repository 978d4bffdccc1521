// SPDX-License-Identifier: Apache-2.0
// Boltek LD-250, lightning detector: status each second ($WIMST), strikes ($WIMLI), too much noise ($WIMLN).
// The sum before the star fits status lines; known strike and noise lines carry sums of no known rule, so that theirs
// is flagged and not refused.

import { sumOf } from './checksum.js';
import { badChecksum, badFormat, lastMark, type Parsed, type SerialDevice } from './device.js';

const frame = /^(\$(WIMST|WIMLI|WIMLN)((?:,[\d.]+)*))\*([0-9A-Fa-f]{2})$/;
const statusFields = /^,(\d{1,3}),(\d{1,3}),([01]),([01]),(\d{3}\.\d)$/;
const strikeFields = /^,(\d{1,3}),(\d{1,3}),(\d{3}\.\d)$/;
const kmPerMile = 1.609344;

function statusOf(fields: string): Parsed {
  const match = statusFields.exec(fields);
  if (match === null) return badFormat;
  const [, close, total, closeAlarm, severeAlarm, heading] = match;
  return {
    values: {
      sentence: 'status',
      close_strikes_per_min: Number(close),
      strikes_per_min: Number(total),
      close_alarm: Number(closeAlarm),
      severe_alarm: Number(severeAlarm),
      heading_deg: Number(heading),
    },
    flags: [...(closeAlarm === '1' ? ['close_alarm'] : []), ...(severeAlarm === '1' ? ['severe_alarm'] : [])],
  };
}

function strikeOf(fields: string, flags: readonly string[]): Parsed {
  const match = strikeFields.exec(fields);
  if (match === null) return badFormat;
  const [, corrected, uncorrected, bearing] = match;
  return {
    values: {
      sentence: 'strike',
      distance_km: Number(corrected) * kmPerMile,
      uncorrected_distance_km: Number(uncorrected) * kmPerMile,
      bearing_deg: Number(bearing),
    },
    flags,
  };
}

export const boltekLd250: SerialDevice = {
  summary: 'Boltek LD-250 lightning detector',
  baudRate: 19200,
  periodMs: 1000,
  idleMs: 200,
  idleEndsLine: false,
  lineStart: lastMark('$'),
  fields: {
    sentence: 'text: status, strike or noise; the fields below belong to one of them',
    close_strikes_per_min: 'status: strikes/min nearby, 0..999',
    strikes_per_min: 'status: strikes/min in all, 0..999',
    close_alarm: 'status: 0 or 1',
    severe_alarm: 'status: 0 or 1',
    heading_deg: 'status: deg, heading of the sensor',
    distance_km: 'strike: km, corrected',
    uncorrected_distance_km: 'strike: km',
    bearing_deg: 'strike: deg',
  },
  parse(text) {
    const [, summed, name, fields, sum] = frame.exec(text) ?? [];
    if (summed === undefined || name === undefined || fields === undefined || sum === undefined)
      return badFormat;
    const fits = sumOf(summed) === Number.parseInt(sum, 16);
    if (name === 'WIMST') return fits ? statusOf(fields) : badChecksum;
    const flags = fits ? [] : ['checksum_unverified'];
    if (name === 'WIMLI') return strikeOf(fields, flags);
    return fields === '' ? { values: { sentence: 'noise' }, flags: ['noise', ...flags] } : badFormat;
  },
};
