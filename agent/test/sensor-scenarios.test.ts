// SPDX-License-Identifier: Apache-2.0
// Sensors that come late, die, come back or repeat themselves: the others guide on, and nobody waits for the dead.
import t from 'tap';
import { assertAccounted, assertOnStar, type Body, play, stampsWith } from './scenario-run.js';

const calm = { rate: 20, stamps: 24, snr: 60, 'cosmic-rays': 0, 'hot-pixels': 0, seed: 6, plan: [{}] };

/** Why a sensor did not take part, acquisition by acquisition. */
function excludedOf(acquisitions: readonly Body[], sensor: string): string[] {
  return acquisitions.map((body) => {
    const at = String(body.sensor).split(':').indexOf(sensor);
    return (body.excluded as string[])[at] ?? 'not in the message';
  });
}

t.test('a sensor that joins late takes part from its first stamps on', async (t) => {
  const played = await play(t, {
    ...calm,
    happenings: [
      { what: 'late-start', sensors: 'R00_SG0', stamps: 10 },
      { what: 'late-start', sensors: 'R44_SG1', stamps: 12, start: 'never' },
    ],
  });
  assertAccounted(t, played);
  t.ok(assertOnStar(t, played, 0.5) >= 8 * 24 - 22);
  t.same(
    played.events('sensor_joined').map(({ sensor, stamp }) => `${sensor} ${stamp}`),
    ['R00_SG0 10', 'R44_SG1 12'],
  );
  const offsets = played.bodies('guider.offsets');
  t.equal(offsets.length, 24);
  const used = new Map(offsets.map(({ stamp, n_sensors }) => [Number(stamp), Number(n_sensors)]));
  t.match([used.get(5), used.get(9), used.get(23)], [6, 6, 8]);
});

t.test('a sensor that dies is waited for three times, then no more; it is welcome again', async (t) => {
  const played = await play(
    t,
    {
      ...calm,
      happenings: [
        { what: 'dead', sensors: 'R04_SG0', from: 6, stamps: 9 },
        { what: 'dead', sensors: 'R40_SG1', from: 16 },
      ],
    },
    // Long enough for this machine, short enough to be over before the next stamp.
    { guider: { deadlineMs: 40 } },
  );
  assertAccounted(t, played);
  t.equal(played.counters.R04_SG0?.lost, 9);
  t.equal(played.counters.R40_SG1?.lost, 8);
  t.equal(played.counters.R00_SG0?.lost, 0);
  t.match(played.events('sensor_silent'), [{ sensor: 'R04_SG0' }, { sensor: 'R40_SG1' }]);
  t.match(played.events('sensor_back'), [{ sensor: 'R04_SG0' }]);
  const gaps = played.results('R04_SG0').filter(({ gap }) => Number(gap) > 0);
  t.match(gaps, [{ stamp: 15, gap: 9 }]);
  t.same(stampsWith(gaps, 'missing_prev'), [15]);
  const acquisitions = played.bodies('guider.acquisition');
  const why = excludedOf(acquisitions, 'R04_SG0');
  t.ok(
    why.slice(6, 9).every((one) => one === 'missing'),
    why.join(' '),
  );
  t.ok(why.slice(9, 15).includes('silent'), why.join(' '));
  t.equal(played.bodies('guider.offsets').length, 24, 'an offset for each acquisition all the same');
  assertOnStar(t, played, 0.5);
});

t.test('with one sensor silent an acquisition closes at the deadline, not later', async (t) => {
  const deadlineMs = 60;
  const played = await play(
    t,
    { ...calm, rate: 5, stamps: 12, happenings: [{ what: 'dead', sensors: 'R04_SG0', from: 4, stamps: 2 }] },
    { guider: { deadlineMs } },
  );
  assertAccounted(t, played);
  const waited = played.bodies('guider.offsets').filter(({ closed_by }) => closed_by === 'timeout');
  t.same(
    waited
      .filter(({ stamp }) => stamp === 4 || stamp === 5)
      .map(({ stamp, n_sensors }) => `${stamp} ${n_sensors}`),
    ['4 7', '5 7'],
  );
  // t_first_ns is the first packet of the sensor that came first, whose last packet starts the deadline.
  for (const body of waited) {
    const afterMs = Number((body.t_published_ns as bigint) - BigInt(body.t_first_ns as bigint)) / 1e6;
    t.ok(afterMs >= deadlineMs, `stamp ${body.stamp}: ${afterMs.toFixed(1)} ms, not before the deadline`);
  }
  t.ok(
    played.bodies('guider.offsets').every(({ closed_by }) => closed_by !== 'next'),
    'none waited for the next stamp',
  );
});

t.test(
  'a sensor that repeats its pixels is flagged, told once, and the others guide on without it',
  async (t) => {
    const played = await play(t, {
      ...calm,
      happenings: [
        { what: 'frozen', sensors: 'R04_SG0', from: 8, stamps: 6 },
        { what: 'drift', 'arcsec-per-s': 0.2 },
      ],
    });
    assertAccounted(t, played);
    t.same(stampsWith(played.results('R04_SG0'), 'frozen'), [8, 9, 10, 11, 12, 13]);
    t.same(stampsWith(played.results('R04_SG1'), 'frozen'), []);
    t.match(played.events('sensor_frozen'), [{ sensor: 'R04_SG0', stamp: 8, severity: 'warning' }]);
    const used = new Map(
      played.bodies('guider.offsets').map(({ stamp, n_sensors }) => [Number(stamp), Number(n_sensors)]),
    );
    t.same(
      [7, 8, 13, 14].map((stamp) => used.get(stamp)),
      [8, 7, 7, 8],
    );
    assertOnStar(t, played, 0.5);
  },
);

t.test('every sensor dead: stamps are lost by number, and the series ends', async (t) => {
  const played = await play(t, { ...calm, happenings: [{ what: 'dead', from: 10 }] });
  assertAccounted(t, played);
  t.same([...new Set(Object.values(played.counters).map(({ lost }) => lost))], [14]);
  t.match(played.bodies('series.end'), [{ reason: 'stop', n_stamps: 10, n_lost_daq: 8n * 14n }]);
});

t.test('thick clouds: no star, no offset; afterwards every star is found and counts as before', async (t) => {
  const played = await play(t, {
    ...calm,
    stamps: 50,
    happenings: [
      {
        what: 'clouds',
        curve: [
          [14, 1],
          [16, 0],
          [24, 0],
          [26, 1],
        ],
      },
    ],
  });
  assertAccounted(t, played);
  t.ok(assertOnStar(t, played, 1) > 8 * 36);
  const offsets = played.bodies('guider.offsets');
  const at = (stamp: number) => offsets.find((body) => Number(body.stamp) === stamp) ?? {};
  for (const stamp of [17, 20, 23]) t.match(at(stamp), { n_sensors: 0, flagged: true }, `stamp ${stamp}`);
  for (const stamp of [30, 40, 49]) t.match(at(stamp), { n_sensors: 8, flagged: false }, `stamp ${stamp}`);
  const dark = played.results().filter(({ stamp }) => Number(stamp) >= 17 && Number(stamp) <= 23);
  t.equal(dark.length, 8 * 7);
  t.ok(dark.every(({ flagged }) => flagged === true));
  const references = new Set(offsets.slice(5).map(({ reference_stamp }) => Number(reference_stamp)));
  t.equal(references.size, 1, 'offsets count from the same stamp before and after');
  const errors = offsets
    .filter(({ stamp, flagged }) => Number(stamp) > 28 && flagged === false)
    .map((body) => {
      const now = played.truthOf('R00_SG0', body.seqno, body.stamp);
      const then = played.truthOf('R00_SG0', body.seqno, body.reference_stamp);
      if (now === undefined || then === undefined) return Number.NaN;
      return Math.hypot(
        (body.x as number) - now.dx_mm + then.dx_mm,
        (body.y as number) - now.dy_mm + then.dy_mm,
      );
    });
  t.ok(Math.max(...errors) < 0.002, `largest error afterwards ${Math.max(...errors)} mm`);
});
