// SPDX-License-Identifier: Apache-2.0
// Who keeps its star, who is not believed, and what offsets count from: as a subscriber sees it.
import t from 'tap';
import { flagBits, isFlagged } from '../model/flags.js';
import { focalPlaneToRoi, roiToFocalPlane } from '../model/geometry.js';
import type { GuideSensor } from '../model/location.js';
import { Bench, without } from './testing-bench.js';
import { all, measurement, roi } from './testing-records.js';

const star = { x: 24.5, y: 25.25 };
const rad = Math.PI / 180 / 3600;
const here = { dx: 0, dy: 0, rotation: 0 };

interface Move {
  readonly dx: number;
  readonly dy: number;
  readonly rotation: number;
}

/** A measurement at a place in the ROI (px) that has moved with the sky. */
function at(sensor: GuideSensor, place: { x: number; y: number }, by: Move, over = {}) {
  const mm = roiToFocalPlane(sensor, roi, place);
  const moved = { x: mm.x + by.dx - by.rotation * mm.y, y: mm.y + by.dy + by.rotation * mm.x };
  return { measurement: measurement(focalPlaneToRoi(sensor, roi, moved), over) };
}

type Place = { x: number; y: number; radius: number } | null;

function watched() {
  const asked: [number, Place][] = [];
  const bench = new Bench({}, { predict: (location, place) => asked.push([location, place]) });
  bench.open();
  return { bench, asked };
}

/** The fourth sensor and its place in the arrays. */
const victim = all[3] as GuideSensor;
const tracksOf = (bench: Bench) =>
  bench.sink.of('guider.acquisition').map((m) => {
    const track = m.tracks[3];
    return `${track?.state} ${track?.star}${m.excluded[3] === '' ? '' : ` (${m.excluded[3]})`}`;
  });

const wander = (k: number): Move => ({ dx: 0.004 * k, dy: -0.003 * k, rotation: k * rad });
/** To a nanometre: what is left is of second order in the motion. */
const near = (a: number, b: number) => Math.abs(a - b) < 1e-6;

t.test('a cosmic ray does not steal the lock', async (t) => {
  const { bench, asked } = watched();
  const elsewhere = { x: 10, y: 40 };
  for (let k = 0; k < 9; k++) {
    bench.stamp(k, wander(k), all, (s) => (s === victim && k === 5 ? at(s, elsewhere, here) : {}));
    if (k < 3) continue;
    const { fit } = bench.sink.last('guider.offsets');
    t.ok(near(fit.x, wander(k).dx - wander(2).dx), `offset ${k} is unmoved`);
  }
  t.same(tracksOf(bench).slice(4), ['locked 1', 'coasting 1 (outlier)', 'locked 1', 'locked 1', 'locked 1']);
  t.same(bench.events, ['jump_rejected']);
  const [location, place] = asked[0] ?? [];
  t.equal(location, victim.location);
  const expected = at(victim, star, wander(5)).measurement;
  const off = Math.hypot((place?.x ?? 0) - expected.x, (place?.y ?? 0) - expected.y);
  t.ok(off < 0.01, `the kernel is told where the star is by what the others do: ${off} px off`);
});

t.test('a satellite that crosses in several stamps is nobody’s star', async (t) => {
  const { bench } = watched();
  for (let k = 0; k < 12; k++) {
    const trail = { x: 5 + 5 * (k - 4), y: 10 + 3 * (k - 4) };
    bench.stamp(k, wander(k), all, (s) => (s === victim && k >= 4 && k < 8 ? at(s, trail, here) : {}));
  }
  t.notOk(bench.events.includes('star_changed'));
  t.equal(tracksOf(bench).at(-1), 'locked 1');
  t.equal(bench.sink.last('guider.offsets').fit.nSensors, 8);
});

t.test('a star that is gone is given up for another that moves with the sky, and taken back', async (t) => {
  const { bench } = watched();
  const other = { x: 36, y: 14 };
  for (let k = 0; k < 16; k++) {
    bench.stamp(k, wander(k), all, (s) =>
      s === victim && k >= 4 && k < 12 ? at(s, other, wander(k), { flux: 9000 }) : {},
    );
  }
  t.same(tracksOf(bench).slice(3), [
    'locked 1',
    'coasting 1 (outlier)',
    'coasting 1 (outlier)',
    'locked 2 (outlier)',
    ...Array(5).fill('locked 2'),
    'locked 1 (outlier)',
    ...Array(3).fill('locked 1'),
  ]);
  t.same(bench.events, ['jump_rejected', 'star_changed', 'star_changed']);
  for (const { fit, stamp } of bench.sink.of('guider.offsets').slice(3)) {
    t.ok(near(fit.x, wander(stamp).dx - wander(2).dx), `offset ${stamp} counts from the same stamp`);
    t.ok(Math.abs(fit.rotation - (stamp - 2)) < 1e-5);
  }
  t.equal(bench.sink.last('guider.result').star, 1);
});

t.test('a star behind a cloud is lost, and is the same star afterwards', async (t) => {
  const { bench } = watched();
  const cloud = { x: Number.NaN, y: Number.NaN, flags: flagBits.no_star };
  for (let k = 0; k < 14; k++) {
    bench.stamp(k, wander(k), all, (s) =>
      s === victim && k >= 4 && k < 11 ? { measurement: measurement(star, cloud) } : {},
    );
  }
  t.same(tracksOf(bench).slice(3, 13), [
    'locked 1',
    ...Array(4).fill('coasting 1 (no_star)'),
    ...Array(3).fill('lost 1 (no_star)'),
    'locked 1',
    'locked 1',
  ]);
  t.same(bench.events, ['star_lost', 'star_relocked']);
  const states = bench.sink.of('guider.result').filter((m) => m.index === 3);
  t.equal(states[10]?.tracking, 'lost', 'results say it too');
  const { fit, stamp } = bench.sink.last('guider.offsets');
  t.equal(fit.nSensors, 8);
  t.ok(near(fit.x, wander(stamp).dx - wander(2).dx));
});

t.test('clouds over all stars: no offset, and afterwards the same reference', async (t) => {
  const { bench } = watched();
  const cloud = { x: Number.NaN, y: Number.NaN, flags: flagBits.no_star };
  for (let k = 0; k < 14; k++) {
    bench.stamp(k, wander(k), all, () => (k >= 4 && k < 11 ? { measurement: measurement(star, cloud) } : {}));
  }
  const dark = bench.sink.of('guider.offsets')[6];
  t.ok(Number.isNaN(dark?.fit.x) && dark?.flags.includes('no_sensors'));
  const { fit, reference, stamp } = bench.sink.last('guider.offsets');
  t.match(reference, { stamp: 2, number: 2 });
  t.ok(near(fit.x, wander(stamp).dx - wander(2).dx));
});

t.test('a gust that moves all stars is believed at once', async (t) => {
  const { bench } = watched();
  const gust = { dx: 0.09, dy: -0.06, rotation: 5 * rad };
  for (let k = 0; k < 6; k++) bench.stamp(k, k === 5 ? gust : here);
  t.same(bench.events, []);
  const { fit } = bench.sink.last('guider.offsets');
  t.ok(near(fit.x, 0.09) && near(fit.y, -0.06) && fit.nSensors === 8);
});

t.test('one sensor alone: a jump of its star is believed, of something else it is not', async (t) => {
  const only = all.filter((s) => s === victim);
  for (const flux of [50_000, 2_000]) {
    const bench = new Bench({ sensors: only });
    bench.open(1, only);
    for (let k = 0; k < 5; k++) bench.stamp(k, here, only);
    bench.stamp(5, here, only, (s) => at(s, { x: 34, y: 25.25 }, here, { flux }));
    const { fit, flags } = bench.sink.last('guider.offsets');
    if (flux === 50_000) t.ok(Math.abs(Math.hypot(fit.x, fit.y) - 0.095) < 1e-9, `${fit.x} ${fit.y}`);
    else t.ok(Number.isNaN(fit.x) && flags.includes('no_sensors'));
    t.same(bench.events, flux === 50_000 ? [] : ['jump_rejected']);
  }
});

t.test('two sensors: the one that jumps is not believed, both together are', async (t) => {
  const pair = all.slice(2, 4);
  const bench = new Bench({ sensors: pair });
  bench.open(1, pair);
  for (let k = 0; k < 5; k++) bench.stamp(k, here, pair);
  bench.stamp(5, here, pair, (s) => (s === victim ? at(s, { x: 40, y: 40 }, here) : {}));
  t.match(bench.sink.last('guider.acquisition').excluded, ['', 'outlier']);
  bench.stamp(6, { dx: 0.1, dy: 0.05, rotation: 0 }, pair);
  const { fit, flags } = bench.sink.last('guider.offsets');
  t.ok(near(fit.x, 0.1) && fit.nSensors === 2 && flags.includes('translation_only'));
});

t.test('offsets come from the first pair on; each new reference says its number and its step', async (t) => {
  const { bench } = watched();
  for (let k = 0; k < 5; k++) bench.stamp(k, wander(k));
  const offsets = bench.sink.of('guider.offsets');
  t.ok(near(offsets[1]?.fit.x ?? Number.NaN, 0.004), 'the very first pair');
  t.match(
    offsets.map((m) => m.reference),
    [
      { number: 1, stamp: 0, provisional: true, stepX: 0 },
      { number: 1, stamp: 0, provisional: true, stepX: 0 },
      { number: 2, stamp: 2, provisional: false },
      { number: 2, stamp: 2, stepX: 0, stepY: 0, stepRotation: 0 },
      { number: 2, stamp: 2 },
    ],
  );
  const step = offsets[2]?.reference;
  t.ok(near(step?.stepX ?? 1, 0.008) && near(step?.stepY ?? 1, -0.006), 'what offsets jump by');
  t.ok(Math.abs((step?.stepRotation ?? 0) - 2) < 1e-5);
  t.match(bench.lastEvent('reference_changed'), { stamp: 2, fields: { referenceNumber: 2 } });
  const { fit, reference } = bench.sink.last('guider.offsets');
  // Each star has 0.0002 mm, and up to the same again of its own.
  const noise = (reference?.xErr ?? 0) / (0.0002 / Math.sqrt(8));
  t.ok(noise > 0.99 && noise < 1.42, `the reference has the noise of its eight stars: ${noise}`);
  t.ok(fit.xErr > 1.3 * (reference?.xErr ?? 0), 'and it is part of every error');
});

t.test('what was learnt from a star that pulled is forgotten, and the step says by how much', async (t) => {
  const { bench } = watched();
  for (let k = 0; k < 30; k++) {
    const pulled = { x: star.x + 0.01 * k, y: star.y };
    bench.stamp(k, here, all, (s) => (s === victim ? at(s, pulled, here) : {}));
  }
  const offsets = bench.sink.of('guider.offsets');
  const again = offsets.findIndex((m) => m.reference?.number === 3);
  const [before, after] = [offsets[again - 1], offsets[again]];
  t.match(after, { flags: ['new_reference'], reference: { stamp: 2 } });
  const stepY = after?.reference?.stepY ?? 0;
  t.ok(Math.abs(stepY) > 5e-5, `the star had pulled by ${stepY} mm`);
  t.ok(near((before?.fit.y ?? Number.NaN) - stepY, after?.fit.y ?? Number.NaN), 'old - step = new');
  const turned = (before?.fit.rotation ?? Number.NaN) - (after?.reference?.stepRotation ?? Number.NaN);
  t.ok(near(turned, after?.fit.rotation ?? Number.NaN));
});

t.test('a sensor that comes and goes does not move the offset beyond its noise', async (t) => {
  const { bench } = watched();
  for (let k = 0; k < 12; k++) {
    bench.stamp(k, wander(k), k % 2 === 0 ? all : without('R04_SG1', 'R44_SG0'));
    bench.clock.moveTo(bench.time);
  }
  for (const { fit, stamp } of bench.sink.of('guider.offsets').slice(3)) {
    t.ok(near(fit.x, wander(stamp).dx - wander(2).dx));
    t.equal(fit.nSensors, stamp % 2 === 0 ? 8 : 6);
  }
});

/** Stamps of the victim that say so. */
const offTrack = (bench: Bench) =>
  bench.sink
    .of('guider.result')
    .filter((m) => m.index === 3 && (m.flagsBits & flagBits.off_track) !== 0)
    .map((m) => [m.stamp, isFlagged(m.flagsBits)]);

t.test('what lies beside the track is flagged at once, before the other sensors were asked', async (t) => {
  const { bench } = watched();
  for (let k = 0; k < 12; k++) {
    // Two pixels: farther than five times the motion from stamp to stamp and the errors.
    const beside = { x: star.x + 2, y: star.y };
    bench.stamp(k, here, all, (s) => (s === victim && (k === 8 || k === 10) ? at(s, beside, here) : {}));
  }
  t.same(offTrack(bench), [
    [8, true],
    [10, true],
  ]);
  t.equal(bench.sink.of('guider.acquisition')[8]?.excluded[3], 'outlier');
});

t.test('stars on the track are not flagged, however they move and whoever is missing', async (t) => {
  const { bench } = watched();
  const cloud = { x: Number.NaN, y: Number.NaN, flags: flagBits.no_star };
  for (let k = 0; k < 30; k++) {
    // A circle of 1.5 px, 0.9 px a stamp.
    const by = { dx: 0.015 * Math.cos(0.6 * k), dy: 0.015 * Math.sin(0.6 * k), rotation: 0 };
    bench.stamp(k, by, all, () => (k >= 12 && k < 20 ? { measurement: measurement(star, cloud) } : {}));
  }
  t.same(offTrack(bench), []);
});

t.test('a jump of the whole camera is flagged for one stamp, and the offset has it', async (t) => {
  const { bench } = watched();
  const jump = { dx: 0.08, dy: 0, rotation: 0 };
  for (let k = 0; k < 12; k++) bench.stamp(k, k < 8 ? here : jump);
  t.same(offTrack(bench), [[8, true]]);
  const { fit, flags } = bench.sink.of('guider.offsets')[8] ?? {};
  t.ok(near(fit?.x ?? Number.NaN, 0.08) && fit?.nSensors === 8, `${fit?.x} ${flags}`);
});
