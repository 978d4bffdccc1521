// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { guideSensors } from '../model/location.js';
import { combine, type Displacement } from './combine.js';

const arcsec = Math.PI / 180 / 3600;

/** Normal deviates from a fixed seed (mulberry32 and Box-Muller). */
function normals(seed: number): () => number {
  let a = seed;
  const uniform = () => {
    a = (a + 0x6d2b79f5) | 0;
    let z = Math.imul(a ^ (a >>> 15), 1 | a);
    z = (z + Math.imul(z ^ (z >>> 7), 61 | z)) ^ z;
    return ((z ^ (z >>> 14)) >>> 0) / 4294967296 + 1e-12;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

interface Truth {
  dx: number;
  dy: number;
  rotationArcsec: number;
}

function moved(truth: Truth, sigma: number, normal: () => number, n = 8): Displacement[] {
  const r = truth.rotationArcsec * arcsec;
  return guideSensors.slice(0, n).map((s) => ({
    x: s.centreXMm,
    y: s.centreYMm,
    dx: truth.dx - r * s.centreYMm + sigma * normal(),
    dy: truth.dy + r * s.centreXMm + sigma * normal(),
    sigmaX: sigma,
    sigmaY: sigma,
  }));
}

t.test('finds dx, dy and rotation exactly when there is no noise', async (t) => {
  const { fit, used } = combine(
    moved({ dx: 0.004, dy: -0.002, rotationArcsec: 3 }, 0, () => 0),
    0.0002,
  );
  t.ok(Math.abs(fit.x - 0.004) < 1e-12);
  t.ok(Math.abs(fit.y + 0.002) < 1e-12);
  t.ok(Math.abs(fit.rotation - 3) < 1e-8);
  t.equal(fit.nSensors, 8);
  t.equal(fit.dof, 13);
  t.ok(used.every(Boolean));
});

t.test('a positive rotation moves a star on +x towards +y', async (t) => {
  const ring = [
    { x: 300, y: 0, dx: 0, dy: 0.003 },
    { x: 0, y: 300, dx: -0.003, dy: 0 },
    { x: -300, y: 0, dx: 0, dy: -0.003 },
  ].map((d) => ({ ...d, sigmaX: 0.001, sigmaY: 0.001 }));
  const { fit } = combine(ring, 0);
  t.ok(Math.abs(fit.rotation - 1e-5 / arcsec) < 1e-6);
  t.ok(Math.abs(fit.x) < 1e-12 && Math.abs(fit.y) < 1e-12);
});

t.test('the errors it gives are the errors it makes', async (t) => {
  const normal = normals(1);
  const truth = { dx: 0.01, dy: -0.03, rotationArcsec: -2 };
  const trials = 2000;
  let pullX = 0;
  let pullY = 0;
  let pullR = 0;
  let rejected = 0;
  for (let k = 0; k < trials; k++) {
    const { fit } = combine(moved(truth, 0.0005, normal), 0);
    pullX += ((fit.x - truth.dx) / fit.xErr) ** 2;
    pullY += ((fit.y - truth.dy) / fit.yErr) ** 2;
    pullR += ((fit.rotation - truth.rotationArcsec) / fit.rotationErr) ** 2;
    rejected += 8 - fit.nSensors;
  }
  for (const pull of [pullX, pullY, pullR]) {
    const rms = Math.sqrt(pull / trials);
    t.ok(rms > 0.8 && rms < 1.1, `pull rms ${rms.toFixed(3)}`);
  }
  t.ok(rejected < 0.01 * 8 * trials, `${rejected} good sensors rejected of ${8 * trials}`);
});

t.test('three wrong stars of eight are named and do not move the answer', async (t) => {
  const normal = normals(2);
  const truth = { dx: 0.002, dy: 0.001, rotationArcsec: 1 };
  for (let k = 0; k < 200; k++) {
    const data = moved(truth, 0.0003, normal);
    const wrong = data.map((d, i) =>
      i === 1 || i === 4 || i === 6 ? { ...d, dx: d.dx + 0.1 * normal(), dy: d.dy + 0.2 } : d,
    );
    const { fit, used } = combine(wrong, 0.0002);
    t.same([used[1], used[4], used[6]], [false, false, false]);
    if (Math.abs(fit.x - truth.dx) > 5 * fit.xErr || Math.abs(fit.rotation - 1) > 5 * fit.rotationErr) {
      t.fail(`trial ${k}: ${JSON.stringify(fit)}`);
    }
  }
});

t.test('errors grow when stars disagree more than their errors say', async (t) => {
  const quiet = combine(moved({ dx: 0, dy: 0, rotationArcsec: 0 }, 0.0005, normals(3)), 0).fit;
  const loud = combine(
    moved({ dx: 0, dy: 0, rotationArcsec: 0 }, 0.005, normals(3)).map((d) => ({
      ...d,
      sigmaX: 0.0005,
      sigmaY: 0.0005,
    })),
    0,
  ).fit;
  t.ok(loud.xErr > 3 * quiet.xErr);
});

t.test('a faint star counts less than a bright one', async (t) => {
  const { fit } = combine(
    [
      { x: -200, y: 250, dx: 0.001, dy: 0, sigmaX: 0.0001, sigmaY: 0.0001 },
      { x: 200, y: 250, dx: 0.002, dy: 0, sigmaX: 0.001, sigmaY: 0.001 },
    ],
    0,
  );
  t.ok(Math.abs(fit.x - (0.001 * 100 + 0.002) / 101) < 1e-12);
});

t.test('two sensors or one give a translation without rotation', async (t) => {
  const data = moved({ dx: 0.004, dy: 0.001, rotationArcsec: 0 }, 0, () => 0);
  for (const n of [1, 2]) {
    const { fit } = combine(data.slice(0, n), 0.0002);
    t.ok(Math.abs(fit.x - 0.004) < 1e-12);
    t.ok(Number.isNaN(fit.rotation) && Number.isNaN(fit.rotationErr));
    t.equal(fit.nSensors, n);
    t.ok(fit.xErr > 0);
  }
});

t.test('no sensor gives no numbers', async (t) => {
  const { fit } = combine([], 0.0002);
  t.ok(Number.isNaN(fit.x) && Number.isNaN(fit.xErr));
  t.equal(fit.nSensors, 0);
});
