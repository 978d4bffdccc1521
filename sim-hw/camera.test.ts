// SPDX-License-Identifier: Apache-2.0
// The agent's geometry against the simulated camera, which is derived from the mechanics: a sky that moves by +x
// must be the same +x on every sensor, whichever way its amplifier is read out and its CCD is turned.
import t from 'tap';
import {
  amplifiers,
  ccdToFocalPlane,
  focalPlaneToRoi,
  type Point,
  roiToCcd,
  roiToFocalPlane,
} from '../agent/model/geometry.js';
import { guideSensors } from '../agent/model/location.js';
import * as camera from './camera.js';
import { Random } from './random.js';
import { Sky } from './sky.js';

const roiOf = (segment: number) => ({ segment, startRow: 811, startCol: 37 });
const far = (a: Point, b: Point) => Math.hypot(a.x - b.x, a.y - b.y);
const stillSky = () =>
  new Sky({ seed: 1, driftArcsecPerS: 0, jitterArcsec: 0, rotationArcsecPerS: 0, seeingMotionPx: 0 });

t.test('the simulated camera and the agent agree to 1e-9 px on every sensor and segment', async (t) => {
  let worst = 0;
  for (const sensor of guideSensors) {
    for (const { segment } of amplifiers) {
      const roi = roiOf(segment);
      for (const p of [
        { x: 0, y: 0 },
        { x: 24.375, y: 31.8125 },
        { x: 399, y: 399 },
      ]) {
        const mm = camera.roiToFocalPlane(sensor, roi, p);
        worst = Math.max(worst, far(mm, roiToFocalPlane(sensor, roi, p)) / 0.01);
        worst = Math.max(worst, far(camera.focalPlaneToRoi(sensor, roi, mm), p));
        worst = Math.max(worst, far(focalPlaneToRoi(sensor, roi, mm), p));
      }
    }
  }
  t.ok(worst < 1e-9, `worst ${worst} px`);
});

t.test('a sky that moves by +x, or by +y, is the same vector on every sensor and segment', async (t) => {
  const sky = stillSky();
  const home = { x: 23.5, y: 26.25 };
  for (const move of [
    { x: 0.0137, y: 0 },
    { x: 0, y: 0.0137 },
  ]) {
    let worst = 0;
    for (const sensor of guideSensors) {
      for (const { segment } of amplifiers) {
        const roi = { ...roiOf(segment), sensor };
        const motion = { dxMm: move.x, dyMm: move.y, rotationArcsec: 0 };
        const seen = sky.place(roi, home, motion, new Random(1, 'own'));
        const before = roiToFocalPlane(sensor, roi, home);
        const after = roiToFocalPlane(sensor, roi, seen);
        worst = Math.max(worst, far({ x: after.x - before.x, y: after.y - before.y }, move));
      }
    }
    t.ok(worst / 0.01 < 1e-9, `worst ${worst / 0.01} px`);
  }
});

t.test('a sky that turns from x to y moves each sensor at right angles to its place', async (t) => {
  const sky = stillSky();
  const home = { x: 23.5, y: 26.25 };
  const rotationArcsec = 20;
  for (const sensor of guideSensors) {
    const roi = { ...roiOf(13), sensor };
    const motion = { dxMm: 0, dyMm: 0, rotationArcsec };
    const before = roiToFocalPlane(sensor, roi, home);
    const after = roiToFocalPlane(sensor, roi, sky.place(roi, home, motion, new Random(1, 'own')));
    const angle = Math.atan2(after.y, after.x) - Math.atan2(before.y, before.x);
    t.ok(Math.abs(angle * 206_264.806 - rotationArcsec) < 1e-6, sensor.detectorName);
  }
});

t.test('the readout corners of a CCD are its edge pixels, in CCD and in the focal plane', async (t) => {
  const r44sg1 = guideSensors[7];
  if (!r44sg1) throw new Error('eight sensors');
  const at = (segment: number) => {
    const roi = { segment, startRow: 0, startCol: 0 };
    return {
      ccd: roiToCcd(roi, { x: 0, y: 0 }),
      mm: camera.roiToFocalPlane(r44sg1, roi, { x: 0, y: 0 }),
    };
  };
  // C07 and C17 end at the CCD's right edge, 20.355 mm from its centre; C0x at the bottom, C1x at the top.
  t.same(at(7).ccd, { x: 4071, y: 0 });
  t.ok(far(at(7).mm, { x: 258.74 + 20.355, y: 212.24 - 19.995 }) < 1e-9);
  t.same(at(17).ccd, { x: 4071, y: 3999 });
  t.ok(far(at(17).mm, { x: 258.74 + 20.355, y: 212.24 + 19.995 }) < 1e-9);
  t.same(at(0).ccd, { x: 508, y: 0 });
  t.ok(far(at(0).mm, ccdToFocalPlane(r44sg1, { x: 508, y: 0 })) < 1e-9);
});
