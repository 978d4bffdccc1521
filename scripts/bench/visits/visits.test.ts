// SPDX-License-Identifier: Apache-2.0
// A short night: `npm run bench -- visits` is the long one.
import t from 'tap';
import { growthOf } from './growth.js';
import { runVisits } from './visits.js';

t.test('the slope of a growing process is found, and that of a steady one is nothing', async (t) => {
  const grows = growthOf(
    Array.from({ length: 30 }, (_, i) => 100 + 3 * i),
    0.3,
  );
  t.match(grows, { first: 100, last: 187 });
  t.ok(Math.abs(grows.slope - 3) < 1e-9 && grows.slopeErr < 1e-9);
  const steady = growthOf([500, 90, 101, 99, 100, 101, 99, 100, 101, 99], 0.2);
  t.ok(Math.abs(steady.slope) < 3 * steady.slopeErr, 'a first large one is warm-up');
});

t.test('visits in a row: no loss without a reason, every file is whole, nothing piles up', async (t) => {
  const report = await runVisits({ visits: 4, seconds: 6, speed: 5, seed: 3 });
  t.same(report.problems, []);
  t.equal(report.stamps, 4 * 8 * 54);
  t.equal(report.files.files, 4 * 8);
  const { lost = 0, incomplete = 0, dropped = 0 } = report.losses;
  t.equal(report.files.stamps, report.stamps - lost - incomplete - dropped, 'every other stamp is in a file');
  t.equal(report.conserved, true);
  t.ok(report.offsets > 4 * 54 - 10, `${report.offsets} offsets`);
  t.ok(report.heap.last - report.heap.first < 8 * 2 ** 20, 'the heap does not grow by the visit');
});
