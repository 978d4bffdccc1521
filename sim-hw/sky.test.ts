// SPDX-License-Identifier: Apache-2.0
// What the simulated sensors see against the truth file, and that all of it follows from the seed.
import t, { type Test } from 'tap';
import { arcsecPerMm } from '../agent/model/geometry.js';
import { parseRoiSpec } from '../agent/model/roi.js';
import { parseSimOptions } from './options.js';
import { undisturbed } from './scenario/conditions.js';
import { SimSensor } from './sensors.js';
import { Sky } from './sky.js';
import { Bench, roiSpec } from './testing/bench.js';
import { eventType, type Message, reassemble } from './testing/datagram.js';
import { centroid, type Image, median, readInt32, readRaw, readUint16 } from './testing/pixels.js';
import type { TruthLine } from './truth.js';

const rows = 40;
const cols = 44;
const stamps = 4;
const clean = ['--snr', '500', '--cosmic-rays', '0', '--hot-pixels', '0'];

interface Exposure {
  /** whole stamps by `location/stamp` */
  readonly stamps: ReadonlyMap<string, Message>;
  readonly truth: readonly TruthLine[];
}

/** One exposure of all sensors, from the wire and the truth file of a process of its own. */
async function expose(t: Test, ...args: readonly string[]): Promise<Exposure> {
  const bench = new Bench(t);
  const receiver = await bench.receiver();
  const size = ['--rows', String(rows), '--cols', String(cols), '--stamps', String(stamps), '--rate', '20'];
  await bench.run(receiver, ...size, ...args);
  const whole = reassemble(receiver.datagrams).filter(
    ({ header, whole }) => whole && header.eventType === eventType.STAMP,
  );
  return {
    stamps: new Map(whole.map((message) => [`${message.header.location}/${message.header.stamp}`, message])),
    truth: bench.truth(),
  };
}

const keyOf = ({ location, stamp }: TruthLine): string => `${location}/${stamp}`;

/** The truth without the time of the run. */
function timeless(truth: readonly TruthLine[]): unknown[] {
  return truth.map(({ tai_ns, obsid, ...rest }) => rest);
}

/** Distance between the truth and the star in the pixels, worst stamp, px. */
function worstError({ stamps, truth }: Exposure, read: (message: Message) => Image): number {
  const errors = truth.map((line) => {
    const message = stamps.get(keyOf(line));
    if (message === undefined) return Number.POSITIVE_INFINITY;
    const { x, y } = centroid(read(message), line.fwhm_px);
    return Math.hypot(x - line.x, y - line.y);
  });
  return Math.max(...errors);
}

t.test('the same seed gives the same bytes and the same truth, another seed does not', async (t) => {
  const [first, again, other] = [
    await expose(t, '--seed', '5', '--pixel', 'uint16'),
    await expose(t, '--seed', '5', '--pixel', 'uint16'),
    await expose(t, '--seed', '6', '--pixel', 'uint16'),
  ];
  t.equal(first.stamps.size, 8 * stamps);
  t.equal(first.truth.length, 8 * stamps);
  t.same(timeless(again.truth), timeless(first.truth));
  for (const [key, { payload }] of first.stamps) {
    const equals = (one: Exposure) => one.stamps.get(key)?.payload.equals(payload);
    t.equal(equals(again), true, `${key} again`);
    t.equal(equals(other), false, `${key} of another seed`);
  }
  for (const [i, line] of other.truth.entries())
    t.not(line.x, first.truth[i]?.x, `${line.sensor} is elsewhere with another seed`);
});

t.test('the truth is where the star is, in every pixel type', async (t) => {
  const moving = [...clean, '--seed', '9', '--drift', '3', '--seeing-motion', '0.3'];
  const wide = await expose(t, ...moving, '--pixel', 'int32');
  const small = await expose(t, ...moving, '--pixel', 'uint16');
  const raw = await expose(t, ...moving, '--pixel', 'raw18x16');
  t.same(timeless(small.truth), timeless(wide.truth));
  t.same(timeless(raw.truth), timeless(wide.truth));
  const int32 = ({ payload }: Message) => readInt32(rows, cols, payload);
  const uint16 = ({ payload }: Message) => readUint16(rows, cols, payload);
  // The scenario puts the ROI on segment 7 or 0: plane and label are the same number there.
  const plane = ({ payload, header }: Message) => readRaw(rows, cols, payload, header.segment);
  for (const [name, exposure, read] of [
    ['int32', wide, int32],
    ['uint16', small, uint16],
    ['raw18x16', raw, plane],
  ] as const) {
    const error = worstError(exposure, read);
    t.ok(error < 0.05, `${name}: worst star ${error.toFixed(4)} px from its truth`);
  }
  for (const [key, message] of wide.stamps) {
    const other = small.stamps.get(key);
    t.same(other && uint16(other).pixels, int32(message).pixels, `${key}: int32 and uint16 hold the same`);
  }
});

t.test('raw pixels: the star is in the segment of the ROI only, at the bias level of all', async (t) => {
  const { stamps } = await expose(t, ...clean, '--pixel', 'raw18x16', '--seed', '2');
  for (const location of [3, 4]) {
    const message = stamps.get(`${location}/0`);
    if (message === undefined) throw new Error(`no stamp of location ${location}`);
    const planes = Array.from(
      { length: 16 },
      (_, plane) => readRaw(rows, cols, message.payload, plane).pixels,
    );
    const dark = planes.filter((_, plane) => plane !== message.header.segment);
    const level = median(dark[0] ?? []);
    const bright = planes.map((pixels) => Math.max(...pixels) - level > 1000);
    t.same(
      bright,
      bright.map((_, plane) => plane === message.header.segment),
    );
    t.ok(
      dark.every((pixels) => Math.abs(median(pixels) - level) < 2),
      'one bias level',
    );
  }
});

t.test('all stars share one motion: drift at the asked speed', async (t) => {
  const { truth } = await expose(t, '--drift', '2', '--jitter', '0', '--pixel', 'uint16', '--seed', '3');
  for (const line of truth) {
    const arcsec = Math.hypot(line.dx_mm, line.dy_mm) * arcsecPerMm;
    t.ok(Math.abs(arcsec - (2 * line.stamp) / 20) < 1e-9, `${line.sensor} stamp ${line.stamp}`);
    t.match(line, { own_dx_px: 0, own_dy_px: 0, faults: [] });
  }
  const motions = new Set(truth.map(({ stamp, dx_mm, dy_mm }) => [stamp, dx_mm, dy_mm].join('/')));
  t.equal(motions.size, stamps, 'one motion for each stamp');
});

t.test('pre-rendered frames come in turn, with their truth', async (t) => {
  const { stamps, truth } = await expose(t, '--frames', '2', '--pixel', 'uint16');
  const payload = (stamp: number) => stamps.get(`3/${stamp}`)?.payload.toString('hex') ?? `no stamp ${stamp}`;
  t.equal(payload(2), payload(0));
  t.equal(payload(3), payload(1));
  t.not(payload(1), payload(0));
  const xs = truth.filter(({ location }) => location === 3).map(({ x }) => x);
  t.same(xs, [xs[0], xs[1], xs[0], xs[1]]);
});

t.test('cosmic rays cross the whole ROI of the series, whatever the options say of it', async (t) => {
  const options = parseSimOptions(['--rows', '10', '--cols', '10', '--cosmic-rays', '1', '--snr', '0']);
  if (options === null) throw new Error('help instead of options');
  const spec = parseRoiSpec(roiSpec(100, 100, 'R00SG0'));
  const still = { seed: 1, driftArcsecPerS: 0, jitterArcsec: 0, rotationArcsecPerS: 0, seeingMotionPx: 0 };
  const sky = new Sky(still);
  const quarters = new Set<string>();
  for (const roi of spec.locations) {
    const sensor = new SimSensor(options, spec, roi, 1);
    for (let i = 0; i < 60; i++) {
      const { frame, cosmicRay } = sensor.stamp(sky, sky.motion(0), undisturbed);
      t.equal(cosmicRay, true);
      const { pixels } = readInt32(100, 100, frame.bytes());
      const brightest = pixels.indexOf(pixels.reduce((a, b) => Math.max(a, b)));
      quarters.add(`${Math.floor(brightest / 5000)}/${Math.floor((brightest % 100) / 50)}`);
      sensor.recycle(frame);
    }
  }
  t.same([...quarters].sort(), ['0/0', '0/1', '1/0', '1/1']);
});
