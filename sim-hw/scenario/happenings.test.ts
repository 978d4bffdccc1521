// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { guideSensorNamed } from '../../agent/model/location.js';
import { SensorConditions } from './conditions.js';
import { eventFate, lateStart, splitRoi } from './events.js';
import { along, type Happening, inside, type Moment } from './happenings.js';
import { disturbedMotion } from './motion.js';
import { shutterLight } from './shutter.js';

const first: Moment = {
  series: 1,
  exposure: 1,
  inSeries: 0,
  inExposure: 0,
  ofExposure: 30,
  periodS: 0.1,
};

/** Stamp `n` of the first exposure. */
const stamp = (n: number): Moment => ({ ...first, inSeries: n, inExposure: n });

function conditionsAt(n: number, ...happenings: readonly Happening[]) {
  const sensor = guideSensorNamed('R00_SG0');
  if (sensor === undefined) throw new Error('R00_SG0 is no guide sensor');
  return new SensorConditions(happenings, sensor, 1, 50).at(stamp(n));
}

t.test('a window counts stamps of the series, or of one exposure of it', async (t) => {
  const second: Moment = { ...first, exposure: 2, inSeries: 35, inExposure: 5 };
  t.equal(inside({}, second), 35);
  t.equal(inside({ from: 30, stamps: 6 }, second), 5);
  t.equal(inside({ from: 30, stamps: 5 }, second), null);
  t.equal(inside({ exposure: 2, from: 4 }, second), 1);
  t.equal(inside({ exposure: 1 }, second), null);
  t.equal(inside({ series: 2 }, second), null);
  t.equal(inside({ from: 35 }, second, 1), 0, 'as many as is usual');
});

t.test('a curve is straight between its points and level outside', async (t) => {
  const curve = [
    [10, 1],
    [20, 0],
  ] as const;
  t.same(
    [0, 10, 15, 20, 99].map((at) => along(curve, at)),
    [1, 1, 0.5, 0, 0],
  );
});

t.test('happenings concern the sensors they name, when they say', async (t) => {
  const dead: Happening = { what: 'dead', sensors: 'R00_SG0', from: 5, stamps: 2 };
  t.same(
    [4, 5, 6, 7].map((n) => conditionsAt(n, dead).leaves),
    [true, false, false, true],
  );
  t.equal(conditionsAt(5, { ...dead, sensors: ['R44_SG1'] }).leaves, true);
  t.same(conditionsAt(5, dead).nuisances, ['dead']);
});

t.test('clouds multiply, seeing replaces, the streak of a satellite lasts one stamp', async (t) => {
  const half: Happening = { what: 'clouds', transparency: 0.5 };
  const rising: Happening = {
    what: 'clouds',
    from: 10,
    curve: [
      [0, 0],
      [10, 1],
    ],
  };
  t.equal(conditionsAt(15, half, rising).light, 0.25);
  t.equal(conditionsAt(15, { what: 'seeing', fwhm: 7 }).fwhm, 7);
  const satellite: Happening = { what: 'satellite', from: 3 };
  t.same(
    [2, 3, 4].map((n) => conditionsAt(n, satellite).streaks.length),
    [0, 1, 0],
  );
  t.equal(conditionsAt(4, { ...satellite, stamps: 2 }).streaks.length, 1);
});

t.test('a wrong star stands elsewhere and goes its own way', async (t) => {
  const wrong: Happening = { what: 'wrong-star', 'offset-px': [3, -2], 'drift-px-per-s': [1, 0], from: 10 };
  t.same(conditionsAt(9, wrong).displaced, [0, 0]);
  t.same(conditionsAt(10, wrong).displaced, [3, -2]);
  t.same(conditionsAt(20, wrong).displaced, [4, -2]);
  const [x, y] = conditionsAt(0, { what: 'wrong-star', 'jitter-px': 0.5 }).displaced;
  t.ok(x !== 0 && y !== 0 && Math.hypot(x, y) < 3);
});

t.test('wind has its lines; drift and rotation keep what they reached', async (t) => {
  const still = { dxMm: 0, dyMm: 0, rotationArcsec: 0 };
  const arcsec = (n: number, ...happenings: readonly Happening[]) => {
    const { dxMm, dyMm, rotationArcsec } = disturbedMotion(happenings, still, stamp(n));
    return [dxMm * 20.005868, dyMm * 20.005868, rotationArcsec].map((one) => Math.round(one * 1e6) / 1e6);
  };
  const wind: Happening = { what: 'wind', lines: [{ hz: 2.5, arcsec: 0.2, 'direction-deg': 90 }] };
  t.same(
    [0, 1, 2].map((n) => arcsec(n, wind)),
    [
      [0, 0, 0],
      [0, 0.2, 0],
      [0, 0, 0],
    ],
  );
  const drift: Happening = { what: 'drift', 'arcsec-per-s': 1, from: 10, stamps: 5 };
  t.same(
    [5, 12, 15, 40].map((n) => arcsec(n, drift)[0]),
    [0, 0.2, 0.5, 0.5],
  );
  t.same(arcsec(20, { what: 'rotation', 'arcsec-per-s': 3 }), [0, 0, 6]);
  const jump: Happening = { what: 'jump', arcsec: [0.5, -0.1], from: 3, stamps: 1 };
  t.same(
    [2, 3, 4].map((n) => arcsec(n, jump)[0]),
    [0, 0.5, 0],
  );
});

t.test('the blades reach the sensors one after the other, at both ends', async (t) => {
  const light = (n: number, xMm: number) => shutterLight({ ms: 1000 }, stamp(n), xMm, 50);
  // x = -350 mm is reached at once, +350 mm after a second: stamp n integrates from 50 ms before (n + 1) x 100 ms.
  t.same([light(0, -350), light(0, 350), light(8, 350), light(9, 350), light(10, 350)], [1, 0, 0, 0, 1]);
  t.same(
    [light(19, -350), light(20, -350)],
    [1, 0],
    'the closing blade passes in the last second of 30 stamps',
  );
  t.equal(light(29, 350), 1);
  t.equal(light(4, 0), 0, 'opens at 500 ms');
  t.ok(Math.abs(light(4, -17.5) - 0.5) < 1e-9, 'opens at 475 ms, half way through the integration');
  t.equal(shutterLight({ exposure: 2 }, stamp(0), 350, 50), 1, 'another exposure');
});

t.test('what becomes of messages is found by event, sensor, series and exposure', async (t) => {
  const fates = [
    { event: 'PAUSE', fate: 'lost', series: 1, exposure: 2 },
    { event: 'START', fate: 'twice', sensors: ['R00_SG0'] },
  ] as const;
  t.equal(eventFate(fates, 'PAUSE', 'R44_SG1', 1, 2), 'lost');
  t.equal(eventFate(fates, 'PAUSE', 'R44_SG1', 1, 1), null);
  t.equal(eventFate(fates, 'START', 'R00_SG0', 9, 0), 'twice');
  t.equal(eventFate(fates, 'START', 'R44_SG1', 9, 0), null);
});

t.test('late starts and split ROIs belong to sensors and series', async (t) => {
  const happenings: readonly Happening[] = [
    { what: 'late-start', sensors: 'R00_SG0', stamps: 5, series: 2 },
    { what: 'split-roi', sensors: 'R44_SG1', column: 20 },
  ];
  t.equal(lateStart(happenings, 'R00_SG0', 1), null);
  t.same(lateStart(happenings, 'R00_SG0', 2), { stamps: 5, start: 'late' });
  t.equal(lateStart(happenings, 'R44_SG1', 2), null);
  t.same(splitRoi(happenings, 'R44_SG1', 1, 50), { column: 20, stepAdu: 300 });
  t.equal(splitRoi(happenings, 'R00_SG0', 1, 50), null);
});
