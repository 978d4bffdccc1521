// SPDX-License-Identifier: Apache-2.0
// What Omega HX85A and HX85BA share. Lines end with \n\r, which comes 1.35 s later, just before the next line: the
// silence after a line is its end, and its time is that of its first byte.

import { badFormat, lastMark, type Parsed, type SerialDevice } from './device.js';
import { labelledFields } from './labelled.js';

/** Magnus formula over water (WMO guide No. 8): dew point in deg C. NaN for 0 % and for what is no humidity. */
export function dewPointOf(humidityPct: number, temperatureC: number): number {
  if (!(humidityPct > 0)) return Number.NaN;
  const beta = 17.62;
  const lambda = 243.12;
  const g = Math.log(humidityPct / 100) + (beta * temperatureC) / (lambda + temperatureC);
  return (lambda * g) / (beta - g);
}

const decimal = /^[-+]?\d{1,4}\.\d{2}$/;

/** The degree sign is 0xF8 on the wire; other firmware sends 0xB0. */
const labels: Readonly<Record<string, string>> = {
  '%RH': 'relative_humidity_pct',
  'AT\xf8C': 'temperature_c',
  'AT\xb0C': 'temperature_c',
  'DP\xf8C': 'dew_point_c',
  'DP\xb0C': 'dew_point_c',
  Pmb: 'pressure_mbar',
};

/** Reads the fields `wanted`, in this order. */
export function parseHx85(text: string, first: boolean, wanted: readonly string[]): Parsed {
  const line = labelledFields(text, first);
  if (line === null) return badFormat;
  const values: Record<string, number> = {};
  for (const name of wanted) values[name] = Number.NaN;
  const names: string[] = [];
  for (const [i, { label, text: digits }] of line.fields.entries()) {
    const name = labels[label];
    if (name === undefined && first && i === 0) continue;
    if (name === undefined || !wanted.includes(name) || !decimal.test(digits)) return badFormat;
    names.push(name);
    values[name] = Number(digits);
  }
  const missing = wanted.length - names.length;
  // A line that lost its beginning has the last fields; any other has all, in order.
  const tail = wanted.slice(missing);
  const inOrder = tail.every((name, i) => names[i] === name);
  if (names.length === 0 || !inOrder || (missing > 0 && !first)) return badFormat;
  return { values, flags: missing > 0 ? ['fragment'] : [] };
}

export const hx85Line: Pick<SerialDevice, 'baudRate' | 'periodMs' | 'idleMs' | 'idleEndsLine' | 'lineStart'> =
  {
    baudRate: 19200,
    periodMs: 1350,
    idleMs: 30,
    idleEndsLine: true,
    lineStart: lastMark('%RH='),
  };
