// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import t from 'tap';
import { doNotUse, faultName, flagBits, flagNames, frameFlag, isFlagged, unfit } from './flags.js';
import { wireName } from './names.js';

/** splitRoi is one word on the wire (SAL) and two in the header. */
const headerName = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
const measurement = readFileSync('addons/pixels/measurement.h', 'utf8');
const driver = readFileSync('addons/daq/driver.h', 'utf8');

t.test('kernel flags have the names and bits of measurement.h', async (t) => {
  const bits = [...measurement.matchAll(/\bk(\w+) = 1u << (\d+)/g)];
  t.ok(bits.length >= 11);
  for (const [, name = '', bit] of bits) {
    const wire = wireName(name.charAt(0).toLowerCase() + name.slice(1));
    t.equal(flagBits[wire as keyof typeof flagBits], 1 << Number(bit), wire);
  }
});

t.test('the kernel says which of its flags forbid use, and we agree', async (t) => {
  const line = /kDoNotUse = ([^;]+);/.exec(measurement)?.[1] ?? '';
  const named = line.split('|').map((part) => wireName(part.trim().slice(1)).replace(/^_/, ''));
  const mask = named.reduce((m, name) => m | flagBits[name as keyof typeof flagBits], 0);
  t.equal(unfit, mask | flagBits.incomplete | flagBits.dropped);
  t.equal(doNotUse, unfit | flagBits.off_track);
});

t.test('fault names follow the numbers of measurement.h', async (t) => {
  const faults = [
    ...(/enum class FaultReason[^}]+/.exec(measurement)?.[0] ?? '').matchAll(/\bk(\w+) = (\d+)/g),
  ];
  t.ok(faults.length >= 7);
  for (const [, name = '', number] of faults) {
    t.equal(faultName(Number(number)), wireName(name.charAt(0).toLowerCase() + name.slice(1)));
  }
  t.equal(faultName(99), 'fault_99');
});

t.test('frame flags have the bits of driver.h', async (t) => {
  const bits = new Map(
    [...driver.matchAll(/SUMMIT_FRAME_(\w+) = 1u << (\d+)/g)].map((m) => [m[1], Number(m[2])]),
  );
  for (const [name, bit] of Object.entries(frameFlag)) {
    t.equal(bits.get(headerName(name)), Math.log2(bit), name);
  }
});

t.test('names and bits agree both ways', async (t) => {
  const bits = flagBits.edge | flagBits.first_stamp | flagBits.dropped;
  t.same(flagNames(bits), ['edge', 'first_stamp', 'dropped']);
  t.same(flagNames(0), []);
  t.ok(isFlagged(bits));
  t.notOk(isFlagged(flagBits.first_stamp | flagBits.late | flagBits.saturated));
  const all = Object.values(flagBits);
  t.equal(new Set(all).size, all.length);
});
