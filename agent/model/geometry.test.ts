// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import {
  amplifiers,
  ccdToFocalPlane,
  ccdToRoi,
  errorsToFocalPlane,
  focalPlaneToCcd,
  focalPlaneToRoi,
  isSegment,
  momentsToFocalPlane,
  type Point,
  roiToCcd,
  roiToFocalPlane,
} from './geometry.js';
import {
  guideSensorAt,
  guideSensorNamed,
  guideSensors,
  nameOfLocation,
  packLocation,
  unpackLocation,
} from './location.js';

const close = (a: Point, b: Point) => Math.hypot(a.x - b.x, a.y - b.y) < 1e-9;

t.test('a location packs bay, board and sensor the DAQ way', async (t) => {
  t.equal(packLocation({ bay: 20, board: 1, sensor: 0 }), 183);
  t.same(unpackLocation(220), { bay: 24, board: 1, sensor: 1 });
  for (let n = 0; n < 225; n++) t.equal(packLocation(unpackLocation(n)), n);
  t.equal(guideSensorAt(39)?.detectorName, 'R04_SG0');
  t.equal(guideSensorNamed('R44SG1')?.detector, 202);
  t.equal(guideSensorNamed('R44_SG1')?.location, 220);
  t.equal(guideSensorAt(5), undefined);
  t.equal(nameOfLocation(112), 'R22_S11');
  t.equal(nameOfLocation(255), 'location_255');
});

t.test('the eight centres lie on one circle around the axis', async (t) => {
  t.equal(guideSensors.length, 8);
  for (const s of guideSensors) {
    t.ok(Math.abs(Math.hypot(s.centreXMm, s.centreYMm) - 334.7) < 0.1, s.detectorName);
  }
});

t.test('the readout corner of each amplifier sits at the CCD edge it is read from', async (t) => {
  const corner = (segment: number) => roiToCcd({ segment, startRow: 0, startCol: 0 }, { x: 0, y: 0 });
  t.same(corner(0), { x: 508, y: 0 });
  t.same(corner(7), { x: 4071, y: 0 });
  t.same(corner(10), { x: 508, y: 3999 });
  t.same(corner(17), { x: 4071, y: 3999 });
  t.same(roiToCcd({ segment: 13, startRow: 800, startCol: 56 }, { x: 4.5, y: 2.25 }), {
    x: 509 * 3 + 508 - 60.5,
    y: 3999 - 802.25,
  });
});

t.test('the table names sixteen amplifiers that cover the CCD once', async (t) => {
  t.same(
    amplifiers.map((amp) => amp.name),
    [
      'C00',
      'C01',
      'C02',
      'C03',
      'C04',
      'C05',
      'C06',
      'C07',
      'C10',
      'C11',
      'C12',
      'C13',
      'C14',
      'C15',
      'C16',
      'C17',
    ],
  );
  const spans = amplifiers.map(({ segment }) => {
    const a = roiToCcd({ segment, startRow: 0, startCol: 0 }, { x: 0, y: 0 });
    const b = roiToCcd({ segment, startRow: 0, startCol: 0 }, { x: 508, y: 1999 });
    return [Math.min(a.x, b.x), Math.max(a.x, b.x), Math.min(a.y, b.y), Math.max(a.y, b.y)];
  });
  t.same(
    spans,
    amplifiers.map((_, i) => {
      const x = (i % 8) * 509;
      const y = i < 8 ? 0 : 2000;
      return [x, x + 508, y, y + 1999];
    }),
  );
});

t.test('labels 8, 9 and 18 name no amplifier', async (t) => {
  t.same([-1, 0, 7, 8, 9, 10, 17, 18, 1.5].filter(isSegment), [0, 7, 10, 17]);
});

t.test('a quarter turn takes CCD x to focal-plane y', async (t) => {
  const r40sg1 = guideSensorNamed('R40_SG1');
  t.ok(r40sg1);
  if (!r40sg1) return;
  const a = ccdToFocalPlane(r40sg1, { x: 2035.5, y: 1999.5 });
  t.ok(close(a, { x: -212.24, y: 258.74 }));
  const b = ccdToFocalPlane(r40sg1, { x: 2135.5, y: 1999.5 });
  t.ok(close(b, { x: -212.24, y: 259.74 }));
});

t.test('every transform has its inverse on every sensor and segment', async (t) => {
  const p = { x: 12.25, y: 33.5 };
  for (const sensor of guideSensors) {
    for (const { segment } of amplifiers) {
      const roi = { segment, startRow: 700, startCol: 21 };
      t.ok(close(ccdToRoi(roi, roiToCcd(roi, p)), p));
      t.ok(close(focalPlaneToCcd(sensor, ccdToFocalPlane(sensor, p)), p));
      t.ok(close(focalPlaneToRoi(sensor, roi, roiToFocalPlane(sensor, roi, p)), p));
    }
  }
});

t.test('moments and errors turn with the axes', async (t) => {
  // A line of two points along a known ROI direction has moments that must match its image in the plane.
  const v = { x: 3, y: 1 };
  for (const sensor of guideSensors) {
    for (const { segment } of amplifiers) {
      const roi = { segment, startRow: 100, startCol: 100 };
      const a = roiToFocalPlane(sensor, roi, { x: 20, y: 20 });
      const b = roiToFocalPlane(sensor, roi, { x: 20 + v.x, y: 20 + v.y });
      const d = { x: b.x - a.x, y: b.y - a.y };
      const m = momentsToFocalPlane(sensor, segment, { xx: v.x * v.x, yy: v.y * v.y, xy: v.x * v.y });
      t.ok(Math.abs(m.xx - d.x * d.x) < 1e-12);
      t.ok(Math.abs(m.yy - d.y * d.y) < 1e-12);
      t.ok(Math.abs(m.xy - d.x * d.y) < 1e-12, `${sensor.detectorName} ${segment}`);
      const e = errorsToFocalPlane(sensor, v.x, v.y);
      t.ok(close(e, { x: Math.abs(d.x), y: Math.abs(d.y) }));
    }
  }
});
