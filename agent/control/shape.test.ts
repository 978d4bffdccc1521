// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { Packr } from 'msgpackr';
import t from 'tap';
import { shapeProblem } from './shape.js';

const packr = new Packr({ useRecords: false });

t.test('what a request may hold passes, whatever its types and lengths', async (t) => {
  const long = 'x'.repeat(40_000);
  const values: readonly unknown[] = [
    { v: 1, id: 'a', verb: 'stats', args: {} },
    [null, true, false, 0, 127, 128, 255, 256, 65_535, 65_536, -1, -33, -129, -32_769, 2 ** 31, 2n ** 63n],
    [1.5, Number.NaN, '', 'x'.repeat(31), 'x'.repeat(32), 'x'.repeat(255), 'x'.repeat(256), long],
    [Buffer.alloc(5), Buffer.alloc(300), Buffer.alloc(40_000), new Date(0)],
    Array.from({ length: 15 }, (_, i) => i),
    Array.from({ length: 16 }, (_, i) => i),
    Array.from({ length: 2000 }, (_, i) => i),
    Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`key ${i}`, i])),
  ];
  for (const value of values) t.equal(shapeProblem(packr.pack(value)), null);
});

t.test('nesting, breadth, cut-off and trailing bytes are named', async (t) => {
  const nested = (levels: number) => Buffer.concat([Buffer.alloc(levels, 0x91), Buffer.from([0xc0])]);
  t.equal(shapeProblem(nested(15)), null);
  t.match(shapeProblem(nested(60_000)), /levels of nesting/);
  t.match(shapeProblem(packr.pack(Array.from({ length: 5000 }, () => 0))), /more than 4096 values/);
  const whole = packr.pack({ v: 1, verb: 'stats', args: { a: [1, 2, 'three'] } });
  for (let cut = 0; cut < whole.length; cut++) t.match(shapeProblem(whole.subarray(0, cut)), /end too soon/);
  t.match(shapeProblem(Buffer.concat([whole, whole])), /more than one value/);
  t.match(shapeProblem(Buffer.from([0xc1])), /not msgpack/);
  t.match(shapeProblem(Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff])), /end too soon/, '4e9 values in 5 bytes');
});

t.test('any bytes get an answer', async (t) => {
  let refused = 0;
  for (let i = 0; i < 50_000; i++) {
    const bytes = createHash('sha256')
      .update(String(i))
      .digest()
      .subarray(0, i % 33);
    if (shapeProblem(bytes) !== null) refused++;
  }
  t.ok(refused > 25_000, `${refused} of 50,000 refused`);
});
