// SPDX-License-Identifier: Apache-2.0
// Series and exposures whose events are missing, late, doubled or out of order.
import t from 'tap';
import { EventType } from '../model/daq.js';
import { flagBits, frameFlag } from '../model/flags.js';
import type { StampIdentity } from '../model/messages.js';
import type { ExposureEnd } from './guider-contract.js';
import { Bench, next, obsid, period, without } from './testing-bench.js';
import { all, halt, ms, resume, roi, second, stampOf, start } from './testing-records.js';

t.test('joining a running series says so and publishes the ROI of its stamps', async (t) => {
  const bench = new Bench();
  for (let k = 50; k < 54; k++) bench.stamp(k);
  t.same(bench.events, ['joined_late']);
  t.match(bench.sink.of('guider.series'), [
    { source: 'stamps', roiCommonNRows: 50, segment: [3, 3, 3, 3, 3, 3, 3, 3], startCol: [56] },
  ]);
  t.same(bench.flaggedWith(flagBits.first_stamp), [], 'which stamp is the first is not known');
});

t.test('START that is lost for all sensors is told; the exposure is whole', async (t) => {
  const bench = new Bench();
  bench.open(1);
  bench.stamp(0);
  bench.close(1, 1n);
  bench.give(all.map((s) => resume(s, 2, bench.time, next)));
  bench.time += period;
  for (let k = 0; k < 4; k++) bench.stamp(k, undefined, all, undefined, 2);
  t.same(bench.events, ['start_missing']);
  t.match(bench.sink.last('guider.result'), { obsid: next, exposureIndex: 1 });
  t.match(bench.sink.last('guider.series'), { source: 'stamps', obsid: next });
  t.notOk(bench.sink.last('guider.result').flagsBits & flagBits.stale_reference);
});

t.test('START that is lost for one sensor is told; its ROI is published with its first stamp', async (t) => {
  const problems: (string | null)[] = [];
  const bench = new Bench({}, { roiAlarm: (problem) => problems.push(problem) });
  const spec = { segment: 3, startRow: 800, startCol: 56 };
  bench.guider.expectRoi({
    common: { rows: 50, cols: 50, integrationMs: 50 },
    locations: all.map((sensor) => ({ sensor, ...spec })),
  });
  bench.give(without('R44_SG1').map((s) => start(s, 1, bench.time)));
  bench.time += 10n * ms;
  bench.give(all.map((s) => resume(s, 1, bench.time, obsid)));
  bench.time += period;
  for (let k = 0; k < 4; k++) bench.stamp(k);
  t.same(bench.events, ['roi_mismatch', 'start_missing']);
  t.match(bench.lastEvent('start_missing'), { sensor: 'R44_SG1', stamp: 0, severity: 'warning' });
  t.same(
    bench.sink.of('guider.series').map((m) => m.segment[7]),
    [-1, 3],
  );
  t.match(problems, [/R44_SG1: expected in the series, got none/, null], 'the alarm goes');
  t.match(bench.sink.of('guider.offsets')[0], { closedBy: 'complete', nExpected: 8, fit: { nSensors: 8 } });
  const late = bench.sink.of('guider.result').filter((m) => m.flagsBits & flagBits.late);
  t.same(late, [], 'RESUME named it: its first stamp is waited for');
});

t.test('START and RESUME lost: what the link saw begin is an exposure from its first stamp', async (t) => {
  const bench = new Bench();
  bench.open(1);
  bench.close(1, 0n);
  const first = { frameFlags: frameFlag.first };
  bench.stamp(0, undefined, all, () => first, 2);
  bench.stamp(1, undefined, all, undefined, 2);
  bench.stamp(2, undefined, all, undefined, 2);
  t.same(bench.events, ['start_missing', 'resume_missing']);
  t.same(bench.flaggedWith(flagBits.first_stamp), [0, 1]);
  t.match(bench.sink.last('guider.result'), { obsid: 'UNKNOWN', exposureIndex: 1, exposureId: null });
});

t.test('a DAQ that never says RESUME: the series id names the exposure', async (t) => {
  const bench = new Bench();
  bench.give(all.map((s) => start(s, 1, bench.time, obsid)));
  bench.time += period;
  for (let k = 1; k <= 4; k++) bench.stamp(k, undefined, all, () => ({ frameFlags: frameFlag.oneBased }));
  t.same(bench.events, ['resume_missing']);
  t.match(bench.sink.last('guider.result'), { obsid, exposureId: 2026071400123, exposureIndex: 1 });
  t.equal(bench.sink.last('guider.offsets').reference?.stamp, 3);
});

t.test('exposures end once each, under their own name, whether or not RESUME came', async (t) => {
  const ended: string[] = [];
  const exposureEnded = ({ identity: e }: ExposureEnd) => ended.push(`${e.exposureIndex} ${e.obsid}`);
  const bench = new Bench({}, { exposureEnded });
  bench.give(all.map((s) => start(s, 1, bench.time, obsid)));
  bench.time += period;
  for (let k = 0; k < 3; k++) bench.stamp(k);
  bench.give(all.map((s) => resume(s, 1, bench.time, next)));
  for (let k = 3; k < 6; k++) bench.stamp(k);
  bench.pause(1, 6n);
  // Before the exposure has settled.
  for (let k = 6; k < 9; k++) bench.stamp(k);
  bench.close(1, 9n);
  t.same(ended, [`1 ${obsid}`, `2 ${next}`, '3 UNKNOWN']);
  const named = bench.sink.of('guider.offsets').map((m) => m.obsid);
  t.same(named, [...Array(3).fill(obsid), ...Array(3).fill(next), ...Array(3).fill('UNKNOWN')]);
});

t.test('stamps after PAUSE without RESUME are an exposure of their own', async (t) => {
  for (const sent of [4n, null]) {
    const bench = new Bench();
    bench.open();
    for (let k = 0; k < 4; k++) bench.stamp(k);
    bench.pause(1, sent);
    bench.time += second;
    for (let k = 4; k < 8; k++) bench.stamp(k, { dx: 0.3, dy: 0, rotation: 0 });
    t.same(bench.events, ['resume_missing'], `sent ${sent}`);
    t.match(bench.sink.last('guider.offsets'), {
      obsid: 'UNKNOWN',
      exposureIndex: 2,
      reference: { stamp: 6 },
    });
    t.same(bench.flaggedWith(flagBits.first_stamp), [0, 1, 4, 5]);
  }
});

t.test('a stamp still in the air at PAUSE belongs to its exposure', async (t) => {
  const bench = new Bench();
  bench.open();
  for (let k = 0; k < 4; k++) bench.stamp(k);
  const at = bench.time;
  bench.stamp(4, undefined, without('R44_SG1'));
  bench.time = at + ms;
  bench.give(all.map((s) => halt(s, EventType.pause, 1, bench.time, 5n)));
  const [last] = all.slice(-1);
  if (!last) throw new Error('eight sensors');
  bench.give([stampOf(last, { series: 1, stamp: 4, lastNs: at })]);
  t.same(bench.events, []);
  t.match(bench.sink.last('guider.offsets'), { stamp: 4, obsid, fit: { nSensors: 8 } });
});

t.test('RESUME that its stamps overtook names the exposure they had opened', async (t) => {
  const bench = new Bench();
  bench.open();
  for (let k = 0; k < 3; k++) bench.stamp(k);
  bench.pause(1, 3n);
  bench.time += second;
  const resumed = bench.time;
  bench.time += period;
  bench.stamp(3);
  t.equal(bench.sink.last('guider.offsets').obsid, 'UNKNOWN');
  bench.give(all.map((s) => resume(s, 1, resumed, next)));
  bench.stamp(4);
  t.same(bench.events, ['resume_missing', 'resume_late']);
  t.match(bench.sink.last('guider.offsets'), { obsid: next, exposureIndex: 2, reference: { stamp: 3 } });
  t.same(bench.flaggedWith(flagBits.first_stamp), [0, 1, 3, 4]);
});

t.test('RESUME without PAUSE ends the exposure before it, told once', async (t) => {
  const ended: StampIdentity[] = [];
  const bench = new Bench({}, { exposureEnded: (e) => ended.push(e.identity) });
  bench.open();
  for (let k = 0; k < 3; k++) bench.stamp(k);
  bench.give(all.map((s) => resume(s, 1, bench.time, next)));
  bench.time += period;
  for (let k = 3; k < 6; k++) bench.stamp(k);
  t.same(bench.events, ['pause_missing']);
  t.match(bench.lastEvent('pause_missing'), { obsid, severity: 'warning' });
  t.match(bench.sink.last('guider.offsets'), { obsid: next, reference: { stamp: 5 } });
  bench.close(1, 6n);
  t.same(
    ended.map((e) => e.obsid),
    [obsid, next],
    'each exposure ends once',
  );
});

t.test('STOP without PAUSE', async (t) => {
  const bench = new Bench();
  bench.open();
  bench.stamp(0);
  bench.give(all.map((s) => halt(s, EventType.stop, 1, bench.time, 1n)));
  bench.clock.moveTo(bench.time + second);
  t.same(bench.events, ['pause_missing']);
  t.match(bench.sink.last('series.end'), { reason: 'stop', nStamps: 1 });
});

t.test('PAUSE that RESUME overtook does not pause the new exposure', async (t) => {
  const bench = new Bench();
  bench.open();
  for (let k = 0; k < 3; k++) bench.stamp(k);
  const paused = bench.time;
  bench.give(all.map((s) => resume(s, 1, paused + ms, next)));
  bench.give(all.map((s) => halt(s, EventType.pause, 1, paused, 3n)));
  bench.time += period;
  for (let k = 3; k < 6; k++) bench.stamp(k);
  t.same(bench.events, ['pause_missing']);
  t.match(bench.sink.last('guider.offsets'), { obsid: next, exposureIndex: 2 });
  t.equal(bench.guider.status().running, true);
});

t.test('a lost PAUSE is learnt from STATUS, and so is a lost STOP', async (t) => {
  const bench = new Bench();
  bench.open();
  for (let k = 0; k < 3; k++) bench.stamp(k);
  bench.tellStatus(2);
  t.same(bench.events, [], 'once may be a matter of order');
  t.equal(bench.guider.status().running, true);
  bench.tellStatus(2);
  t.same(bench.events, ['pause_missing']);
  t.equal(bench.guider.status().running, false);
  bench.tellStatus(1);
  bench.tellStatus(1);
  t.same(bench.events, ['pause_missing', 'stop_missing']);
  t.match(bench.sink.last('series.end'), { reason: 'idle', nStamps: 3 });
  t.equal(bench.clock.pending, 0);
});

t.test('STATUS of a running or paused DAQ is no news', async (t) => {
  const bench = new Bench();
  bench.give(all.map((s) => start(s, 1, bench.time)));
  for (let k = 0; k < 4; k++) bench.tellStatus(2);
  bench.give(all.map((s) => resume(s, 1, bench.time, obsid)));
  for (let k = 0; k < 4; k++) bench.tellStatus(3);
  t.same(bench.events, []);
});

t.test('START inside an exposure (initGuiders in mid-visit) is told and begins anew', async (t) => {
  const bench = new Bench();
  bench.open(1);
  for (let k = 0; k < 4; k++) bench.stamp(k);
  bench.open(2);
  for (let k = 0; k < 4; k++) bench.stamp(k, { dx: 1, dy: 0, rotation: 0 }, all, undefined, 2);
  t.same(bench.events, ['roi_changed']);
  t.match(bench.lastEvent('roi_changed'), { seqNo: 1, message: /inside exposure MC_O_20260714_000123/ });
  t.match(bench.sink.last('series.end'), { seqNo: 1, reason: 'next_series' });
  t.match(bench.sink.last('guider.offsets'), { seqNo: 2, obsid, reference: { stamp: 2 } });
});

t.test('a stamp whose ROI is not what START said tells it once', async (t) => {
  const bench = new Bench();
  bench.open();
  bench.stamp(0);
  const moved = (s: { detectorName: string }) => (s.detectorName === 'R04_SG0' ? { startRow: 900 } : {});
  for (let k = 1; k < 4; k++) bench.stamp(k, undefined, all, moved);
  t.same(bench.events.slice(0, 1), ['roi_changed']);
  t.equal(bench.events.filter((name) => name === 'roi_changed').length, 1);
  t.match(bench.lastEvent('roi_changed'), { sensor: 'R04_SG0', stamp: 1, message: /row 800.*row 900/ });
});

t.test('an ROI across amplifiers is flagged in series and results', async (t) => {
  const bench = new Bench();
  bench.give(
    all.map((s) => {
      const told = start(s, 1, bench.time);
      const across = s.detectorName === 'R40_SG0' ? 480 : roi.startCol;
      const seriesMetadata = told.seriesMetadata ? { ...told.seriesMetadata, startCol: across } : null;
      return { ...told, seriesMetadata };
    }),
  );
  bench.give(all.map((s) => resume(s, 1, bench.time, obsid)));
  bench.time += period;
  bench.stamp(0, undefined, all, (s) => (s.detectorName === 'R40_SG0' ? { startCol: 480 } : {}));
  t.same(bench.sink.last('guider.series').splitRoi, [false, false, false, false, true, false, false, false]);
  t.same(bench.events, ['split_roi']);
  const split = bench.sink.of('guider.result').filter((m) => m.flagsBits & flagBits.split_roi);
  t.same(
    split.map((m) => m.sensor),
    ['R40_SG0'],
  );
});

t.test('a sensor that dies is waited for three times, and again when it comes back', async (t) => {
  const bench = new Bench();
  bench.open();
  for (let k = 0; k < 4; k++) bench.stamp(k);
  const rest = without('R44_SG1');
  for (let k = 4; k < 10; k++) bench.stamp(k, undefined, rest);
  const closed = () => bench.sink.of('guider.offsets').map((m) => m.closedBy);
  t.same(closed().slice(4), ['timeout', 'timeout', 'timeout', 'complete', 'complete', 'complete']);
  t.same(bench.events, ['sensor_silent']);
  t.match(bench.lastEvent('sensor_silent'), { sensor: 'R44_SG1', stamp: 6 });
  t.same(bench.guider.status().silent, ['R44_SG1']);
  t.match(bench.sink.last('guider.offsets'), { nExpected: 8, fit: { nSensors: 7 } });
  t.equal(bench.sink.last('guider.acquisition').excluded[7], 'silent');
  for (let k = 10; k < 13; k++) bench.stamp(k);
  t.same(bench.events, ['sensor_silent', 'sensor_back', 'star_relocked']);
  t.match(bench.sink.last('guider.offsets'), { closedBy: 'complete', fit: { nSensors: 8 } });
});

t.test('a sensor that joins late is told', async (t) => {
  const bench = new Bench();
  const rest = without('R00_SG0');
  bench.give(rest.map((s) => start(s, 1, bench.time)));
  bench.give(rest.map((s) => resume(s, 1, bench.time, obsid)));
  bench.time += period;
  for (let k = 0; k < 5; k++) bench.stamp(k, undefined, rest);
  t.equal(bench.sink.last('guider.offsets').nExpected, 7);
  for (let k = 5; k < 8; k++) bench.stamp(k);
  t.match(bench.lastEvent('sensor_joined'), { sensor: 'R00_SG0', stamp: 5 });
  t.match(bench.sink.last('guider.offsets'), { nExpected: 8, fit: { nSensors: 8 } });
});

t.test('a second exposure that nothing ends: what the first PAUSE told is not what was sent', async (t) => {
  const bench = new Bench();
  bench.open();
  for (let k = 0; k < 3; k++) bench.stamp(k);
  bench.pause(1, 3n);
  bench.give(all.map((s) => resume(s, 1, bench.time, next)));
  for (let k = 3; k < 8; k++) bench.stamp(k);
  bench.open(2);
  const { sensors } = bench.sink.last('series.end');
  for (const [name, account] of Object.entries(sensors)) {
    t.match(account, { sent: null, complete: 8, lost: 0 }, name);
  }
  for (let k = 0; k < 3; k++) bench.stamp(k, undefined, all, undefined, 2);
  bench.close(2, 3n);
  t.match(bench.sink.last('series.end').sensors.R00_SG0, { sent: 3n, complete: 3 }, 'the next one is known');
});

t.test('a sensor that says START long after the others does not begin the series again', async (t) => {
  const bench = new Bench();
  bench.give(without('R44_SG1').map((s) => start(s, 1, bench.time)));
  bench.clock.moveTo(bench.time + 250n * ms);
  t.equal(bench.sink.last('guider.series').segment[7], -1);
  bench.give(all.slice(-1).map((s) => start(s, 1, bench.time)));
  bench.clock.moveTo(bench.time + second);
  t.same(
    bench.sink.of('guider.state').map((m) => m.status),
    [2],
  );
  t.same(
    bench.sink.of('guider.series').map((m) => m.segment[7]),
    [-1, 3],
    'its ROI is told when it is known',
  );
  t.ok(bench.guider.status().expected.includes('R44_SG1'));
});
