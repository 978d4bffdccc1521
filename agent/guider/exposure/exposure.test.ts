// SPDX-License-Identifier: Apache-2.0
// The summary of an exposure against synthetic truth, through the role itself.
import t from 'tap';
import { EventType } from '../../model/daq.js';
import type { ExposureMessage } from '../../model/messages.js';
import { commandNames, guiderArcsecPerMm, type Pointing, parsePointing } from '../../model/pointing.js';
import { Bench, obsid } from '../testing-bench.js';
import { all, Collected, halt, ms, resume } from '../testing-records.js';
import { ExposureBook } from './book.js';
import { mostRows } from './samples.js';
import { noise } from './testing-noise.js';

const period = 111n * ms;
const seconds = Number(period) / 1e9;
const sideways = parsePointing({ alt_deg: 60, az_deg: 120, camera_rotation_deg: 30 }, commandNames);

function rig(pointing: Pointing | null = sideways) {
  const sink = new Collected();
  const queue: (() => void)[] = [];
  let now = 0n;
  const book = new ExposureBook({
    next: sink,
    sensors: all,
    pointing: () => pointing,
    nowNs: () => {
      now += ms;
      return now;
    },
    later: (call) => queue.push(call),
  });
  const bench = new Bench({}, { sink: book, exposureEnded: (e) => book.ended(e) });
  /** Runs what waits for its turn; how many turns it took. */
  const settle = () => {
    let turns = 0;
    for (let call = queue.shift(); call; call = queue.shift()) {
      call();
      turns++;
    }
    return turns;
  };
  return { sink, bench, book, settle };
}

interface Motion {
  dx: number;
  dy: number;
  rotation: number;
}

/** One exposure of n stamps; each sensor's own noise in px, sensors that miss a stamp by `keep`. */
function expose(
  { bench }: ReturnType<typeof rig>,
  n: number,
  motion: (seconds: number) => Motion,
  { ownMm = 0.0002, first = 0, keep = (stamp: number, sensor: number): boolean => stamp + sensor >= 0 } = {},
): void {
  const normal = noise(21);
  for (let stamp = first; stamp < first + n; stamp++) {
    const common = motion((stamp - first) * seconds);
    const present = all.filter((_, i) => keep(stamp, i));
    for (const sensor of present) {
      const own = {
        dx: common.dx + ownMm * normal(),
        dy: common.dy + ownMm * normal(),
        rotation: common.rotation,
      };
      bench.stamp(stamp, own, [sensor]);
      bench.time -= 100n * ms;
    }
    bench.time += period;
  }
}

const close = (a: number | undefined, b: number, by: number) => a !== undefined && Math.abs(a - b) <= by;

t.test('a known drift and a known line, among noise, gaps and outliers', async (t) => {
  const r = rig();
  const normal = noise(4);
  const arcsec = 1 / guiderArcsecPerMm;
  r.bench.open();
  expose(
    r,
    270,
    (s) => {
      const line = 0.05 * Math.sin(2 * Math.PI * 1.3 * s);
      const hit = Math.round(s / seconds) % 67 === 31 ? 2 : 0;
      return {
        dx: arcsec * (0.01 * s + line + 0.03 * normal() + hit),
        dy: arcsec * (-0.004 * s + 0.03 * normal()),
        rotation: (0.2 * s) / 206_264.8,
      };
    },
    { keep: (stamp) => stamp < 100 || stamp > 110 },
  );
  r.bench.close();
  t.ok(r.settle() > 50, 'the work is cut into pieces');
  const m = r.sink.last('guider.exposure');
  const { trends, spectrum } = m.combined;
  const within = (name: string, trend: { slope: number; slopeErr: number }, truth: number) =>
    t.ok(
      Math.abs(trend.slope - truth) < 4 * trend.slopeErr && trend.slopeErr < 0.002 + Math.abs(truth) / 20,
      `${name}: ${trend.slope} +- ${trend.slopeErr}, truth ${truth}`,
    );
  within('dx', trends.dx, 0.01);
  within('dy', trends.dy, -0.004);
  within('rotation', trends.rotation, 0.2);
  const tilt = Math.PI / 6;
  within('dalt', trends.dalt, -0.01 * Math.cos(tilt) + 0.004 * Math.sin(tilt));
  within('daz', trends.daz, -0.01 * Math.sin(tilt) - 0.004 * Math.cos(tilt));
  t.ok(trends.dx.outlierFrac > 0 && trends.dx.outlierFrac < 0.03, `${trends.dx.outlierFrac}`);
  t.ok(close(trends.dy.trendRmse, 0.03, 0.006), `${trends.dy.trendRmse}`);
  t.equal(spectrum.lines.length, 1);
  const [line] = spectrum.lines;
  t.ok(close(line?.frequencyHz, 1.3, 0.01), `${line?.frequencyHz} Hz`);
  t.ok(close(line?.amplitude, 0.05, 0.012), `${line?.amplitude} arcsec`);
  t.ok(close(spectrum.nyquistHz, 4.5, 0.02));
  t.equal(m.sensors.length, 8);
  const [own] = m.sensors;
  // The rotation moves it too: by 0.2 arcsec/s x 258.7 mm.
  t.ok(close(own?.trends.dx.slope, 0.015, 0.003), `${own?.trends.dx.slope}`);
  t.ok(close(own?.trends.mag.slope, 0, 1e-9));
  t.ok(close(own?.shape.fwhm, 0.8, 0.01) && close(m.combined.shape.e1, 0, 1e-9));
  t.match(m, { obsid, exposureIndex: 1, nStamps: 259, nGood: 259, flags: [] });
  t.ok(close(m.periodS, seconds, 1e-6) && close(m.durationS, 270 * seconds, 1e-6));
});

t.test('every stamp that did not count has its cause', async (t) => {
  const r = rig();
  r.bench.open();
  expose(r, 20, () => ({ dx: 0, dy: 0, rotation: 0 }), {
    keep: (stamp, sensor) => sensor !== 2 || stamp % 5 !== 3,
  });
  const [first, second] = all;
  if (!first || !second) throw new Error('eight sensors');
  const still = { dx: 0, dy: 0, rotation: 0 };
  r.bench.stamp(20, still, all, (s) => {
    if (s === first) return { outcome: 'incomplete', measurement: null };
    if (s === second) return { superseded: 2, frameFlags: 0 };
    return {};
  });
  r.bench.stamp(21, still, all, (s) => (s === first ? { outcome: 'dropped', measurement: null } : {}));
  r.bench.close(1, 25n);
  r.settle();
  const { sensors, flags } = r.sink.last('guider.exposure');
  const of = (i: number) => sensors[i]?.counts;
  t.match(of(0), { expected: 25, received: 22, lost: 3, incomplete: 1, dropped: 1, good: 20 });
  t.match(of(1), { expected: 25, received: 24, superseded: 2, lost: 1, good: 22 });
  t.match(of(2), { expected: 25, received: 18, lost: 7, good: 18 });
  t.match(of(3), { expected: 25, received: 22, lost: 3, good: 22, flagged: {} });
  t.same(flags, []);
});

t.test('several exposures in a series: each has its own summary and its own numbers', async (t) => {
  const r = rig(null);
  r.bench.open();
  expose(r, 30, (s) => ({ dx: 0.001 * s, dy: 0, rotation: 0 }));
  r.bench.give(all.map((s) => halt(s, EventType.pause, 1, r.bench.time, 30n)));
  r.bench.time += 1000n * ms;
  r.bench.give(all.map((s) => resume(s, 1, r.bench.time, 'MC_O_20260714_000124')));
  r.bench.time += period;
  expose(r, 40, (s) => ({ dx: 0.05 - 0.002 * s, dy: 0, rotation: 0 }), { first: 30 });
  r.bench.close(1, 72n);
  r.settle();
  const [one, two, ...rest] = r.sink.of('guider.exposure') as ExposureMessage[];
  t.equal(rest.length, 0);
  t.match(one, { obsid, exposureIndex: 1, nStamps: 30, flags: ['no_pointing'] });
  t.match(two, { obsid: 'MC_O_20260714_000124', exposureIndex: 2, nStamps: 40 });
  t.match(one?.sensors[0]?.counts, { expected: 30, received: 30, lost: 0 });
  t.match(two?.sensors[0]?.counts, { expected: 42, received: 40, lost: 2 });
  t.ok(close(one?.combined.trends.dx.slope, 0.001 * guiderArcsecPerMm, 0.002));
  t.ok(close(two?.combined.trends.dx.slope, -0.002 * guiderArcsecPerMm, 0.002));
  t.ok(Number.isNaN(one?.combined.trends.dalt.slope));
});

t.test('who comes late says so of the exposure it came into, and counts from there', async (t) => {
  const next = (r: ReturnType<typeof rig>, text: string, first: number) => {
    r.bench.give(all.map((s) => resume(s, 1, r.bench.time, text)));
    r.bench.time += period;
    expose(r, 20, () => ({ dx: 0, dy: 0, rotation: 0 }), { first });
  };
  const inside = rig();
  expose(inside, 20, () => ({ dx: 0, dy: 0, rotation: 0 }), { first: 30 });
  inside.bench.give(all.map((s) => halt(s, EventType.pause, 1, inside.bench.time, 50n)));
  inside.bench.time += 1000n * ms;
  next(inside, obsid, 50);
  inside.bench.close(1, 72n);
  inside.settle();
  const [half, whole, ...rest] = inside.sink.of('guider.exposure') as ExposureMessage[];
  t.equal(rest.length, 0);
  t.match(half, { exposureIndex: 0, flags: ['joined_late'] });
  t.match(whole, { obsid, exposureIndex: 1, flags: [] });
  t.match(whole?.sensors[0]?.counts, { expected: 22, received: 20, lost: 2 });

  const between = rig();
  next(between, obsid, 30);
  between.bench.close(1, 50n);
  between.settle();
  const only = between.sink.last('guider.exposure');
  t.match(only, { obsid, exposureIndex: 1, flags: [] });
  t.match(only.sensors[0]?.counts, { expected: 20, received: 20, lost: 0 });
});

t.test('stamps without a star leave an exposure without numbers, and say why', async (t) => {
  const r = rig();
  r.bench.open();
  for (let stamp = 0; stamp < 5; stamp++) {
    r.bench.stamp(stamp, undefined, all, () => ({
      outcome: 'measured',
      measurement: null,
    }));
  }
  r.bench.close();
  r.settle();
  const m = r.sink.last('guider.exposure');
  t.match(m, { nStamps: 5, nGood: 0, combined: { spectrum: { lines: [], fault: 'too_few' } } });
  t.ok(Number.isNaN(m.combined.trends.dx.slope) && Number.isNaN(m.combined.jitter));
});

t.test(
  'an exposure longer than the memory is counted to its end and summed up over its first part',
  async (t) => {
    const r = rig();
    r.bench.open();
    expose(r, 200, (s) => ({ dx: 0.001 * s, dy: 0, rotation: 0 }));
    const result = r.sink.of('guider.result').find((m) => m.index === 0);
    if (!result) throw new Error('a result of the first sensor');
    const acquisition = r.sink.last('guider.acquisition');
    const offsets = r.sink.last('guider.offsets');
    for (let stamp = 200; stamp < mostRows + 10; stamp++) {
      const later = { stamp, tSrcTaiNs: acquisition.tSrcTaiNs + BigInt(stamp - 199) * period };
      r.book.publish({ ...result, stamp });
      r.book.publish({ ...offsets, ...later });
      r.book.publish({ ...acquisition, ...later });
    }
    r.bench.close();
    t.equal(r.sink.of('guider.exposure').length, 0, 'nothing is computed at once');
    r.book.finish();
    const m = r.sink.last('guider.exposure');
    t.match(m, { nStamps: mostRows + 10, nUsed: mostRows, flags: ['truncated'] });
    t.equal(m.sensors[0]?.counts.received, mostRows + 10);
  },
);

t.test('an exposure that ends while the one before is summed up leaves both', async (t) => {
  const r = rig();
  r.bench.open();
  expose(r, 30, () => ({ dx: 0, dy: 0, rotation: 0 }));
  r.bench.give(all.map((s) => resume(s, 1, r.bench.time, 'MC_O_20260714_000124')));
  r.bench.time += period;
  expose(r, 30, () => ({ dx: 0, dy: 0, rotation: 0 }), { first: 30 });
  r.bench.close();
  r.settle();
  t.same(
    r.sink.of('guider.exposure').map((m) => [m.obsid, m.nStamps]),
    [
      [obsid, 30],
      ['MC_O_20260714_000124', 30],
    ],
  );
});
