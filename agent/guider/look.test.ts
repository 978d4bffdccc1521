// SPDX-License-Identifier: Apache-2.0
// Records that come while results leave: the offset of a whole acquisition does not wait behind the results before it.
import t from 'tap';
import type { DaqRecord } from '../model/daq.js';
import { EventType } from '../model/daq.js';
import { Bench } from './testing-bench.js';
import { all, halt, stampOf } from './testing-records.js';

const still = { dx: 0, dy: 0, rotation: 0 };

/** A bench whose link has `coming` ready, one batch for each look. */
function benchWith(coming: DaqRecord[][]): Bench {
  const bench: Bench = new Bench({}, { look: () => bench.guider.onRecords(coming.shift() ?? []) });
  return bench;
}

t.test('the offset leaves as soon as its last stamp is there, and every result once', async (t) => {
  const coming: DaqRecord[][] = [];
  const bench = benchWith(coming);
  bench.open();
  const [first, ...others] = all.map((s) =>
    stampOf(s, { series: 1, stamp: 0, lastNs: bench.time }, still, {}),
  );
  coming.push(...others.map((record) => [record]));
  bench.give(first ? [first] : []);
  const kinds = bench.sink.messages.map((m) => m.kind);
  const offset = kinds.indexOf('guider.offsets');
  const before = kinds.slice(0, offset).filter((kind) => kind === 'guider.result').length;
  t.equal(before, all.length - 1, 'one stamp is looked for after each result');
  const results = bench.sink.of('guider.result').map((m) => m.sensor);
  t.same(
    results,
    all.map((s) => s.detectorName),
    'each once, in the order of the link',
  );
  t.ok(kinds.indexOf('guider.summary') > kinds.lastIndexOf('guider.result'), 'the details come last');
});

t.test('all that waits in the link leaves behind the offset', async (t) => {
  const coming: DaqRecord[][] = [];
  const bench = benchWith(coming);
  bench.open();
  const [first, ...others] = all.map((s) =>
    stampOf(s, { series: 1, stamp: 0, lastNs: bench.time }, still, {}),
  );
  coming.push(others);
  bench.give(first ? [first] : []);
  const kinds = bench.sink.messages.map((m) => m.kind);
  const before = kinds.slice(0, kinds.indexOf('guider.offsets')).filter((kind) => kind === 'guider.result');
  t.equal(before.length, 1);
  t.equal(bench.sink.of('guider.result').length, all.length);
});

t.test('an event that comes in between is told after the results of the stamps before it', async (t) => {
  const coming: DaqRecord[][] = [];
  const bench = benchWith(coming);
  bench.open();
  const stamps = all.map((s) => stampOf(s, { series: 1, stamp: 0, lastNs: bench.time }, still, {}));
  coming.push(all.map((s) => halt(s, EventType.pause, 1, bench.time, 1n)));
  bench.give(stamps);
  bench.close(1, 1n);
  const kinds = bench.sink.messages.map((m) => m.kind);
  t.equal(bench.sink.of('guider.result').length, all.length);
  t.ok(kinds.lastIndexOf('guider.result') < kinds.indexOf('series.end'));
  const paused = bench.sink.messages.findIndex((m) => m.kind === 'guider.state' && m.status === 4);
  t.ok(kinds.lastIndexOf('guider.result') < paused);
});

t.test('a source that never pauses does not grow what waits', async (t) => {
  // One sensor is missing, so that no acquisition completes and lets its results go.
  const present = all.slice(1);
  let stamp = 0;
  let most = 0;
  const bench: Bench = new Bench(
    {},
    {
      look: () => {
        if (++stamp > 40) return;
        bench.time += 1_000_000n;
        bench.guider.onRecords(
          present.map((s) => stampOf(s, { series: 1, stamp, lastNs: bench.time }, still, {})),
        );
        most = Math.max(most, (stamp + 1) * present.length - bench.sink.of('guider.result').length);
      },
    },
  );
  bench.open();
  bench.stamp(0, still, present);
  t.equal(bench.sink.of('guider.result').length, 41 * present.length, 'all leave in the end');
  t.ok(most <= 64 + present.length, `${most} results waited`);
});

t.test('a source that is faster than what leaves does not hold the event loop', async (t) => {
  const [first, ...others] = all;
  let looks = 0;
  const bench: Bench = new Bench(
    {},
    {
      look: () => {
        looks++;
        bench.time += 1_000_000n;
        const one = first ? [stampOf(first, { series: 1, stamp: looks, lastNs: bench.time }, still, {})] : [];
        bench.guider.onRecords(one);
      },
    },
  );
  bench.open();
  bench.stamp(0, still, others);
  t.ok(looks > 0 && looks <= 64, `${looks} looks, then the batch is over`);
  t.equal(bench.sink.of('guider.result').length, others.length + looks, 'and everything has left');
});
