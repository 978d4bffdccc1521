// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import type { SensorCounters } from '../model/daq.js';
import { logTo } from '../model/log.js';
import { commandNames, guiderArcsecPerMm, parsePointing, skyScaleAt } from '../model/pointing.js';
import { Guider } from './guider.js';
import { OnSky } from './on-sky.js';
import { all, Collected, FakeClock, ms, resume, second, stampOf, start } from './testing-records.js';

const downIsX = parsePointing({ alt_deg: 70, az_deg: 180, rotator_deg: -90 }, commandNames);

function role() {
  const clock = new FakeClock();
  const sink = new Collected();
  const onSky = new OnSky(sink, downIsX);
  const guider = new Guider(
    { sensors: all, deadlineMs: null, roi: null, scatterFloorMm: 0.0002, timeSuspect: () => false },
    { clock, sink: onSky, log: logTo(() => {}), counters: (): SensorCounters[] => [] },
  );
  let now = clock.now;
  const give = (stamp: number, dx: number, dy: number) => {
    now += 110n * ms;
    clock.moveTo(now);
    guider.onRecords(all.map((s) => stampOf(s, { series: 1, stamp, lastNs: now }, { dx, dy, rotation: 0 })));
  };
  guider.onRecords(all.map((s) => start(s, 1, now)));
  guider.onRecords(all.map((s) => resume(s, 1, now, 'MC_O_20260714_000123')));
  now += second;
  return { sink, onSky, give };
}

t.test('a displacement of all stars is told in altitude and azimuth', async (t) => {
  const { sink, give } = role();
  for (let stamp = 0; stamp < 4; stamp++) give(stamp, 0, 0);
  give(4, 0.01, 0.002);
  const { sky, fit } = sink.last('guider.offsets');
  if (!sky) throw new Error('a sky offset');
  // With a camera rotation of 0, +x is down and +y is towards larger azimuth.
  t.ok(Math.abs(sky.dalt + 0.01 * guiderArcsecPerMm) < 1e-9, `${sky.dalt}`);
  t.ok(Math.abs(sky.daz - 0.002 * guiderArcsecPerMm) < 1e-9);
  t.ok(Math.abs(sky.daltErr - fit.xErr * guiderArcsecPerMm) < 1e-9 && sky.daltErr > 0);
  t.ok(Math.abs(sky.dazErr - fit.yErr * guiderArcsecPerMm) < 1e-9);
  t.equal(sky.dtheta, fit.rotation);
  t.equal(sky.dthetaErr, fit.rotationErr);
  const { results } = sink.last('guider.acquisition');
  for (const r of results) {
    if (!r?.sky) throw new Error('each sensor has a sky offset');
    const scale = skyScaleAt({ x: r.centroidX, y: r.centroidY });
    t.ok(Math.abs(r.sky.dalt + scale.xx * 0.01 + scale.xy * 0.002) < 1e-6, r.sensor);
    t.ok(Math.abs(r.sky.daltErr / r.centroidXErr / guiderArcsecPerMm - 1) < 2e-3);
  }
});

t.test('a trail along x is a trail along altitude', async (t) => {
  const { sink, give } = role();
  give(0, 0, 0);
  const result = sink.last('guider.result');
  const trailed = { ...result, momentXx: 2, momentYy: 1, momentXy: 0 };
  const out = new Collected();
  new OnSky(out, downIsX).publish(trailed);
  const { sky } = out.last('guider.result');
  t.ok(sky && Math.abs(sky.e1 + 1 / 3) < 1e-9 && Math.abs(sky.e2) < 1e-9);
});

t.test('without a pointing nothing is added', async (t) => {
  const { sink, onSky, give } = role();
  onSky.pointing = null;
  give(0, 0, 0);
  t.equal(sink.last('guider.offsets').sky, undefined);
  t.equal(sink.last('guider.result').sky, undefined);
  onSky.pointing = downIsX;
  give(1, 0, 0);
  t.ok(sink.last('guider.offsets').sky);
});
