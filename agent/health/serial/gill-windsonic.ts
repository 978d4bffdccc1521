// SPDX-License-Identifier: Apache-2.0
// Gill WindSonic, 2-D sonic anemometer: <STX>Q,ddd,sss.ss,M,nn,<ETX>cc, cc = XOR of what stands between STX and ETX.

import { xorOf } from './checksum.js';
import { badChecksum, badFormat, lastMark, type SerialDevice } from './device.js';

const stx = '\x02';
const etx = '\x03';
const content = /^([A-Z]),(\d{3})?,(\d{3}\.\d{2}),([MNKPF]),(\d{2}),$/;

/** m/s of one unit: m/s, knot, mile/h, km/h, foot/min */
const unit: Readonly<Record<string, number>> = { M: 1, N: 0.514444, P: 0.44704, K: 1 / 3.6, F: 0.00508 };
const status: Readonly<Record<string, string>> = {
  '00': '',
  '01': 'axis_1_failed',
  '02': 'axis_2_failed',
  '04': 'axes_failed',
  '08': 'nvm_error',
  '09': 'rom_error',
};

export const gillWindsonic: SerialDevice = {
  summary: 'Gill WindSonic wind speed and direction',
  baudRate: 9600,
  periodMs: 1000,
  idleMs: 300,
  idleEndsLine: false,
  lineStart: lastMark(stx),
  fields: {
    wind_speed_m_s: 'm/s; NaN when an axis failed',
    wind_direction_deg: 'deg from the north mark of the instrument, 0..359; NaN below 0.05 m/s',
    status: 'text, two digits of the instrument; 00 is good',
  },
  parse(text) {
    const end = text.lastIndexOf(etx);
    const body = text.slice(1, end);
    const sum = text.slice(end + 1);
    if (!text.startsWith(stx) || end < 0 || !/^[0-9A-Fa-f]{2}$/.test(sum)) return badFormat;
    if (xorOf(body) !== Number.parseInt(sum, 16)) return badChecksum;
    const [, , direction, speed, unitName, code] = content.exec(body) ?? [];
    if (speed === undefined || unitName === undefined || code === undefined) return badFormat;
    const fault = status[code] ?? 'status_unknown';
    const failed = code === '01' || code === '02' || code === '04';
    return {
      values: {
        wind_speed_m_s: failed ? Number.NaN : Number(speed) * (unit[unitName] ?? Number.NaN),
        wind_direction_deg: failed || direction === undefined ? Number.NaN : Number(direction),
        status: code,
      },
      flags: fault === '' ? [] : [fault],
    };
  },
};
