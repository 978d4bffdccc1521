// SPDX-License-Identifier: Apache-2.0
// Acquisitions that stay open until a deadline longer than the stamp period: what follows comes while they are open.
import t from 'tap';
import { flagBits } from '../model/flags.js';
import { Bench, without } from './testing-bench.js';
import { ms } from './testing-records.js';

const wander = (k: number) => ({ dx: 0.004 * k, dy: -0.003 * k, rotation: 0 });

for (const deadlineMs of [90, 99, 150, 250, 350]) {
  t.test(`one sensor is dead, acquisitions close after ${deadlineMs} ms of 100`, async (t) => {
    const bench = new Bench({ deadlineMs });
    bench.open();
    for (let k = 0; k < 10; k++) bench.stamp(k, wander(k), without('R44_SG1'));
    bench.clock.moveTo(bench.time + 1000n * ms);
    const offsets = bench.sink.of('guider.offsets');
    t.same(
      offsets.map((m) => m.stamp),
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
      'in the order of stamps',
    );
    for (const { fit, stamp, reference } of offsets) {
      const from = reference?.stamp ?? Number.NaN;
      t.ok(Math.abs(fit.x - wander(stamp).dx + wander(from).dx) < 1e-6, `${stamp} counts from ${from}`);
    }
    const results = bench.sink.of('guider.result');
    for (const m of results) {
      const due = wander(m.stamp).dx - wander(m.referenceStamp).dx;
      t.ok(Math.abs(m.centroidDx - due) < 1e-6, `result ${m.stamp} counts from ${m.referenceStamp}`);
    }
    const becoming = results.filter((m) => (m.flagsBits & flagBits.new_reference) !== 0).map((m) => m.stamp);
    t.same([...new Set(becoming)], [0, 2], 'stamps that say that they become the reference do');
  });
}
