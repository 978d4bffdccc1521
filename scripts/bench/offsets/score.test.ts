// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { guideSensors } from '../../../agent/model/location.js';
import { Random } from '../../../sim-hw/random.js';
import { scored, scoreOf } from './score.js';
import { offsetTheory, type StarTruth, starError } from './theory.js';

const stars: readonly StarTruth[] = guideSensors.map(({ detectorName }) => ({
  sensor: detectorName,
  x: 24.6,
  y: 25.1,
  flux_e: 5700,
  fwhm_px: 4,
  gain: 1.3,
  read_noise_e: 7,
}));

t.test('eight like stars are sqrt(8) better than one, twice measured', async (t) => {
  const [first] = stars;
  if (first === undefined) throw new Error('no star');
  const one = starError(first, 50);
  const { x, y, rotation } = offsetTheory(stars, 50);
  t.ok(one.x > 0.0002 && one.x < 0.0008, `one star of SNR 50: ${one.x} mm`);
  t.ok(Math.abs(x / (one.x * Math.sqrt(2 / 8)) - 1) < 0.02, `x ${x}`);
  t.ok(Math.abs(y / x - 1) < 0.02, `y ${y}`);
  // All stand 334.7 mm from the axis; the rotation is measured by their motion along the circle.
  t.ok(
    Math.abs((rotation / 206_264.8) * 334.7 * Math.sqrt(8 / 2) - one.x) / one.x < 0.02,
    `rotation ${rotation}`,
  );
});

t.test('fewer stars know less, and six of eight still know the rotation', async (t) => {
  const all = offsetTheory(stars, 50);
  const six = offsetTheory(stars.slice(2), 50);
  t.ok(six.x / all.x > 1.1 && six.x / all.x < 1.5);
  t.ok(six.rotation / all.rotation > 1.1 && six.rotation / all.rotation < 1.6);
});

t.test('errors as theory has them score 1, and honest errors pull by 1', async (t) => {
  const theory = offsetTheory(stars, 50);
  const random = new Random(1, 'score');
  const none = { dx_mm: 0.1, dy_mm: -0.2, rotation_arcsec: 3 };
  const now = { dx_mm: 0.3, dy_mm: 0.1, rotation_arcsec: 4 };
  const all = Array.from({ length: 4000 }, () =>
    scored(
      {
        x: 0.2 + theory.x * random.normal(),
        y: 0.3 + 2 * theory.y * random.normal(),
        rotation: 1 + theory.rotation * random.normal(),
        x_err: theory.x,
        y_err: theory.y,
        rotation_err: theory.rotation / 2,
      },
      now,
      none,
    ),
  );
  const score = scoreOf(all, theory);
  t.equal(score.count, 4000);
  for (const [value, expected] of [
    [score.x.ratio, 1],
    [score.x.pull, 1],
    [score.y.ratio, 2],
    [score.rotation.ratio, 1],
    [score.rotation.pull, 2],
  ] as const)
    t.ok(Math.abs(value / expected - 1) < 0.05, `${value} for ${expected}`);
});
