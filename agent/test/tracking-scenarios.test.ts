// SPDX-License-Identifier: Apache-2.0
// What tries to take a star from a sensor, or feeds it a wrong one: positions that may be used are those of the star, and
// offsets stay what the other sensors say.
import t, { type Test } from 'tap';
import { assertAccounted, assertOnStar, type Body, type Played, play, stampsWith } from './scenario-run.js';

const calm = {
  rate: 20,
  snr: 60,
  'cosmic-rays': 0,
  'hot-pixels': 0,
  drift: 0.02,
  rotation: 0.02,
  seed: 9,
  plan: [{}],
};
const pixelMm = 0.01;

/** Offset minus truth, px, of each acquisition whose offset may be used. */
function offsetErrors(played: Played): { readonly stamp: number; readonly px: number }[] {
  return played.bodies('guider.offsets').flatMap((body: Body) => {
    const now = played.truthOf('R00_SG0', body.seqno, body.stamp);
    const then = played.truthOf('R00_SG0', body.seqno, body.reference_stamp);
    if (body.flagged === true || now === undefined || then === undefined) return [];
    const dx = (body.x as number) - (now.dx_mm - then.dx_mm);
    const dy = (body.y as number) - (now.dy_mm - then.dy_mm);
    return [{ stamp: Number(body.stamp), px: Math.hypot(dx, dy) / pixelMm }];
  });
}

/** Every position that took part in an offset lies on its star; returns how many those are. */
function assertMembersOnStar(t: Test, played: Played): number {
  const results = new Map(
    played.results().map((body) => [`${body.sensor} ${body.seqno} ${body.stamp}`, body]),
  );
  let members = 0;
  for (const body of played.bodies('guider.acquisition')) {
    for (const [i, sensor] of String(body.sensor).split(':').entries()) {
      if ((body.excluded as string[])[i] !== '') continue;
      const result = results.get(`${sensor} ${body.seqno} ${body.stamp}`);
      const line = played.truthOf(sensor, body.seqno, result?.daq_stamp);
      const dx = (result?.xroi as number) - (line?.x ?? Number.NaN);
      const dy = (result?.yroi as number) - (line?.y ?? Number.NaN);
      if (!(Math.hypot(dx, dy) < 1)) t.fail(`${sensor} stamp ${body.stamp}: ${Math.hypot(dx, dy)} px off`);
      members++;
    }
  }
  return members;
}

function usable(played: Played, sensor: string, from: number): number {
  return played.results(sensor).filter(({ stamp, flagged }) => Number(stamp) >= from && flagged === false)
    .length;
}

t.test('satellites, cosmic rays and a new neighbour do not take a star away', async (t) => {
  const played = await play(t, {
    ...calm,
    stamps: 50,
    happenings: [
      {
        what: 'satellite',
        from: 12,
        sensors: ['R00_SG0', 'R00_SG1'],
        'offset-px': [9, -4],
        'electrons-per-px': 6000,
      },
      {
        what: 'satellite',
        from: 13,
        sensors: 'R40_SG0',
        stamps: 2,
        'offset-px': [6, 6],
        'electrons-per-px': 20_000,
      },
      {
        what: 'cosmic-ray',
        from: 20,
        sensors: ['R44_SG0', 'R44_SG1'],
        'offset-px': [7, 5],
        electrons: 60_000,
      },
      { what: 'cosmic-ray', from: 25, sensors: ['R00_SG0', 'R40_SG1'], 'offset-px': [2, 2], 'length-px': 2 },
      // For one stamp there is a star brighter than the guide star.
      { what: 'star', from: 16, stamps: 1, sensors: 'R40_SG1', 'offset-px': [8, 5], ratio: 3 },
      { what: 'star', from: 32, sensors: 'R04_SG1', 'offset-px': [8, 5], ratio: 3 },
    ],
  });
  assertAccounted(t, played);
  t.ok(assertMembersOnStar(t, played) > 8 * 50 - 40, 'most stamps take part');
  t.ok(assertOnStar(t, played, 1) > 8 * 50 - 40, 'positions that may be used are those of the star');
  t.same(stampsWith(played.results('R40_SG1'), 'off_track'), [16]);
  t.same(stampsWith(played.results('R04_SG1'), 'off_track'), [32], 'from then on it is told where to look');
  t.equal(played.events('star_changed').length, 0);
  for (const name of Object.keys(played.counters)) {
    const good = name === 'R04_SG1' ? 19 : 20;
    t.equal(usable(played, name, 30), good, `${name}: every stamp after the last hit is good`);
  }
  const errors = offsetErrors(played);
  t.equal(errors.length, 50);
  t.ok(
    Math.max(...errors.map(({ px }) => px)) < 0.15,
    `worst offset ${Math.max(...errors.map(({ px }) => px))} px`,
  );
});

t.test('one wrong star and one dead sensor: the other six guide as well as six can', async (t) => {
  const played = await play(
    t,
    {
      ...calm,
      stamps: 100,
      happenings: [
        {
          what: 'wrong-star',
          sensors: 'R04_SG0',
          from: 4,
          'offset-px': [4, -3],
          'drift-px-per-s': [0.8, -0.5],
          'jitter-px': 0.3,
        },
        { what: 'dead', sensors: 'R40_SG1', from: 4 },
      ],
    },
    { guider: { deadlineMs: 150 } },
  );
  assertAccounted(t, played);
  const offsets = played.bodies('guider.offsets').filter(({ stamp }) => Number(stamp) >= 4);
  const acquisitions = played.bodies('guider.acquisition').filter(({ stamp }) => Number(stamp) >= 4);
  const at = String(acquisitions[0]?.sensor).split(':').indexOf('R04_SG0');
  const reasons = acquisitions.map(({ excluded }) => (excluded as string[])[at]);
  t.ok(
    reasons.filter((why) => why !== '').length >= reasons.length - 2,
    `left out: ${[...new Set(reasons)].join(', ')}`,
  );
  t.ok(offsets.every(({ n_sensors }) => Number(n_sensors) <= 7 && Number(n_sensors) >= 4));
  const renewed = played.events('reference_changed').length;
  t.ok(
    renewed <= 6,
    `the reference changed ${renewed} times: what was learnt is forgotten once, not stamp after stamp`,
  );
  const errors = offsetErrors(played).filter(({ stamp }) => stamp >= 5);
  t.ok(errors.length > 80);
  const rms = Math.sqrt(errors.reduce((sum, { px }) => sum + px * px, 0) / errors.length);
  // A star of SNR 60 is known to 0.037 px on an axis: stamp and reference, over six stars, both axes together.
  const theory = (0.037 * Math.SQRT2 * Math.SQRT2) / Math.sqrt(6);
  // One exposure has one reference, whose error all its offsets share: a factor 1.5 about the mean is chance.
  t.ok(rms < 1.3 * 1.5 * theory, `rms ${rms.toFixed(4)} px, theory ${theory.toFixed(4)} px`);
});
