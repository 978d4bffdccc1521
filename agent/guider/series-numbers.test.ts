// SPDX-License-Identifier: Apache-2.0
// Numbers of series and stamps: where they wrap, begin anew or from 1, and what the first stamps of an exposure are.
import t from 'tap';
import { flagBits, frameFlag } from '../model/flags.js';
import { Bench, next, obsid, period, without } from './testing-bench.js';
import { all, ms, resume, stampOf, t0TaiNs } from './testing-records.js';

t.test('a DAQ that restarts and counts from 1 again is another series', async (t) => {
  const bench = new Bench();
  for (const series of [1, 2]) {
    bench.open(series);
    for (let k = 0; k < 3; k++) bench.stamp(k, undefined, all, undefined, series);
    if (series === 1) bench.close(1, 3n);
  }
  const again = 65536 + 1;
  bench.open(again, all, next);
  for (let k = 0; k < 3; k++) bench.stamp(k, { dx: 0.2, dy: 0, rotation: 0 }, all, undefined, again);
  t.same(bench.events, ['roi_changed', 'daq_restarted']);
  const offsets = bench.sink.of('guider.offsets');
  t.same(
    [offsets[0], offsets.at(-1)].map((m) => [m?.seqNo, m?.series, m?.obsid]),
    [
      [1, 1n, obsid],
      [1, 65537n, next],
    ],
    'the same seqno, told apart by series',
  );
  t.equal(offsets.at(-1)?.reference?.stamp, 2);
});

t.test('a DAQ that restarts far from where its sequence wraps is told too', async (t) => {
  for (const [before, after, told] of [
    [65530, 65536 + 2, []],
    [50000, 65536 + 1, ['daq_restarted']],
  ] as const) {
    const bench = new Bench();
    bench.open(before);
    bench.close(before, 0n);
    bench.open(after, all, next);
    t.same(bench.events, told);
  }
});

t.test('the sequence that wraps is no restart; stamps go on past 65535', async (t) => {
  const bench = new Bench();
  bench.open(65535);
  for (let k = 65533; k < 65539; k++) bench.stamp(k, undefined, all, undefined, 65535);
  bench.close(65535, 65539n);
  bench.open(65536, all, next);
  bench.stamp(0, undefined, all, undefined, 65536);
  t.same(bench.events, []);
  t.same(
    bench.sink.of('guider.offsets').map((m) => [m.seqNo, m.stamp]),
    [
      [65535, 65533],
      [65535, 65534],
      [65535, 65535],
      [65535, 65536],
      [65535, 65537],
      [65535, 65538],
      [0, 0],
    ],
  );
});

t.test('stamps counted from 1: the first two of each exposure are flagged', async (t) => {
  const bench = new Bench();
  const one = () => ({ frameFlags: frameFlag.oneBased });
  bench.open();
  for (let k = 1; k < 5; k++) bench.stamp(k, undefined, all, one);
  bench.pause(1, 4n);
  bench.give(all.map((s) => resume(s, 1, bench.time, next)));
  bench.time += period;
  for (let k = 5; k < 9; k++) bench.stamp(k, undefined, all, one);
  t.same(bench.events, []);
  t.same(bench.flaggedWith(flagBits.first_stamp), [1, 2, 5, 6]);
});

t.test('the first stamps of an exposure stay its first when they are lost', async (t) => {
  const bench = new Bench();
  bench.open();
  for (let k = 0; k < 4; k++) bench.stamp(k);
  bench.pause(1, 4n);
  bench.give(all.map((s) => resume(s, 1, bench.time, next)));
  bench.time += period;
  bench.stamp(5, undefined, all, () => ({ gap: 1 }));
  bench.stamp(6);
  t.same(bench.flaggedWith(flagBits.first_stamp), [0, 1, 5], 'stamp 5 is the second, 6 the third');
  t.equal(bench.sink.last('guider.offsets').reference?.stamp, 6);
});

t.test('a stamp that the next exposure overtook keeps the name of its own', async (t) => {
  const bench = new Bench();
  bench.open();
  for (let k = 0; k < 3; k++) bench.stamp(k);
  bench.stamp(3, undefined, without('R00_SG0'));
  bench.pause(1, 4n);
  bench.give(all.map((s) => resume(s, 1, bench.time, next)));
  bench.time += period;
  bench.stamp(4);
  const [sensor] = all;
  if (!sensor) throw new Error('eight sensors');
  bench.give([stampOf(sensor, { series: 1, stamp: 3, lastNs: bench.time })]);
  const result = bench.sink.last('guider.result');
  t.match(result, { stamp: 3, obsid, exposureIndex: 1 });
  t.ok(result.flagsBits & flagBits.late);
});

t.test('stamps that the blades shadowed are flagged and are no reference', async (t) => {
  const bench = new Bench();
  bench.open();
  const startTaiNs = t0TaiNs + bench.time - 50n * ms;
  // Stamps every 100 ms with 50 ms of integration; blades move for 150 ms from the first one on, and from 1 s on.
  bench.guider.onExposureTimes({ obsid, startTaiNs, exposureS: 1, shutterS: 0.15 });
  for (let k = 0; k < 14; k++) bench.stamp(k);
  t.same(bench.flaggedWith(flagBits.shutter_motion), [0, 1, 10, 11]);
  t.equal(bench.sink.last('guider.offsets').reference?.stamp, 2);
  const other = new Bench();
  other.guider.onExposureTimes({ obsid: next, startTaiNs, exposureS: 1, shutterS: 10 });
  other.open();
  for (let k = 0; k < 3; k++) other.stamp(k);
  t.same(other.flaggedWith(flagBits.shutter_motion), [], 'of another exposure');
});
