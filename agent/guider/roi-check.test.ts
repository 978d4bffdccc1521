// SPDX-License-Identifier: Apache-2.0
// A series beside what initGuiders asked for.
import t from 'tap';
import { parseRoiSpec } from '../model/roi.js';
import { Bench } from './testing-bench.js';
import { all, roi, start } from './testing-records.js';

const one = { segment: roi.segment, startRow: roi.startRow, startCol: roi.startCol };
const asked = (over: object = {}) =>
  parseRoiSpec({
    common: { rows: 50, cols: 50, integrationTimeMillis: 50 },
    ...Object.fromEntries(all.map((s) => [s.raftBay + s.ccdSlot, one])),
    ...over,
  });

function bench() {
  const alarms: (string | null)[] = [];
  return { alarms, bench: new Bench({}, { roiAlarm: (reason) => alarms.push(reason) }) };
}

t.test('a series that is what was asked for clears the alarm and tells nothing', async (t) => {
  const { bench: b, alarms } = bench();
  b.guider.expectRoi(asked());
  b.open();
  t.same(alarms, [null]);
  t.same(b.events, []);
});

t.test('everything that differs is in one alarm and one event', async (t) => {
  const { bench: b, alarms } = bench();
  const common = { rows: 100, cols: 50, integrationTimeMillis: 200 };
  b.guider.expectRoi(asked({ common, R00SG0: { ...one, segment: 12 }, R44SG1: { ...one, startRow: 1 } }));
  b.open();
  t.equal(alarms.length, 1);
  for (const part of [
    'rows: expected 100, got 50',
    'integrationTimeMillis: expected 200, got 50',
    'R00_SG0.segment: expected 12, got 3',
    'R44_SG1.startRow: expected 1, got 800',
  ])
    t.ok(alarms[0]?.includes(part), part);
  t.match(b.lastEvent('roi_mismatch'), { severity: 'warning', seqNo: 1 });
  b.guider.expectRoi(asked());
  b.open(2);
  t.equal(alarms[1], null, 'the next series is right');
});

t.test('sensors that are missing or were not asked for', async (t) => {
  const { bench: b, alarms } = bench();
  const { R00SG0, ...seven } = Object.fromEntries(all.map((s) => [s.raftBay + s.ccdSlot, one]));
  t.ok(R00SG0);
  const common = { rows: 50, cols: 50, integrationTimeMillis: 50 };
  b.guider.expectRoi(parseRoiSpec({ common, ...seven }));
  b.give(all.slice(0, 7).map((s) => start(s, 1, b.time)));
  b.clock.moveTo(b.time + 250_000_000n);
  t.ok(alarms[0]?.includes('R44_SG1: expected in the series, got none'));
  t.ok(alarms[0]?.includes('R00_SG0: expected no ROI, got one'));
});

t.test('nobody asked: nothing is compared; a command that failed is taken back', async (t) => {
  const { bench: b, alarms } = bench();
  b.open(1);
  const undo = b.guider.expectRoi(asked({ R00SG0: { ...one, segment: 12 } }));
  undo();
  b.open(2);
  t.same(alarms, []);
});

t.test('two commands at once: the first series is compared with the first of them', async (t) => {
  const { bench: b, alarms } = bench();
  const common = { rows: 50, cols: 50, integrationTimeMillis: 50 };
  b.guider.expectRoi(parseRoiSpec({ common, R00SG0: one }));
  b.give(all.slice(0, 1).map((s) => start(s, 1, b.time)));
  b.guider.expectRoi(asked({ R00SG0: { ...one, segment: 12 } }));
  b.open(2);
  t.equal(alarms.length, 2);
  t.equal(alarms[0], null, 'the START of one sensor waits for others while the next series is asked for');
  t.match(alarms[1], /R00_SG0.segment: expected 12, got 3/);
});
