// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { Threshold } from './threshold.js';

t.test('an alarm begins after it held, and ends beyond the other edge only', async (t) => {
  const cpu = new Threshold({ raise: 95, clear: 85, holdS: 30 });
  const at = (value: number, s: number) => cpu.take(value, s);
  t.notOk(at(99, 0));
  t.notOk(at(99, 29));
  t.notOk(at(90, 29.5), 'a dip begins the wait anew');
  t.notOk(at(99, 31));
  t.notOk(at(96, 60));
  t.ok(at(95, 61));
  t.ok(at(90, 62), 'between the edges nothing changes');
  t.ok(at(80, 100));
  t.ok(at(90, 129));
  t.ok(at(80, 130));
  t.ok(at(84, 159));
  t.notOk(at(84, 160));
});

t.test('low values are bad where the alarm begins below its end', async (t) => {
  const disk = new Threshold({ raise: 5, clear: 10, holdS: 0 });
  t.notOk(disk.take(6, 0));
  t.ok(disk.take(5, 1));
  t.ok(disk.take(9.9, 2));
  t.ok(disk.take(Number.NaN, 3), 'no number says nothing');
  t.notOk(disk.take(10, 4));
});
