// SPDX-License-Identifier: Apache-2.0
// The straight line against synthetic truth. Seeded: the same numbers in every run.
import t from 'tap';
import { fitTrend, madStd, median } from './statistics.js';
import { noise } from './testing-noise.js';

const n = 270;
const times = Float64Array.from({ length: n }, (_, i) => i * 0.111);

function pulls(make: (i: number, normal: () => number, memory: { last: number }) => number, runs = 600) {
  const normal = noise(11);
  const out: number[] = [];
  for (let run = 0; run < runs; run++) {
    const memory = { last: 0 };
    const y = times.map((time, i) => 0.3 + 0.004 * time + make(i, normal, memory));
    const { trend } = fitTrend(times, y);
    out.push((trend.slope - 0.004) / trend.slopeErr);
  }
  const mean = out.reduce((a, b) => a + b, 0) / runs;
  const sd = Math.sqrt(out.reduce((a, b) => a + (b - mean) ** 2, 0) / (runs - 1));
  return { mean, sd };
}

t.test('medians and robust widths', async (t) => {
  t.equal(median([3, 1, Number.NaN, 2]), 2);
  t.equal(median([4, 1, 3, 2]), 2.5);
  t.ok(Number.isNaN(median([])));
  const normal = noise(3);
  const values = Float64Array.from({ length: 20_000 }, () => 2 * normal());
  t.ok(Math.abs(madStd(values) / 2 - 1) < 0.02);
});

t.test('white noise: the slope is unbiased and its error true', async (t) => {
  const { mean, sd } = pulls((_, normal) => 0.05 * normal());
  t.comment(`pull of the slope: mean ${mean.toFixed(3)}, sd ${sd.toFixed(3)}`);
  t.ok(Math.abs(mean) < 0.12, `mean ${mean}`);
  t.ok(sd > 0.88 && sd < 1.1, `sd ${sd}`);
});

t.test('outliers, a tenth of them, change neither', async (t) => {
  const { mean, sd } = pulls((i, normal) => 0.05 * normal() + (i % 10 === 7 ? 3 : 0));
  t.comment(`with outliers: mean ${mean.toFixed(3)}, sd ${sd.toFixed(3)}`);
  t.ok(Math.abs(mean) < 0.15, `mean ${mean}`);
  t.ok(sd > 0.88 && sd < 1.12, `sd ${sd}`);
});

/** Motion that forgets `1 - memory` of itself from stamp to stamp. */
const remembering = (memory: number) => (_: number, normal: () => number, state: { last: number }) => {
  state.last = memory * state.last + 0.05 * normal();
  return state.last;
};

t.test('noise that remembers: the error is true for it, too', async (t) => {
  for (const memory of [0.2, 0.5, 0.7, 0.85]) {
    const { mean, sd } = pulls(remembering(memory), 1200);
    t.comment(`memory ${memory}: mean ${mean.toFixed(3)}, sd ${sd.toFixed(3)}`);
    t.ok(Math.abs(mean) < 0.12, `mean ${mean}`);
    t.ok(sd > 0.9 && sd < 1.1, `memory ${memory}: sd ${sd}`);
  }
});

t.test('motion that remembers, seen with white noise, gaps and outliers', async (t) => {
  const motion = remembering(0.8);
  const { sd } = pulls((i, normal, state) => {
    const y = motion(i, normal, state) + 0.05 * normal();
    if (i % 11 === 3) return Number.NaN;
    return i % 40 === 7 ? y + 3 : y;
  }, 1200);
  t.comment(`sd ${sd.toFixed(3)}`);
  t.ok(sd > 0.9 && sd < 1.1, `sd ${sd}`);
});

t.test('vibration makes the error no smaller than white noise', async (t) => {
  const normal = noise(17);
  const y = times.map((time) => 0.05 * normal() + 0.2 * Math.sin(2 * Math.PI * 2.7 * time));
  const { trend } = fitTrend(times, y);
  const spread = times.reduce((sum, time) => sum + (time - 14.9) ** 2, 0);
  t.ok(trend.slopeErr >= 0.999 * (trend.trendRmse / Math.sqrt(spread)), `${trend.slopeErr}`);
});

t.test('a known drift with gaps and outliers', async (t) => {
  const normal = noise(5);
  const y = times.map((time, i) => {
    if (i % 9 === 4) return Number.NaN;
    return 0.1 - 0.02 * time + 0.01 * normal() + (i % 30 === 1 ? -1 : 0);
  });
  const { trend, residual } = fitTrend(times, y);
  t.ok(Math.abs(trend.slope + 0.02) < 4 * trend.slopeErr && trend.slopeErr < 1e-4, `${trend.slope}`);
  t.ok(Math.abs(trend.intercept - 0.1) < 4 * trend.interceptErr);
  t.ok(Math.abs(trend.trendRmse / 0.01 - 1) < 0.15, `${trend.trendRmse}`);
  t.equal(trend.n, 240);
  t.ok(Math.abs(trend.outlierFrac - 6 / 240) < 1e-9, `${trend.outlierFrac}`);
  t.ok(trend.significance > 100);
  t.ok(trend.madStd > 0.1, 'the drift counts in madStd');
  t.ok(Number.isNaN(residual[4]) && Number.isNaN(residual[1]) && Number.isFinite(residual[2]));
});

t.test('too few, constant and exact data give what can be given', async (t) => {
  t.match(fitTrend([0, 1], [1, 2]).trend, { n: 2, slope: Number.NaN });
  t.match(fitTrend([0, 1, 2, 3], [5, 5, 5, 5]).trend, { slope: 0, intercept: 5, trendRmse: 0, madStd: 0 });
  for (const count of [3, 58, 270]) {
    const same = fitTrend(
      times.slice(0, count),
      times.slice(0, count).map(() => 4 * 0.20005868),
    ).trend;
    t.ok(Math.abs(same.intercept - 0.80023472) < 1e-9 && same.slopeErr < 1e-9, `${count} times the same`);
  }
  const { trend } = fitTrend([0, 1, 2, 3, 4], [0, 2, 4, 6, 8]);
  t.ok(Math.abs(trend.slope - 2) < 1e-12 && trend.outlierFrac === 0);
});
