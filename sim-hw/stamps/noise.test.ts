// SPDX-License-Identifier: Apache-2.0
// Moments of the fast noise, and that it follows from the seed.
import t from 'tap';
import { Random } from '../random.js';
import { Noise } from './noise.js';

const draws = 200_000;

function momentsOf(draw: () => number): { mean: number; variance: number } {
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < draws; i++) {
    const value = draw();
    sum += value;
    squares += value * value;
  }
  return { mean: sum / draws, variance: squares / draws - (sum / draws) ** 2 };
}

t.test('the same seed gives the same noise', async (t) => {
  const [a, b, c] = [
    new Noise(new Random(1, 'a')),
    new Noise(new Random(1, 'a')),
    new Noise(new Random(2, 'a')),
  ];
  const first = Array.from({ length: 8 }, () => a.normal());
  t.same(
    Array.from({ length: 8 }, () => b.normal()),
    first,
  );
  t.notSame(
    Array.from({ length: 8 }, () => c.normal()),
    first,
  );
});

t.test('normal deviates have mean 0 and variance 1', async (t) => {
  const noise = new Noise(new Random(4, 'normal'));
  const { mean, variance } = momentsOf(() => noise.normal());
  t.ok(Math.abs(mean) < 5 / Math.sqrt(draws), `mean ${mean}`);
  t.ok(Math.abs(variance - 1) < 5 * Math.sqrt(2 / draws), `variance ${variance}`);
});

for (const wanted of [0.05, 1, 8, 11.9, 12.1, 40, 3000, 1e6]) {
  t.test(`Poisson counts of mean ${wanted} have that mean and variance`, async (t) => {
    const noise = new Noise(new Random(5, `poisson ${wanted}`));
    const { mean, variance } = momentsOf(() => noise.poisson(wanted) - wanted);
    t.ok(Math.abs(mean) < 5 * Math.sqrt(wanted / draws), `mean off by ${mean}`);
    // The variance of a sample variance: (2 + 1 / mean) variance^2 / n
    const spread = wanted * Math.sqrt((2 + 1 / wanted) / draws);
    t.ok(Math.abs(variance - wanted) < 5 * spread, `variance ${variance}`);
  });
}

t.test('small counts follow the Poisson distribution', async (t) => {
  const noise = new Noise(new Random(6, 'counts'));
  const counts = new Array<number>(20).fill(0);
  for (let i = 0; i < draws; i++) {
    const k = Math.min(noise.poisson(2), 19);
    counts[k] = (counts[k] ?? 0) + 1;
  }
  let chance = Math.exp(-2);
  for (let k = 0; k < 8; k++) {
    t.ok(Math.abs((counts[k] ?? 0) / draws - chance) < 5 * Math.sqrt(chance / draws), `count ${k}`);
    chance *= 2 / (k + 1);
  }
});
