// SPDX-License-Identifier: Apache-2.0
// What an exposure amounted to, through the whole agent, against what the simulated DAQ was told to do.
import t, { type Test } from 'tap';
import { type Body, play } from './scenario-run.js';

const stamps = 140;
const rate = 20;

type Numbers = Readonly<Record<string, number>>;

function inside(body: unknown, ...path: readonly string[]): Record<string, unknown> {
  return path.reduce((at, key) => at[key] as Record<string, unknown>, body as Record<string, unknown>);
}

t.test('drift, wind and losses of each exposure are found again in its summary', async (t) => {
  const played = await play(
    t,
    {
      rate,
      snr: 120,
      jitter: 0.02,
      drift: 0,
      rotation: 0,
      'cosmic-rays': 0,
      'hot-pixels': 0,
      seed: 12,
      plan: [{ exposures: 2, stamps }],
      happenings: [
        { what: 'drift', 'arcsec-per-s': 0.05, 'direction-deg': 0 },
        { what: 'rotation', 'arcsec-per-s': 1.5 },
        { what: 'wind', lines: [{ hz: 1.3, arcsec: 0.05, 'direction-deg': 20, 'phase-deg': 0 }] },
        { what: 'dead', sensors: 'R04_SG0', series: 1, exposure: 2, from: 40, stamps: 2 },
      ],
    },
    // With a camera rotation of 0, +x is down.
    { guider: { pointing: { altDeg: 70, azDeg: 180, rotatorDeg: -90 } } },
  );
  const exposures = played.bodies('guider.exposure');
  t.equal(exposures.length, 2);
  const obsids = new Set(played.bodies('guider.offsets').map(({ obsid }) => obsid));
  t.same(
    exposures.map(({ obsid }) => obsid),
    [...obsids],
  );
  exposures.forEach((body, i) => {
    const told = `exposure ${i + 1}`;
    t.match(body, { exposure_index: i + 1, n_stamps: stamps, n_good: stamps, flags: [], ncols: 50 }, told);
    assertMotion(t, body, told);
    // Fewer than make a sensor silent, whose first stamp afterwards may be late.
    const lost = i === 1 ? 2 : 0;
    const counts = inside(body, 'sensors', 'R04_SG0', 'counts') as Numbers;
    t.match(counts, { expected: stamps, received: stamps - lost, lost, good: stamps - lost }, told);
    t.match(inside(body, 'sensors', 'R44_SG1', 'counts'), { expected: stamps, lost: 0 }, told);
    // On a machine that is busy elsewhere a stamp may come too late for its acquisition.
    const good = Object.values(body.sensors as Record<string, { counts: Numbers }>).map(
      ({ counts }) => counts.good ?? 0,
    );
    const measured = good.reduce((sum, n) => sum + n, 0);
    t.ok(measured <= 8 * stamps - lost && measured > 8 * stamps - lost - 8, `${measured} measurements`);
    t.equal((body.quick_look as Numbers).guider_n_measurements, measured, told);
    t.match(body.quick_look, {
      guider_n_tracked_stars: 8,
      guider_n_stamps_expected: stamps,
      guider_n_stamps_delivered: stamps - lost,
    });
  });
});

function assertMotion(t: Test, body: Body, told: string): void {
  const truths = { dx: 0.05, dy: 0, dalt: -0.05, daz: 0, rotation: 1.5 };
  for (const [name, truth] of Object.entries(truths)) {
    const { slope = Number.NaN, slope_err = Number.NaN } = inside(
      body,
      'combined',
      'trends',
      name,
    ) as Numbers;
    // The agent counts distortion at the guide sensors, the simulator has none: 0.25 %.
    const off = Math.abs(slope - truth) - Math.abs(truth) * 0.003;
    t.ok(off < 4.5 * slope_err, `${told}: ${name} ${slope} +- ${slope_err}, truth ${truth}`);
  }
  for (const name of ['mag', 'fwhm']) {
    const { slope = Number.NaN } = inside(body, 'combined', 'trends', name) as Numbers;
    t.ok(Math.abs(slope) < 0.003, `${told}: ${name} ${slope}`);
  }
  const spectrum = inside(body, 'combined', 'spectrum') as { lines?: readonly Numbers[] } & Body;
  const [line, ...others] = spectrum.lines ?? [];
  t.same(others, [], `${told}: one line`);
  t.ok(Math.abs((line?.frequency_hz ?? 0) - 1.3) < 0.03, `${told}: ${line?.frequency_hz} Hz`);
  t.ok(Math.abs((line?.amplitude ?? 0) - 0.05) < 0.01, `${told}: ${line?.amplitude} arcsec`);
  t.ok(Math.abs((line?.direction_deg ?? 0) - 20) < 15, `${told}: towards ${line?.direction_deg} deg`);
  t.ok((line?.false_alarm ?? 1) < 1e-4, `${told}: false alarm ${line?.false_alarm}`);
}
