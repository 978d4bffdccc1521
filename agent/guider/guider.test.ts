// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { type DaqRecord, EventType } from '../model/daq.js';
import { flagBits, frameFlag } from '../model/flags.js';
import type { GuideSensor } from '../model/location.js';
import { stampPeriodMs } from '../model/roi.js';
import { Bench, obsid, period, without } from './testing-bench.js';
import { all, halt, ms, resume, roi, second, stampOf, start, t0TaiNs } from './testing-records.js';

const arcsec = Math.PI / 180 / 3600;

t.test('a series is told from its start to its end', async (t) => {
  const bench = new Bench();
  bench.open();
  for (let k = 0; k < 4; k++) bench.stamp(k);
  bench.close(1, 4n);
  const { sink } = bench;
  t.match(sink.last('guider.series'), {
    roiCommonNRows: 50,
    roiCommonIntegration: 50,
    segment: [3, 3, 3, 3, 3, 3, 3, 3],
    seriesId: 'guider-1',
  });
  t.same(
    sink.of('guider.state').map((m) => m.status),
    [2, 5, 1, 1, 1, 1, 4, 3],
    'start, resume, four stamps, pause, stop',
  );
  t.equal(sink.of('guider.result').length, 32);
  t.equal(sink.of('guider.offsets').length, 4);
  t.match(sink.last('guider.result'), { obsid, exposureId: 2026071400123, seqNo: 1, stamp: 3 });
  const end = sink.last('series.end');
  t.match(end, { reason: 'stop', nStamps: 4, nGood: 4, nLostDaq: 0n });
  t.match(end.sensors.R00_SG0, { sent: 4n, complete: 4, published: 4, lost: 0 });
  t.equal(bench.clock.pending, 0, 'no timer is left');
});

t.test('dx, dy and rotation of the stars come out as the offset', async (t) => {
  const bench = new Bench();
  bench.open();
  for (let k = 0; k < 3; k++) bench.stamp(k);
  const truth = { dx: 0.004, dy: -0.0025, rotation: 4 * arcsec };
  bench.stamp(3, truth);
  const { fit, reference } = bench.sink.last('guider.offsets');
  t.equal(reference?.stamp, 2);
  t.ok(Math.abs(fit.x - truth.dx) < 1e-9, `x ${fit.x}`);
  t.ok(Math.abs(fit.y - truth.dy) < 1e-9, `y ${fit.y}`);
  t.ok(Math.abs(fit.rotation - 4) < 1e-5, `rotation ${fit.rotation}`);
  t.equal(fit.nSensors, 8);
  const summary = bench.sink.last('guider.summary');
  t.same(summary.qualityFlag, [0, 0, 0, 0, 0, 0, 0, 0]);
});

t.test(
  'the irregular first two stamps serve as reference until the third, and it is announced',
  async (t) => {
    const bench = new Bench();
    bench.open();
    bench.stamp(0);
    bench.stamp(1, { dx: 0.001, dy: 0, rotation: 0 });
    let offsets = bench.sink.last('guider.offsets');
    t.ok(Math.abs(offsets.fit.x - 0.001) < 1e-9);
    t.equal(offsets.reference?.stamp, 0);
    t.ok(offsets.flags.includes('provisional_reference') && offsets.flags.includes('first_stamp'));
    bench.stamp(2, { dx: 0.002, dy: 0, rotation: 0 });
    offsets = bench.sink.last('guider.offsets');
    t.equal(offsets.reference?.stamp, 2);
    t.ok(Math.abs(offsets.fit.x) < 1e-9, 'zero at the new reference');
    t.ok(offsets.flags.includes('new_reference') && !offsets.flags.includes('provisional_reference'));
    bench.stamp(3, { dx: 0.005, dy: 0, rotation: 0 });
    t.ok(Math.abs(bench.sink.last('guider.offsets').fit.x - 0.003) < 1e-9);
    const flags = bench.sink
      .of('guider.result')
      .filter((m) => m.index === 0)
      .map((m) => m.flagsBits);
    const first = flagBits.first_stamp | flagBits.provisional_reference;
    t.same(flags, [first | flagBits.new_reference, first, flagBits.new_reference, 0]);
  },
);

t.test('a sensor that gets its reference later does not bring its own zero', async (t) => {
  const bench = new Bench();
  bench.open();
  const late = all[5];
  if (!late) throw new Error('eight sensors');
  const bad = (s: GuideSensor) => (s === late ? { outcome: 'incomplete' as const, measurement: null } : {});
  for (let k = 0; k < 3; k++) bench.stamp(k, undefined, all, bad);
  const truth = { dx: 0.006, dy: 0.003, rotation: 2 * arcsec };
  bench.stamp(3, truth);
  t.equal(bench.sink.last('guider.acquisition').excluded[5], 'new_reference');
  bench.stamp(4, truth);
  const { fit } = bench.sink.last('guider.offsets');
  t.equal(fit.nSensors, 8);
  t.ok(Math.abs(fit.x - truth.dx) < 1e-9 && Math.abs(fit.rotation - 2) < 1e-5);
  t.ok(fit.chi2 < 1e-6, 'the newcomer agrees');
});

t.test(
  'an acquisition closes at half a period when a sensor is missing, without waiting for the next stamp',
  async (t) => {
    const bench = new Bench();
    bench.open();
    for (let k = 0; k < 4; k++) bench.stamp(k);
    const at = bench.time;
    bench.stamp(4, undefined, without('R44_SG1'));
    t.equal(bench.sink.of('guider.offsets').length, 4, 'still open');
    bench.clock.moveTo(at + period / 2n - 1n);
    t.equal(bench.sink.of('guider.offsets').length, 4, 'until half a period');
    bench.clock.moveTo(at + period / 2n);
    t.match(bench.sink.last('guider.offsets'), { stamp: 4, closedBy: 'timeout', fit: { nSensors: 7 } });
    t.equal(bench.sink.last('guider.acquisition').excluded[7], 'missing');
    t.equal(bench.sink.last('guider.summary').qualityFlag[7], 2);
  },
);

t.test('before two stamps were seen the deadline comes from the ROI timing model', async (t) => {
  const bench = new Bench();
  bench.open();
  const at = bench.time;
  bench.stamp(0, undefined, without('R00_SG0'));
  const half = BigInt(Math.round((stampPeriodMs(roi) * 1e6) / 2));
  bench.clock.moveTo(at + half - 2n);
  t.equal(bench.sink.of('guider.offsets').length, 0);
  bench.clock.moveTo(at + half + 2n);
  t.equal(bench.sink.last('guider.offsets').closedBy, 'timeout');
});

t.test('a stamp after its acquisition was closed is published as late and not combined', async (t) => {
  const bench = new Bench();
  bench.open();
  for (let k = 0; k < 4; k++) bench.stamp(k);
  const at = bench.time;
  const last = all[7];
  if (!last) throw new Error('eight sensors');
  bench.stamp(4, undefined, without('R44_SG1'));
  bench.clock.moveTo(at + period);
  const before = bench.sink.of('guider.offsets').length;
  bench.give([stampOf(last, { series: 1, stamp: 4, lastNs: at + period })]);
  t.ok(bench.sink.last('guider.result').flagsBits & flagBits.late);
  t.equal(bench.sink.of('guider.offsets').length, before);
});

t.test('sensors that already delivered the next stamp are not waited for', async (t) => {
  const bench = new Bench({ deadlineMs: 10_000 });
  bench.open();
  for (let k = 0; k < 3; k++) bench.stamp(k);
  bench.stamp(3, undefined, without('R00_SG0'));
  bench.stamp(4, undefined, all, (s) => (s.detectorName === 'R00_SG0' ? { gap: 1 } : {}));
  const offsets = bench.sink.of('guider.offsets');
  t.same(
    offsets.map((m) => [m.stamp, m.closedBy]),
    [
      [0, 'complete'],
      [1, 'complete'],
      [2, 'complete'],
      [3, 'next'],
      [4, 'complete'],
    ],
  );
  const result = bench.sink.of('guider.result').find((m) => m.index === 0 && m.stamp === 4);
  t.equal(result?.gap, 1);
  t.ok((result?.flagsBits ?? 0) & flagBits.missing_prev);
});

t.test(
  'incomplete, dropped and refused stamps go out without numbers and are left out with a reason',
  async (t) => {
    const bench = new Bench();
    bench.open();
    for (let k = 0; k < 3; k++) bench.stamp(k);
    const outcomes: Record<string, Partial<DaqRecord>> = {
      R00_SG0: { outcome: 'incomplete', measurement: null, missingBytes: 400 },
      R00_SG1: { outcome: 'dropped', measurement: null },
    };
    bench.stamp(3, undefined, all, (s) => {
      if (s.detectorName !== 'R04_SG0') return outcomes[s.detectorName] ?? {};
      const whole = stampOf(s, { series: 1, stamp: 3, lastNs: bench.time }).measurement;
      return whole
        ? {
            outcome: 'refused',
            measurement: { ...whole, x: Number.NaN, y: Number.NaN, flags: flagBits.fault, fault: 5 },
          }
        : {};
    });
    const { excluded, closedBy } = bench.sink.last('guider.acquisition');
    t.equal(closedBy, 'complete');
    t.same(excluded, ['incomplete', 'dropped', 'fault:torn', '', '', '', '', '']);
    t.equal(bench.sink.last('guider.offsets').fit.nSensors, 5);
    const torn = bench.sink.of('guider.result').find((m) => m.stamp === 3 && m.index === 2);
    t.match(torn, { fault: 'torn', outcome: 'refused', centroidFitQuality: 0 });
    t.ok(Number.isNaN(torn?.centroidX));
  },
);

t.test('a wrong star is an outlier', async (t) => {
  const bench = new Bench();
  bench.open();
  for (let k = 0; k < 3; k++) bench.stamp(k);
  const wrong = all[3];
  if (!wrong) throw new Error('eight sensors');
  const moved = stampOf(
    wrong,
    { series: 1, stamp: 3, lastNs: bench.time },
    { dx: 0.05, dy: 0.02, rotation: 0 },
  );
  bench.stamp(3, undefined, all, (s) => (s === wrong ? { measurement: moved.measurement } : {}));
  t.equal(bench.sink.last('guider.acquisition').excluded[3], 'outlier');
  t.equal(bench.sink.last('guider.summary').qualityFlag[3], 1);
  t.ok(Math.abs(bench.sink.last('guider.offsets').fit.x) < 1e-9);
});

t.test('several exposures in one series have their own obsid and reference', async (t) => {
  const bench = new Bench();
  bench.open();
  for (let k = 0; k < 4; k++) bench.stamp(k);
  bench.give(all.map((s) => halt(s, EventType.pause, 1, bench.time, 4n)));
  bench.time += second;
  bench.give(all.map((s) => resume(s, 1, bench.time, 'MC_O_20260714_000124')));
  bench.time += period;
  const away = { dx: 0.5, dy: 0.1, rotation: 0 };
  for (let k = 4; k < 8; k++) bench.stamp(k, away);
  const offsets = bench.sink.of('guider.offsets');
  t.same(
    offsets.map((m) => m.reference?.stamp),
    [0, 0, 2, 2, 4, 4, 6, 6],
  );
  t.equal(offsets.at(-1)?.obsid, 'MC_O_20260714_000124');
  t.ok(Math.abs(offsets.at(-1)?.fit.x ?? 1) < 1e-9);
  const first = bench.sink
    .of('guider.result')
    .filter((m) => m.index === 0 && m.flagsBits & flagBits.first_stamp);
  t.same(
    first.map((m) => m.stamp),
    [0, 1, 4, 5],
  );
});

t.test('the sequence wraps and the series goes on counting', async (t) => {
  const bench = new Bench();
  bench.open(65535);
  bench.stamp(0, undefined, all, undefined, 65535);
  bench.open(65536);
  bench.stamp(0, undefined, all, undefined, 65536);
  t.match(bench.sink.last('guider.result'), { seqNo: 0, series: 65536n });
  t.match(bench.sink.last('series.end'), { seqNo: 65535, reason: 'next_series' });
});

t.test('a stamp number beyond 65535 is one number on', async (t) => {
  const bench = new Bench();
  bench.open();
  bench.stamp(65535);
  bench.stamp(65536);
  t.match(bench.sink.last('guider.result'), { stamp: 65536, daqStamp: 0 });
  t.same(
    bench.sink.of('guider.offsets').map((m) => m.stamp),
    [65535, 65536],
  );
});

t.test('joining late: the obsid is unknown, sensors are learnt, the reference is called stale', async (t) => {
  const bench = new Bench();
  const half = without('R40_SG0', 'R40_SG1', 'R44_SG0', 'R44_SG1');
  for (let k = 50; k < 55; k++) bench.stamp(k, undefined, half);
  t.equal(bench.warnings.length, 1);
  t.equal(bench.sink.last('guider.result').obsid, 'UNKNOWN');
  t.ok(bench.sink.last('guider.result').flagsBits & flagBits.stale_reference);
  t.ok(bench.sink.last('guider.offsets').flags.includes('stale_reference'));
  const closed = bench.sink.of('guider.offsets').map((m) => m.closedBy);
  t.same(closed.slice(-2), ['complete', 'complete'], 'four sensors are enough once learnt');
  t.equal(bench.sink.last('guider.acquisition').excluded[7], 'not_in_series');
});

t.test('without STOP the next START ends the series; a lost PAUSE is survived', async (t) => {
  const bench = new Bench();
  bench.open(1);
  bench.stamp(0);
  bench.open(2, all, 'MC_O_20260714_000125');
  bench.stamp(0, undefined, all, undefined, 2);
  t.match(bench.sink.last('series.end'), { seqNo: 1, reason: 'next_series', nStamps: 1 });
  t.equal(bench.sink.last('guider.offsets').obsid, 'MC_O_20260714_000125');
});

t.test('events that come twice say nothing new', async (t) => {
  const bench = new Bench();
  const starts = all.map((s) => start(s, 1, bench.time));
  bench.give([...starts, ...starts]);
  const resumes = all.map((s) => resume(s, 1, bench.time + ms, obsid));
  bench.give([...resumes, ...resumes]);
  t.equal(bench.sink.of('guider.series').length, 1);
  t.same(
    bench.sink.of('guider.state').map((m) => m.status),
    [2, 5],
  );
});

t.test('a DAQ that restarts with the same sequence begins a new series', async (t) => {
  const bench = new Bench();
  bench.open(1);
  bench.stamp(0);
  bench.time += 5n * second;
  bench.open(1, all, 'MC_O_20260714_000126');
  bench.stamp(0);
  t.equal(bench.sink.of('series.end').length, 1);
  t.equal(bench.sink.of('guider.series').length, 2);
  t.match(bench.sink.last('guider.offsets'), { obsid: 'MC_O_20260714_000126', closedBy: 'complete' });
});

t.test('RESUME without a comment names the exposure after its series', async (t) => {
  const bench = new Bench();
  bench.open(1, all, '');
  bench.stamp(0);
  t.match(bench.sink.last('guider.result'), { obsid: 'guider-1', exposureId: null });
});

t.test('a sensor that is not in the profile is told once and not published', async (t) => {
  const bench = new Bench({ sensors: all.slice(0, 4) });
  bench.open();
  bench.stamp(0);
  bench.stamp(1);
  t.equal(bench.sink.of('guider.result').length, 8);
  t.equal(bench.warnings.length, 4);
  t.equal(bench.sink.last('guider.offsets').closedBy, 'complete');
});

t.test('one sensor whose clock is wrong does not make the time of the acquisition', async (t) => {
  const bench = new Bench();
  bench.open();
  const times: bigint[] = [];
  const wrong = { tSrcTaiNs: t0TaiNs - 3_600n * second, frameFlags: frameFlag.timeSuspect };
  for (let k = 0; k < 4; k++) {
    times.push(t0TaiNs + bench.time);
    bench.stamp(k, undefined, all, (s) => (s === all[k] ? wrong : {}));
  }
  t.same(
    bench.sink.of('guider.offsets').map((m) => m.tSrcTaiNs),
    times,
  );
  t.ok(bench.sink.last('guider.offsets').flags.includes('time_suspect'));
  t.ok(Math.abs(bench.sink.last('guider.summary').timestamp - Number(times.at(-1)) / 1e9) < 1e-6);
});

t.test('stamps without a usable time and an untold TAI offset are time_suspect', async (t) => {
  const bench = new Bench();
  bench.open();
  bench.stamp(0, undefined, all, () => ({ tSrcTaiNs: 0n }));
  t.ok(bench.sink.last('guider.result').flagsBits & flagBits.time_suspect);
  t.ok(Number.isNaN(bench.sink.last('guider.result').timestamp));
  const suspect = new Bench({ timeSuspect: () => true });
  suspect.open();
  suspect.stamp(0);
  t.ok(suspect.sink.last('guider.offsets').flags.includes('time_suspect'));
});

t.test('stopping the agent closes what is open', async (t) => {
  const bench = new Bench();
  bench.open();
  bench.stamp(0, undefined, without('R00_SG0'));
  bench.guider.stop();
  t.equal(bench.sink.last('guider.offsets').closedBy, 'end');
  t.equal(bench.sink.last('series.end').reason, 'agent_stop');
  t.equal(bench.clock.pending, 0);
});

t.test('no star anywhere gives an offset without numbers', async (t) => {
  const bench = new Bench();
  bench.open();
  const none = { x: Number.NaN, y: Number.NaN, flags: flagBits.no_star };
  bench.stamp(0, undefined, all, (s) => {
    const { measurement } = stampOf(s, { series: 1, stamp: 0, lastNs: bench.time });
    return measurement ? { measurement: { ...measurement, ...none } } : {};
  });
  const { fit, flags } = bench.sink.last('guider.offsets');
  t.equal(fit.nSensors, 0);
  t.ok(Number.isNaN(fit.x));
  t.ok(flags.includes('no_sensors'));
  t.equal(bench.sink.last('guider.acquisition').excluded[0], 'no_star');
});

t.test(
  'an offset leaves before the results that completed it; in a backlog acquisitions stay apart',
  async (t) => {
    const bench = new Bench();
    bench.open();
    const before = bench.sink.messages.length;
    const both = [0, 1].flatMap((stamp) =>
      all.map((s) => stampOf(s, { series: 1, stamp, lastNs: bench.time })),
    );
    bench.give(both);
    const kinds = bench.sink.messages.slice(before).map((m) => m.kind.replace('guider.', ''));
    const results = Array(8).fill('result');
    t.same(
      kinds.filter((kind) => kind !== 'event'),
      [
        ...['offsets', ...results, ...results, 'summary', 'acquisition', 'state'],
        ...['offsets', 'summary', 'acquisition', 'state'],
      ],
    );
  },
);
