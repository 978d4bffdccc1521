// SPDX-License-Identifier: Apache-2.0
// Two links that number series each for itself: which of their records belong together.
import t from 'tap';
import { InStep } from '../daq/in-step.js';
import { SharedSensor } from '../daq/shared-sensor.js';
import { all, halt, record, resume, second, stampOf, start } from '../guider/testing-records.js';
import { type DaqRecord, EventType } from '../model/daq.js';

const [a, b] = all;
if (!a || !b) throw new Error('there are guide sensors');
const ms = second / 1000n;
const stamp = (series: number, n: number, at: bigint, over: Partial<DaqRecord> = {}) =>
  stampOf(a, { series, stamp: n, lastNs: at }, undefined, over);
const seriesOf = (records: readonly DaqRecord[]) => records.map(({ series }) => Number(series));

t.test('links of one DAQ count alike, whichever is first, and wrap together', async (t) => {
  const both = new InStep(2);
  t.same(seriesOf(both.take(0, start(a, 65_535, second))), [65_535]);
  t.same(seriesOf(both.take(1, start(b, 65_535, second + ms))), [65_535]);
  t.same(seriesOf(both.take(1, start(b, 65_536, 3n * second))), [65_536], 'sequence 0 after 65535');
  t.same(seriesOf(both.take(0, stamp(65_535, 900, 3n * second + ms))), [65_535], 'one that was on its way');
  t.same(seriesOf(both.take(0, start(a, 65_536, 3n * second + ms))), [65_536]);
  t.ok(both.isIn(0) && both.isIn(1));
});

t.test('a link that joins late finds series and stamps where the others are', async (t) => {
  const both = new InStep(2);
  both.take(0, start(a, 65_540, second));
  both.take(0, stamp(65_540, 70_000, 2n * second));
  const [late] = both.take(1, stampOf(b, { series: 4, stamp: 4_463, lastNs: 2n * second }));
  t.match(late, { series: 65_540n, stampIndex: 69_999n });
});

t.test('a DAQ that begins anew on one link alone is out of step until a series begins on both', async (t) => {
  const both = new InStep(2);
  both.take(0, start(a, 7, second));
  both.take(1, start(b, 7, second));
  both.take(0, stamp(7, 0, 2n * second));
  both.take(1, stampOf(b, { series: 7, stamp: 0, lastNs: 2n * second }));
  t.same(both.take(1, start(b, 65_537, 3n * second)), [], 'its START waits');
  t.same(both.take(1, resume(b, 65_537, 3n * second, 'X')), []);
  t.notOk(both.isIn(1));
  t.ok(both.isIn(0));
  const [older] = both.take(1, stampOf(b, { series: 65_537, stamp: 0, lastNs: 3n * second + ms }));
  t.match(older, { series: 6n, stampIndex: 0n }, 'its stamps are told, and belong to no running series');
  both.take(0, stamp(7, 9, 3n * second + ms));

  t.same(both.take(1, start(b, 65_538, 4n * second)), [], 'a little before the other link');
  t.same(seriesOf(both.take(0, start(a, 8, 4n * second + ms))), [8]);
  const joined = both.take(1, stampOf(b, { series: 65_538, stamp: 0, lastNs: 4n * second + 2n * ms }));
  t.same(
    joined.map(({ eventType }) => eventType),
    [EventType.start, EventType.stamp],
  );
  t.same(seriesOf(joined), [8, 8]);
  t.ok(both.isIn(1));
  t.same(seriesOf(both.take(0, start(a, 9, 6n * second))), [9]);
  t.same(seriesOf(both.take(1, start(b, 65_539, 6n * second + ms))), [9], 'and goes on with it');
});

t.test('a DAQ that begins anew for all is a new series for all', async (t) => {
  const both = new InStep(2);
  for (const [link, sensor] of [a, b].entries()) {
    both.take(link, start(sensor, 3, second));
    both.take(link, stampOf(sensor, { series: 3, stamp: 0, lastNs: 2n * second }));
  }
  t.same(both.take(0, start(a, 65_537, 2n * second + 400n * ms)), [], 'the other might go on');
  t.same(seriesOf(both.take(1, start(b, 65_537, 2n * second + 401n * ms))), [4]);
  t.same(seriesOf(both.take(0, resume(a, 65_537, 2n * second + 402n * ms, 'X'))), [4, 4]);
  t.same(seriesOf(both.take(0, halt(a, EventType.pause, 65_537, 3n * second, 1n))), [4]);
  t.same(both.take(0, { ...record(a, { eventType: EventType.status }), location: 255 }).length, 1);
});

t.test('of a sensor on two links each stamp is used once, and counted once', async (t) => {
  const shared = new SharedSensor(a.location);
  const take = (n: number, over: Partial<DaqRecord> = {}) => shared.take(stamp(1, n, BigInt(n), over));
  t.match(take(0), { gap: 0 });
  t.equal(take(0), null, 'the other link brings it too');
  t.match(
    take(1, { gap: 1, superseded: 1 }),
    { gap: 0, superseded: 0 },
    'this link had lost 0, the other had not',
  );
  t.match(take(4, { gap: 2 }), { gap: 2 });
  t.match(take(3), { gap: 0, frameFlags: 1 << 8 }, 'late, and no longer missing');
  t.equal(take(4, { outcome: 'incomplete' }), null, 'it came whole before');
  t.match(take(5, { outcome: 'incomplete' }), { gap: 0 });
  const none = { refused: 0n, errXfer: 1n, errSize: 0n, errMissBeg: 0n, errMissEnd: 0n, unsettled: 0n };
  const one = { ...shared.counters([]), ...none };
  t.match(shared.counters([one, one]), {
    seen: 5n,
    complete: 4n,
    incomplete: 1n,
    dropped: 0n,
    lost: 1n,
    errXfer: 2n,
  });
  t.match(shared.take(stamp(2, 1, second, { gap: 1 })), { gap: 1 }, 'the next series counts for itself');
});
