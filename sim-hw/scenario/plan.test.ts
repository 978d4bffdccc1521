// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { defaultRoiSpec, type Series, type SeriesEntry, seriesOf } from './plan.js';

const defaults = {
  rows: 50,
  cols: 50,
  integrationMs: 50,
  stamps: 270,
  exposures: 2,
  series: 3,
  gapMs: 500,
};

function played(plan: readonly SeriesEntry[] | null): Series[] {
  return [...seriesOf(plan, defaults)];
}

t.test('without a plan the options say it: series x exposures x stamps', async (t) => {
  const series = played(null);
  t.equal(series.length, 3);
  for (const one of series) {
    t.match(one, {
      waitMs: one === series[0] ? 0 : 0,
      sequence: null,
      firstStamp: 0,
      ends: 'stop',
      downMs: null,
    });
    t.same(
      [...one.exposures()],
      [
        { stamps: 270, obsid: null, pauseMs: 0 },
        { stamps: 270, obsid: null, pauseMs: 500 },
      ],
    );
    t.equal(Object.keys(one.roiSpec).length, 9);
  }
});

t.test('a plan has series and exposures of its own', async (t) => {
  const series = played([
    {
      exposures: [
        { stamps: 5, obsid: 'MC_O_20260714_000001' },
        { repeat: 2, 'pause-ms': 10 },
      ],
      stamps: 7,
    },
    { repeat: 2, sequence: 65_535, 'first-stamp': 65_530, ends: 'running', exposures: 1 },
    { restart: {}, sensors: ['R00_SG0', 'R44_SG1'], rows: 100, 'wait-ms': 5 },
  ]);
  t.equal(series.length, 4);
  const [one, two, three, four] = series;
  t.same(
    [...(one?.exposures() ?? [])],
    [
      { stamps: 5, obsid: 'MC_O_20260714_000001', pauseMs: 0 },
      { stamps: 7, obsid: null, pauseMs: 10 },
      { stamps: 7, obsid: null, pauseMs: 10 },
    ],
  );
  t.match(two, { sequence: 65_535, firstStamp: 65_530, ends: 'running', waitMs: 500 });
  t.match(three, { sequence: null, firstStamp: 65_530 }, 'the one after it counts on');
  t.match(four, { downMs: 500, waitMs: 5 });
  t.same(Object.keys(four?.roiSpec ?? {}).sort(), ['R00SG0', 'R44SG1', 'common']);
  t.match(four?.roiSpec, { common: { rows: 100, cols: 50, integrationTimeMillis: 50 } });
});

t.test('the usual places are segment 7 on SG0 and 0 on SG1', async (t) => {
  const spec = defaultRoiSpec(defaults);
  t.match(spec, { R00SG0: { segment: 7, startRow: 800, startCol: 56 }, R00SG1: { segment: 0 } });
});
