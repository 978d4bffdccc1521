// SPDX-License-Identifier: Apache-2.0
// SEL temperature scanner: C01=0032.1443,C02=0033.0320,... Each channel is sent when it was measured, 0.167 s apart, so
// that each has its own time. C00 is the reference inside the instrument.

import { badFormat, type SerialDevice } from './device.js';
import { labelledFields } from './labelled.js';

const channel = /^C\d{2}$/;
const temperature = /^[-+]?\d{3,4}\.\d{4}$/;
/** What an open input reads as: an RTD, a thermocouple. */
const disconnected: readonly number[] = [9999.999, -201];

/** The first channel again means the next line; what stands before it has to be the beginning of one. */
function lineStart(text: string): number {
  const label = /C0[01]=/.exec(text)?.[0];
  if (label === undefined) return 0;
  const at = text.lastIndexOf(label);
  return text.startsWith(label) || label.startsWith(text.slice(0, at)) ? at : 0;
}

export const selTemperature: SerialDevice = {
  summary: 'SEL temperature scanner, any number of channels',
  baudRate: 19200,
  periodMs: 1336,
  idleMs: 1000,
  idleEndsLine: false,
  lineStart,
  fields: {
    channel: 'array of text: C00 (reference inside the instrument), C01, ...',
    temperature_c: 'array, deg C; NaN where no probe is connected',
    channel_tai_ns: 'array, TAI ns of the arrival of each channel',
  },
  parse(text, first) {
    const line = labelledFields(text, first);
    if (line === null) return badFormat;
    // The cut may have gone through a label.
    const fields = first ? line.fields.filter((f, i) => i > 0 || channel.test(f.label)) : line.fields;
    const fragment = line.fragment || fields.length < line.fields.length;
    if (fields.length === 0) return badFormat;
    const numbers: number[] = [];
    for (const { label, text: digits } of fields) {
      if (!channel.test(label) || !temperature.test(digits)) return badFormat;
      const value = Number(digits);
      numbers.push(disconnected.includes(value) ? Number.NaN : value);
    }
    if (!first && !/^C0[01]$/.test(fields[0]?.label ?? '')) return badFormat;
    const rising = fields.every((f, i) => i === 0 || f.label > (fields[i - 1]?.label ?? ''));
    if (!rising) return badFormat;
    return {
      values: { channel: fields.map((f) => f.label), temperature_c: numbers },
      flags: [
        ...(numbers.some((n) => Number.isNaN(n)) ? ['disconnected'] : []),
        ...(fragment ? ['fragment'] : []),
      ],
      offsets: fields.map((f) => f.offset),
    };
  },
};
