// SPDX-License-Identifier: Apache-2.0
// Boltek EFM-100C, atmospheric electric field: $+00.65,0*CE, the sum counts all bytes up to and with the star.

import { sumOf } from './checksum.js';
import { badChecksum, badFormat, lastMark, type SerialDevice } from './device.js';

const whole = /^(\$([+-]\d{2}\.\d{2}),([01])\*)([0-9A-Fa-f]{2})$/;

export const boltekEfm100c: SerialDevice = {
  summary: 'Boltek EFM-100C atmospheric electric field',
  baudRate: 19200,
  periodMs: 50,
  idleMs: 100,
  idleEndsLine: false,
  lineStart: lastMark('$'),
  fields: {
    electric_field_kv_m: 'kV/m; NaN while the rotor has a fault',
    rotor_fault: '0 good, 1 fault',
  },
  parse(text) {
    const [, summed, field, fault, sum] = whole.exec(text) ?? [];
    if (summed === undefined || sum === undefined) return badFormat;
    if (sumOf(summed) !== Number.parseInt(sum, 16)) return badChecksum;
    const failed = fault === '1';
    return {
      values: { electric_field_kv_m: failed ? Number.NaN : Number(field), rotor_fault: failed ? 1 : 0 },
      flags: failed ? ['rotor_fault'] : [],
    };
  },
};
