// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { Cadence, drawJitter } from './cadence.js';
import { Random } from './random.js';

const regular = { jitterMs: 0.7, irregularStart: false, startDelaysMs: null };

function intervals(count: number, seed = 1): number[] {
  const cadence = new Cadence(regular, new Random(seed, 'timing'));
  return Array.from({ length: count }, (_, i) => cadence.interval(i, 140));
}

function moments(values: readonly number[]): { mean: number; sd: number } {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return { mean, sd: Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length) };
}

t.test('jitter has mean 0 and variance 1, so that the rate is the one asked for', async (t) => {
  const random = new Random(3, 'jitter');
  const { mean, sd } = moments(Array.from({ length: 200_000 }, () => drawJitter(random)));
  t.ok(Math.abs(mean) < 0.01, `mean ${mean}`);
  t.ok(Math.abs(sd - 1) < 0.02, `sd ${sd}`);
});

t.test('a series of 100 looks like the camera: sd 0.7 ms, about 1 ms early, up to 4 ms late', async (t) => {
  const series = Array.from({ length: 200 }, (_, i) => intervals(100, i + 1));
  const sds = series.map((one) => moments(one).sd);
  t.ok(Math.abs(moments(sds).mean - 0.7) < 0.07, `mean sd of series ${moments(sds).mean}`);
  const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length / 2] ?? 0;
  const earliest = median(series.map((one) => Math.min(...one) - 140));
  const latest = median(series.map((one) => Math.max(...one) - 140));
  t.ok(earliest < -0.9 && earliest > -2, `typical earliest ${earliest}`);
  t.ok(latest > 2 && latest < 4.5, `typical latest ${latest}`);
  const all = series.flat();
  t.ok(Math.max(...all) - 140 < 6.5 && Math.min(...all) - 140 > -3, 'and no further');
  const early = all.filter((one) => one < 140).length / all.length;
  t.ok(early > 0.4 && early < 0.65, `both sides: ${early} come early`);
});

t.test('delays of the first stamps are those asked for, or random up to half a period', async (t) => {
  const told = new Cadence(
    { jitterMs: 0, irregularStart: true, startDelaysMs: [571, 52] },
    new Random(1, 't'),
  );
  t.same(
    [0, 1, 2].map((n) => told.interval(n, 100)),
    [671, 152, 100],
  );
  const drawn = new Cadence({ ...regular, jitterMs: 0, irregularStart: true }, new Random(1, 't'));
  for (const n of [0, 1]) {
    const late = drawn.interval(n, 100) - 100;
    t.ok(late > 0 && late < 50, `stamp ${n} is ${late} ms late`);
  }
  t.equal(drawn.interval(2, 100), 100);
});
