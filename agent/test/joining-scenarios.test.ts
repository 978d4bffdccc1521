// SPDX-License-Identifier: Apache-2.0
// Late joins, numbers that wrap, other ROIs, restarts of the DAQ: against the simulated DAQ, as a subscriber sees it.
import t from 'tap';
import { assertAccounted, assertOnStar, play, runsOf, stampsWith } from './scenario-run.js';

const [one, two] = ['MC_O_20260714_000101', 'MC_O_20260714_000102'];
const calm = { rate: 20, stamps: 8, snr: 60, 'gap-ms': 300, 'cosmic-rays': 0, 'hot-pixels': 0, seed: 4 };
const sensor = 'R04_SG1';

t.test('the agent that comes in the middle says so, and is itself from the next RESUME on', async (t) => {
  const plan = [{ exposures: [{ stamps: 160, obsid: one }, { obsid: two }] }];
  const played = await play(t, { ...calm, plan }, { late: true });
  t.equal(played.events('joined_late').length, 1);
  const results = played.results(sensor);
  const before = results.filter(({ obsid }) => obsid === 'UNKNOWN');
  t.ok(before.length > 0 && before.length < 160, `${before.length} stamps of the first exposure`);
  t.same(stampsWith(before, 'first_stamp'), []);
  t.equal(stampsWith(before, 'stale_reference').length, before.length);
  const after = results.filter(({ obsid }) => obsid === two);
  t.same(stampsWith(after, 'first_stamp'), [160, 161]);
  t.same(stampsWith(after, 'stale_reference'), []);
  t.ok(assertOnStar(t, played, 0.5) > 8 * 8);
  t.equal(played.stats.conserved, true);
  t.same(
    played.bodies('guider.exposure').map(({ obsid, flags }) => [obsid, flags]),
    [
      ['UNKNOWN', ['no_pointing', 'joined_late']],
      [two, ['no_pointing']],
    ],
  );
  t.ok(
    played.bodies('guider.series').some(({ source }) => source === 'stamps'),
    'the ROI is told as the stamps have it',
  );
});

t.test('numbers wrap at 65535, of stamps within an exposure and of series', async (t) => {
  const played = await play(t, {
    ...calm,
    'first-sequence': 65_535,
    // The agent hears that the DAQ is idle before it misses START: so it knows what else it missed.
    'start-delay-ms': 1000,
    plan: [
      { 'first-stamp': 65_530, exposures: [{ stamps: 12, obsid: one }] },
      { exposures: [{ obsid: two }] },
    ],
    events: [{ event: 'START', fate: 'lost', series: 1 }],
  });
  assertAccounted(t, played);
  const results = played.results(sensor);
  t.same(runsOf(results, 'obsid'), [`${one}: 65530..65541`, `${two}: 0..7`]);
  t.same(
    results.slice(4, 8).map(({ daq_stamp }) => Number(daq_stamp)),
    [65_534, 65_535, 0, 1],
  );
  const numbers = [...new Set(results.map(({ seqno, series }) => `${seqno} ${series}`))];
  t.match(numbers, [/^65535 /, /^0 /]);
  const [first = 0, second = 0] = numbers.map((text) => Number(text.split(' ')[1]));
  t.equal(second, first + 1, 'the unwrapped number goes on');
  t.equal(assertOnStar(t, played, 0.5), 8 * 20);
});

t.test('stamps numbered from 1 are the same stamps', async (t) => {
  const played = await play(t, {
    ...calm,
    'one-based': true,
    plan: [{ exposures: [{ obsid: one }, { obsid: two }] }],
  });
  assertAccounted(t, played);
  const results = played.results(sensor);
  t.same(runsOf(results, 'obsid'), [`${one}: 1..8`, `${two}: 9..16`]);
  t.same(stampsWith(results, 'first_stamp'), [1, 2, 9, 10]);
  t.ok(
    Object.values(played.counters).every(({ lost }) => lost === 0),
    'none before the first is missed',
  );
});

t.test('another ROI in the middle of a visit is a new series of the same exposure', async (t) => {
  const played = await play(t, {
    ...calm,
    plan: [
      { ends: 'running', exposures: [{ obsid: one }] },
      { rows: 60, cols: 70, 'wait-ms': 0, exposures: [{ obsid: one }] },
    ],
    events: [{ event: 'PAUSE', fate: 'lost', series: 1 }],
    happenings: [{ what: 'split-roi', series: 2, sensors: sensor, column: 20 }],
  });
  assertAccounted(t, played);
  t.equal(played.events('roi_changed').length, 1);
  const results = played.results(sensor);
  t.same(
    results.map(({ nrows, ncols }) => `${nrows}x${ncols}`),
    [...Array(8).fill('50x50'), ...Array(8).fill('60x70')],
  );
  t.same([...new Set(results.map(({ obsid }) => obsid))], [one]);
  const second = played.bodies('guider.offsets').filter(({ seqno }) => seqno === 2);
  t.ok(second.every(({ reference_stamp }) => Number(reference_stamp) >= 0 && Number(reference_stamp) < 8));
  t.same(stampsWith(results, 'split_roi'), [0, 1, 2, 3, 4, 5, 6, 7], 'all of the second series');
  t.same(stampsWith(played.results('R00_SG0'), 'split_roi'), []);
  t.equal(played.events('split_roi').length, 1);
  const [before, after] = played.bodies('guider.series');
  t.match([before?.roi_common_ncols, after?.roi_common_ncols], [50, 70]);
});

t.test('a DAQ that restarts in an exposure counts anew: another series', async (t) => {
  const played = await play(
    t,
    {
      ...calm,
      plan: [
        { ends: 'running', exposures: [{ obsid: one }] },
        { restart: { 'down-ms': 500 }, 'wait-ms': 500, exposures: [{ obsid: two }] },
      ],
    },
    { subscribes: true },
  );
  t.equal(played.events('daq_restarted').length, 1);
  const results = played.results(sensor);
  t.same(runsOf(results, 'obsid'), [`${one}: 0..7`, `${two}: 0..7`]);
  t.equal(new Set(results.map(({ series }) => Number(series))).size, 2, 'never the same number twice');
  t.equal(new Set(results.map(({ seqno }) => Number(seqno))).size, 1, 'whatever the DAQ calls it');
  assertAccounted(t, played);
});
