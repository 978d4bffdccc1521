// SPDX-License-Identifier: Apache-2.0
// Campbell Scientific CSAT3B, 3-D sonic anemometer: x,y,z,T,diagnostic,counter,signature. The signature covers the text
// up to the comma before the counter (so it fits the manual's examples).

import { signatureOf } from './checksum.js';
import { badChecksum, badFormat, type SerialDevice } from './device.js';

const number = String.raw`[-+]?\d{1,4}(?:\.\d{1,6})?|NAN`;
const whole = new RegExp(
  `^((${number}),(${number}),(${number}),(${number}),(\\d{1,5})),(\\d{1,2}),([0-9a-fA-F]{4})$`,
);

/** Bits of the diagnostic word that mean something (manual, "diagnostic word"). */
const diagnosis: readonly (readonly [number, string])[] = [
  [0x01, 'signals_too_low'],
  [0x02, 'signals_too_high'],
  [0x04, 'signal_lock_lost'],
  [0x08, 'temperatures_differ'],
  [0x10, 'acquiring_signals'],
  [0x20, 'calibration_error'],
];

function isSigned(text: string): boolean {
  const match = whole.exec(text);
  return match !== null && signatureOf(match[1] ?? '') === Number.parseInt(match[8] ?? '', 16);
}

/** Lines have no mark at their beginning: behind the rest of another, the signature tells where one begins. */
function lineStart(text: string): number {
  if (isSigned(text)) return 0;
  const last = text.split(',').slice(-7).join(',');
  const from = text.length - last.length;
  for (let start = from; start < text.length && text[start] !== ','; start++) {
    if (start > 0 && isSigned(text.slice(start))) return start;
  }
  return 0;
}

const value = (text: string | undefined) => (text === 'NAN' ? Number.NaN : Number(text));

export const csat3b: SerialDevice = {
  summary: 'Campbell Scientific CSAT3B 3-D wind and sonic temperature',
  baudRate: 115200,
  periodMs: 100,
  idleMs: 50,
  idleEndsLine: false,
  lineStart,
  fields: {
    wind_x_m_s: 'm/s along the x axis of the instrument',
    wind_y_m_s: 'm/s along y',
    wind_z_m_s: 'm/s along z',
    sonic_temperature_c: 'deg C',
    diagnostic: 'diagnostic word; 0 is good; its bits are flags',
    counter: '0..63, of the record',
  },
  parse(text) {
    const match = whole.exec(text);
    if (match === null) return badFormat;
    if (!isSigned(text)) return badChecksum;
    const [, , x, y, z, temperature, word, counter] = match;
    const diagnostic = Number(word);
    return {
      values: {
        wind_x_m_s: value(x),
        wind_y_m_s: value(y),
        wind_z_m_s: value(z),
        sonic_temperature_c: value(temperature),
        diagnostic,
        counter: Number(counter),
      },
      flags: diagnosis.filter(([bit]) => (diagnostic & bit) !== 0).map(([, name]) => name),
    };
  },
};
