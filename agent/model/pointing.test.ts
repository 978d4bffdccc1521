// SPDX-License-Identifier: Apache-2.0
// Signs and scales against spherical trigonometry done in full with vectors, not against the formulas themselves.
import t from 'tap';
import { AgentError } from './errors.js';
import { arcsecPerMm, type Point } from './geometry.js';
import { guideSensors } from './location.js';
import {
  commandNames,
  ellipticityAltAz,
  ellipticityOf,
  guiderArcsecPerMm,
  type Pointing,
  parallacticDeg,
  parsePointing,
  profileNames,
  siteLatitudeDeg,
  skyScaleAt,
  toAltAz,
  toArcsec,
  varianceAltAz,
  wrapDeg,
} from './pointing.js';

const degree = Math.PI / 180;
type Vector = readonly [number, number, number];
const dot = (a: Vector, b: Vector) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const sum = (...v: Vector[]): Vector => [
  v.reduce((s, a) => s + a[0], 0),
  v.reduce((s, a) => s + a[1], 0),
  v.reduce((s, a) => s + a[2], 0),
];
const times = (k: number, a: Vector): Vector => [k * a[0], k * a[1], k * a[2]];
const unit = (a: Vector): Vector => times(1 / Math.sqrt(dot(a, a)), a);
const cross = (a: Vector, b: Vector): Vector => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];

/** Horizon frame: x north, y east, z up. */
const direction = (altDeg: number, azDeg: number): Vector => [
  Math.cos(altDeg * degree) * Math.cos(azDeg * degree),
  Math.cos(altDeg * degree) * Math.sin(azDeg * degree),
  Math.sin(altDeg * degree),
];
const pole: Vector = [Math.cos(siteLatitudeDeg * degree), 0, Math.sin(siteLatitudeDeg * degree)];
const zenith: Vector = [0, 0, 1];

/** North and east on the sky at a direction. */
function northEast(at: Vector): { north: Vector; east: Vector } {
  const north = unit(sum(pole, times(-dot(pole, at), at)));
  // Facing out along `at` with north up, east is to the left; the horizon frame is left-handed.
  return { north, east: cross(at, north) };
}

/** DVCS axes on the sky: +y at the position angle, +x at the position angle less 90 degrees. */
function axes(pointing: Pointing): { at: Vector; x: Vector; y: Vector } {
  const at = direction(pointing.altDeg, pointing.azDeg);
  const { north, east } = northEast(at);
  const along = (angle: number) =>
    sum(times(Math.cos(angle * degree), north), times(Math.sin(angle * degree), east));
  return { at, y: along(pointing.rotatorDeg), x: along(pointing.rotatorDeg - 90) };
}

const fields = [
  [70, 180, 0],
  [45, 100, 37],
  [62, 250, -140],
  [30, 0, 91],
  [80, 320, 200],
] as const;
const pointings = fields.map(([alt_deg, az_deg, rotator_deg]) =>
  parsePointing({ alt_deg, az_deg, rotator_deg }, commandNames),
);

t.test('east is where azimuth 90 is, and the parallactic angle is positive in the west', async (t) => {
  const { east } = northEast(direction(10, 0));
  t.ok(dot(east, [0, 1, 0]) > 0.9);
  t.ok(parallacticDeg(50, 270) > 0 && parallacticDeg(50, 90) < 0);
  t.ok(Math.abs(parallacticDeg(70, 180)) < 1e-12, 'south of the zenith the zenith is towards the north');
  t.ok(Math.abs(Math.abs(parallacticDeg(30, 0)) - 180) < 1e-12);
});

t.test('the parallactic angle is the position angle of the zenith', async (t) => {
  for (const { altDeg, azDeg } of pointings) {
    const at = direction(altDeg, azDeg);
    const { north, east } = northEast(at);
    const up = unit(sum(zenith, times(-dot(zenith, at), at)));
    const angle = Math.atan2(dot(up, east), dot(up, north)) / degree;
    t.ok(Math.abs(wrapDeg(angle - parallacticDeg(altDeg, azDeg))) < 1e-9, `${altDeg} ${azDeg}`);
  }
});

t.test('camera rotation is parallactic - rotator - 90, and either can be given', async (t) => {
  for (const p of pointings) {
    t.ok(Math.abs(wrapDeg(p.parallacticDeg - p.rotatorDeg - 90 - p.cameraRotationDeg)) < 1e-9);
    const { altDeg, azDeg, cameraRotationDeg } = p;
    const same = parsePointing({ altDeg, azDeg, cameraRotationDeg }, profileNames);
    t.ok(Math.abs(wrapDeg(same.rotatorDeg - p.rotatorDeg)) < 1e-9);
  }
});

t.test('the example of the README', async (t) => {
  const pointing = parsePointing({ alt_deg: 70, az_deg: 180, rotator_deg: -90 }, commandNames);
  t.ok(Math.abs(pointing.parallacticDeg) < 1e-9 && Math.abs(pointing.cameraRotationDeg) < 1e-9);
  const right = toAltAz(pointing, { x: 1, y: 0 });
  t.ok(Math.abs(right.dalt + 1) < 1e-9 && Math.abs(right.daz) < 1e-9, '+x is down');
  const up = toAltAz(pointing, { x: 0, y: 1 });
  t.ok(Math.abs(up.daz - 1) < 1e-9 && Math.abs(up.dalt) < 1e-9, '+y is towards larger azimuth');
});

t.test('a star that moves in the camera moves so in altitude and azimuth', async (t) => {
  const step = 1e-7;
  for (const pointing of pointings) {
    const { at, x, y } = axes(pointing);
    for (const v of [
      { x: 1, y: 0 },
      { x: 0, y: 1 },
      { x: -0.6, y: 0.8 },
    ]) {
      const moved = unit(sum(at, times(v.x * step, x), times(v.y * step, y)));
      const dalt = (Math.asin(moved[2]) - Math.asin(at[2])) / step;
      const turn = Math.atan2(moved[1], moved[0]) - Math.atan2(at[1], at[0]);
      const daz = (Math.atan2(Math.sin(turn), Math.cos(turn)) * Math.cos(pointing.altDeg * degree)) / step;
      const got = toAltAz(pointing, v);
      t.ok(Math.abs(got.dalt - dalt) < 1e-5 && Math.abs(got.daz - daz) < 1e-5, `${pointing.azDeg}`);
    }
  }
});

t.test('every sensor tells the same shift of the boresight, and all together their mean', async (t) => {
  const c = [1, -8.33713991e-9, -1.41389858e-15] as const;
  const scale = (arcsecPerMm / 3600) * degree;
  const tangent = (mm: Point): Point => {
    const r2 = mm.x ** 2 + mm.y ** 2;
    const k = scale * (c[0] + c[1] * r2 + c[2] * r2 * r2);
    return { x: k * mm.x, y: k * mm.y };
  };
  /** Where the star at a place goes when the boresight's image is shifted by d (rad). */
  const shifted = (place: Point, d: Point): Point => {
    const s = tangent(place);
    const v: Vector = [s.x + d.x, s.y + d.y, 1 - s.x * d.x - s.y * d.y];
    const want = { x: v[0] / v[2], y: v[1] / v[2] };
    let mm = place;
    for (let i = 0; i < 60; i++) {
      const now = tangent(mm);
      mm = { x: mm.x + (want.x - now.x) / scale, y: mm.y + (want.y - now.y) / scale };
    }
    return { x: mm.x - place.x, y: mm.y - place.y };
  };
  const d = { x: 0.3 / 206_264.806, y: -0.2 / 206_264.806 };
  let [meanX, meanY] = [0, 0];
  for (const s of guideSensors) {
    const place = { x: s.centreXMm, y: s.centreYMm };
    const moved = shifted(place, d);
    const told = toArcsec(skyScaleAt(place), moved);
    t.ok(Math.hypot(told.x - 0.3, told.y + 0.2) < 2e-6, `${s.detectorName} ${told.x} ${told.y}`);
    meanX += moved.x / 8;
    meanY += moved.y / 8;
  }
  t.ok(Math.abs(meanX * guiderArcsecPerMm - 0.3) < 1e-5, `${meanX * guiderArcsecPerMm}`);
  t.ok(Math.abs(meanY * guiderArcsecPerMm + 0.2) < 1e-5);
  t.ok(Math.abs(guiderArcsecPerMm / arcsecPerMm - 0.99755) < 2e-5);
  t.same(toArcsec(skyScaleAt({ x: 0, y: 0 }), { x: 1, y: 2 }), { x: arcsecPerMm, y: 2 * arcsecPerMm });
});

t.test('ellipticity turns by twice the angle: a trail along a direction stays along it', async (t) => {
  for (const pointing of pointings) {
    for (const angle of [0, 30, 75, 140]) {
      const v = { x: Math.cos(angle * degree), y: Math.sin(angle * degree) };
      const camera = ellipticityOf({ xx: 1 + v.x * v.x, yy: 1 + v.y * v.y, xy: v.x * v.y });
      const { daz, dalt } = toAltAz(pointing, v);
      const sky = ellipticityOf({ xx: 1 + daz * daz, yy: 1 + dalt * dalt, xy: daz * dalt });
      const got = ellipticityAltAz(pointing, camera);
      t.ok(Math.abs(got.e1 - sky.e1) < 1e-12 && Math.abs(got.e2 - sky.e2) < 1e-12);
    }
  }
  t.same(ellipticityOf({ xx: 3, yy: 1, xy: 0 }), { e1: 0.5, e2: 0 });
});

t.test('variances turn with the axes', async (t) => {
  for (const pointing of pointings) {
    const v = { x: 0.3, y: -0.7 };
    const { daz, dalt } = toAltAz(pointing, v);
    const got = varianceAltAz(pointing, { xx: v.x * v.x, xy: v.x * v.y, yy: v.y * v.y });
    t.ok(Math.abs(got.daz - daz * daz) < 1e-12 && Math.abs(got.dalt - dalt * dalt) < 1e-12);
  }
});

t.test('everything wrong with a pointing is told at once', async (t) => {
  const problems = (from: Record<string, unknown>) => {
    try {
      parsePointing(from, commandNames);
    } catch (error) {
      return error instanceof AgentError ? error.problems : ['not a refusal'];
    }
    return [];
  };
  t.same(problems({ alt_deg: 95, az_deg: '12', rotator: 3 }), [
    'rotator: expected only alt_deg, az_deg, rotator_deg, camera_rotation_deg, parallactic_deg, latitude_deg, got this key too',
    'alt_deg: expected degrees 0..90, got 95',
    'az_deg: expected degrees -360..360, got "12"',
    'expected rotator_deg or camera_rotation_deg, got neither',
  ]);
  t.same(problems({ rotator_deg: 1, camera_rotation_deg: 2 }).slice(0, 1), [
    'alt_deg: expected degrees, got nothing',
  ]);
  t.same(problems({ alt_deg: 40, az_deg: 10, rotator_deg: 0, latitude_deg: -30 }), []);
});
