// SPDX-License-Identifier: Apache-2.0
// Scores of hand-made answers.
import t from 'tap';
import { accuracyOf, isWrong, phaseCurveOf, reliabilityOf, seriesOf } from './score.js';
import type { Answer, Judged, TruthRow } from './stamps.js';

const star: TruthRow = {
  cls: 'snr20',
  want: 'measure',
  star: true,
  x: 25,
  y: 24,
  fluxE: 1000,
  fwhmPx: 4,
  snr: 20,
  snrEff: 20,
  crlbX: 0.1,
  crlbY: 0.2,
  gain: 1.46,
};
const empty: TruthRow = { ...star, cls: 'empty', want: 'reject', star: false, x: Number.NaN, y: Number.NaN };

function at(x: number, y: number, more: Partial<Answer> = {}): Answer {
  return { x, y, ex: 0.1, ey: 0.2, flux: 1000, fwhm: 4, flagged: false, ...more };
}

function judged(truth: TruthRow, ...answers: (Answer | null)[]): Judged[] {
  return answers.map((answer) => ({ truth, answer }));
}

t.test('errors of one bound each way give a ratio and a pull of one', async (t) => {
  const score = accuracyOf(judged(star, at(25.1, 24.2), at(24.9, 23.8), at(25.1, 23.8)));
  t.ok(Math.abs(score.rmsOverBound - 1) < 1e-9);
  t.ok(Math.abs(score.pull - 1) < 1e-9);
  t.ok(Math.abs(score.rmsPx - Math.sqrt((0.1 ** 2 + 0.2 ** 2) / 2)) < 1e-9);
  t.equal(score.answered, 1);
});

t.test('a flagged answer and none are both no answer, and neither is averaged', async (t) => {
  const score = accuracyOf(judged(star, at(25.1, 24.2), at(25.9, 24, { flagged: true }), null, null));
  t.equal(score.answered, 0.25);
  t.ok(Math.abs(score.rmsOverBound - 1) < 1e-9);
});

t.test('another thing taken for the star is counted, not averaged', async (t) => {
  const score = accuracyOf(judged(star, at(25.1, 24.2), at(40, 10)));
  t.equal(score.elsewhere, 1);
  t.equal(score.answered, 1);
  t.ok(Math.abs(score.rmsOverBound - 1) < 1e-9);
});

t.test('width and flux are compared with the truth, the flux at the true gain', async (t) => {
  const score = accuracyOf(judged({ ...star, gain: 0.73 }, at(25, 24, { fwhm: 4.2, flux: 2100 })));
  t.ok(Math.abs(score.fwhmBias - 0.05) < 1e-9);
  t.ok(Math.abs(score.fluxBias - 0.05) < 1e-9);
});

t.test('a cell without answers has no ratio', async (t) => {
  t.ok(Number.isNaN(accuracyOf(judged(star, null)).rmsOverBound));
  t.ok(Number.isNaN(accuracyOf(judged(star, { x: 25, y: 24, flagged: false })).pull));
});

t.test('wrong is more than 1 px off, or an answer where none is due', async (t) => {
  t.notOk(isWrong(star, at(25.9, 24)));
  t.ok(isWrong(star, at(25.9, 24.9)));
  t.ok(isWrong(empty, at(25, 24)));
  t.ok(isWrong({ ...star, want: 'reject' }, at(25, 24)));
  t.ok(isWrong(star, at(Number.NaN, 24)));
});

t.test('wrong answers count by whether they are flagged; missing ones where one is due', async (t) => {
  const cell = [
    ...judged(star, at(25, 24), at(28, 24), at(28, 24, { flagged: true }), null),
    ...judged({ ...star, want: 'either' }, null, at(25, 24)),
    ...judged(empty, null, at(3, 3), at(3, 3, { flagged: true })),
  ];
  t.same(reliabilityOf(cell), { stamps: 9, wrongUnflagged: 2, wrong: 4, noAnswer: 5, due: 4, missing: 2 });
});

t.test('the S-curve averages each sub-pixel phase', async (t) => {
  const cell = [24, 24.25, 24.5, 24.75].flatMap((x) => {
    const truth = { ...star, x };
    const bias = x === 24.25 ? 0.01 : 0;
    return judged(truth, at(x + bias + 0.002, 24), at(x + bias - 0.002, 24));
  });
  const curve = phaseCurveOf(cell);
  t.same(
    curve.phases.map(({ phase }) => phase),
    [0, 0.25, 0.5, 0.75],
  );
  t.ok(Math.abs(curve.peak - 0.01) < 1e-9);
  t.ok(Math.abs(curve.rms - 0.005) < 1e-9);
  t.ok(Math.abs(curve.noise - 0.1 / Math.sqrt(2)) < 1e-9);
});

t.test('a series counts lost stars, false ones and wrong positions', async (t) => {
  const faint = { ...star, snr: 10 };
  const stamps = [
    ...judged(star, at(25, 24), null, at(28, 24), at(25, 24, { flagged: true })),
    ...judged(faint, null, at(30, 24)),
    ...judged(empty, null, at(25, 24)),
  ];
  t.same(seriesOf(stamps, 15), { stamps: 8, lost: 2, false: 1, wrong: 1 });
});
