// SPDX-License-Identifier: Apache-2.0
// The life of series and exposures against the simulated DAQ: whatever is lost of it, a subscriber sees which stamps
// belong together, is told what was missing, and every stamp is accounted for.
import t from 'tap';
import { assertAccounted, assertOnStar, type Played, play, runsOf, stampsWith } from './scenario-run.js';

const [one, two, three] = ['MC_O_20260714_000101', 'MC_O_20260714_000102', 'MC_O_20260714_000103'];
const calm = { rate: 20, stamps: 8, snr: 60, 'gap-ms': 300, 'cosmic-rays': 0, 'hot-pixels': 0, seed: 4 };
const sensor = 'R04_SG1';

/** START, RESUME... of `guider.state`, without its stamps. */
function lifeOf(played: Played): string[] {
  const names = ['?', 'STAMP', 'START', 'STOP', 'PAUSE', 'RESUME'];
  return played
    .bodies('guider.state')
    .map(({ status }) => names[Number(status)] ?? '?')
    .filter((name) => name !== 'STAMP');
}

const ends = (played: Played) => played.bodies('series.end').map(({ seqno, reason }) => `${seqno} ${reason}`);
const series = (played: Played) => played.bodies('guider.series').map(({ seqno }) => Number(seqno));

t.test(
  'a series holds many exposures, each with its name, its irregular start and its reference',
  async (t) => {
    const played = await play(t, {
      ...calm,
      plan: [{ exposures: [{ obsid: one }, { obsid: two }] }, { exposures: [{ obsid: three }] }],
    });
    assertAccounted(t, played);
    t.equal(assertOnStar(t, played, 0.5), 8 * 24);
    t.same(lifeOf(played), [
      'START',
      'RESUME',
      'PAUSE',
      'RESUME',
      'PAUSE',
      'STOP',
      'START',
      'RESUME',
      'PAUSE',
      'STOP',
    ]);
    t.same(series(played), [1, 2]);
    t.same(ends(played), ['1 stop', '2 stop']);
    const results = played.results(sensor);
    t.same(runsOf(results, 'obsid'), [`${one}: 0..7`, `${two}: 8..15`, `${three}: 0..7`]);
    t.same(runsOf(results, 'exposure_index'), ['1: 0..7', '2: 8..15', '1: 0..7']);
    t.same(stampsWith(results, 'first_stamp'), [0, 1, 8, 9, 0, 1]);
    t.same(runsOf(played.bodies('guider.offsets'), 'reference_stamp'), [
      '0: 0..1',
      '2: 2..7',
      '8: 8..9',
      '10: 10..15',
      '0: 0..1',
      '2: 2..7',
    ]);
    t.equal(played.bodies('guider.offsets').length, 24, 'an offset from the very first acquisition on');
    t.equal(results[0]?.exposure, 2_026_071_400_101);
  },
);

t.test('START that is lost: the series is known from its RESUME', async (t) => {
  const played = await play(t, {
    ...calm,
    plan: [{ exposures: [{ obsid: one }] }, { exposures: [{ obsid: two }] }],
    events: [{ event: 'START', fate: 'lost', series: 2 }],
  });
  assertAccounted(t, played);
  t.same(played.eventNames, ['start_missing']);
  t.match(played.events('start_missing'), [{ seqno: 2, severity: String, message: String }]);
  const results = played.results(sensor);
  t.same(runsOf(results, 'obsid'), [`${one}: 0..7`, `${two}: 0..7`]);
  t.same(stampsWith(results, 'first_stamp'), [0, 1, 0, 1]);
  t.same(ends(played), ['1 stop', '2 stop']);
  t.match(played.bodies('guider.series').at(-1), { seqno: 2, source: 'stamps', roi_common_nrows: 50 });
});

t.test('START that one sensor lost: it takes part', async (t) => {
  const played = await play(t, {
    ...calm,
    plan: [{ exposures: [{ obsid: one }] }],
    events: [{ event: 'START', fate: 'lost', sensors: sensor }],
  });
  assertAccounted(t, played);
  const offsets = played.bodies('guider.offsets');
  t.same([...new Set(offsets.slice(3).map(({ n_sensors }) => Number(n_sensors)))], [8]);
  t.same(runsOf(played.results(sensor), 'obsid'), [`${one}: 0..7`]);
});

t.test('RESUME that is lost: its stamps are an exposure without a name', async (t) => {
  const played = await play(t, {
    ...calm,
    plan: [{ exposures: [{ obsid: one }, { obsid: two }, { obsid: three }] }],
    events: [{ event: 'RESUME', fate: 'lost', exposure: 2 }],
  });
  assertAccounted(t, played);
  t.match(played.events('resume_missing'), [{ obsid: 'UNKNOWN' }]);
  const results = played.results(sensor);
  t.same(runsOf(results, 'obsid'), [`${one}: 0..7`, 'UNKNOWN: 8..15', `${three}: 16..23`]);
  t.same(runsOf(results, 'exposure_index'), ['1: 0..7', '2: 8..15', '3: 16..23']);
  const references = played
    .bodies('guider.offsets')
    .slice(9)
    .map(({ reference_stamp }) => Number(reference_stamp));
  t.ok(
    references.every((stamp) => stamp >= 8),
    'offsets never count from another exposure',
  );
});

t.test('PAUSE that is lost: RESUME ends the exposure', async (t) => {
  const played = await play(t, {
    ...calm,
    plan: [{ exposures: [{ obsid: one }, { obsid: two }] }],
    events: [{ event: 'PAUSE', fate: 'lost', exposure: 1 }],
  });
  assertAccounted(t, played);
  t.equal(played.events('pause_missing').length, 1);
  t.same(runsOf(played.results(sensor), 'obsid'), [`${one}: 0..7`, `${two}: 8..15`]);
  t.same(lifeOf(played), ['START', 'RESUME', 'RESUME', 'PAUSE', 'STOP']);
});

t.test('STOP that is lost: the next START ends the series', async (t) => {
  const played = await play(t, {
    ...calm,
    plan: [{ exposures: 1 }, { exposures: 1 }],
    events: [{ event: 'STOP', fate: 'lost', series: 1 }],
  });
  assertAccounted(t, played);
  t.equal(played.events('stop_missing').length, 1);
  t.match(ends(played), [/^1 (next_series|idle)$/, '2 stop']);
});

t.test('messages that come twice change nothing', async (t) => {
  const twice = ['START', 'RESUME', 'PAUSE', 'STOP'].map((event) => ({ event, fate: 'twice' }));
  const played = await play(t, { ...calm, plan: [{ exposures: 2 }], events: twice });
  assertAccounted(t, played);
  t.same(lifeOf(played), ['START', 'RESUME', 'PAUSE', 'RESUME', 'PAUSE', 'STOP']);
  t.same(played.eventNames, []);
  t.same(runsOf(played.results(sensor), 'exposure_index'), ['1: 0..7', '2: 8..15']);
});
