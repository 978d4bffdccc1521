// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { slopeOf } from './slope.js';

t.test('a line is found with its error', async (t) => {
  const exact = slopeOf([0, 1, 2, 3].map((x) => ({ x, y: 5 + 2 * x })));
  t.ok(Math.abs(exact.slope - 2) < 1e-12 && exact.error < 1e-12);
  // y = 1, -1, -1, 1 about a flat line: no slope, and an error of sqrt(4 / 2 / 5).
  const flat = slopeOf([1, -1, -1, 1].map((y, x) => ({ x, y })));
  t.ok(Math.abs(flat.slope) < 1e-12);
  t.ok(Math.abs(flat.error - Math.sqrt(4 / 2 / 5)) < 1e-12);
  t.ok(
    Number.isNaN(
      slopeOf([
        { x: 0, y: 0 },
        { x: 1, y: 1 },
      ]).error,
    ),
  );
});
