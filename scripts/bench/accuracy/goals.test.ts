// SPDX-License-Identifier: Apache-2.0
// The table of goals, from hand-made sets and answers; peers that skipped stamps; the plot.
import t from 'tap';
import { goalLines, type Measured } from './goals.js';
import { parsePeers } from './peers.js';
import { plotBound } from './plot.js';
import { speedLines } from './speed.js';
import { type Answer, byClass, type TruthGroup, type TruthRow } from './stamps.js';

const base: TruthRow = {
  cls: '',
  want: 'measure',
  star: true,
  x: 25,
  y: 25,
  fluxE: 1000,
  fwhmPx: 4,
  snr: 10,
  snrEff: 10,
  crlbX: 0.1,
  crlbY: 0.1,
  gain: 1.46,
};

function groupOf(name: string, rows: readonly Partial<TruthRow>[]): TruthGroup {
  return {
    name,
    file: `${name}.bin`,
    dtype: 'int32',
    shape: [rows.length, 50, 50],
    rows: rows.map((row) => ({ ...base, ...row })),
  };
}

/** Off by `error` px each way; `stated` px claimed. */
function off(error: number, stated = error): Answer {
  return { x: 25 + error, y: 25 - error, ex: stated, ey: stated, flux: 1000, fwhm: 4, flagged: false };
}

function measuredOf(
  groups: readonly TruthGroup[],
  blind: Measured['blind'],
  peers: Measured['peers'] = {},
): Measured {
  return { groups, blind, tracking: {}, peers };
}

function lineOf(measured: Measured, quantity: string) {
  return goalLines(measured).find((line) => line.quantity === quantity);
}

t.test('a ratio to the bound is met or not, beside the peers', async (t) => {
  const group = groupOf('acc_raw50', [
    { cls: 'snr10' },
    { cls: 'snr10' },
    { cls: 'snr10' },
    { cls: 'snr30' },
  ]);
  const measured = measuredOf(
    [group],
    { acc_raw50: [off(0.11), off(0.11), off(0.11), off(0.12)] },
    { peer: { acc_raw50: [off(0.2), off(0.2), off(0.2), null] } },
  );
  t.match(lineOf(measured, 'rms/CRLB, SNR 10'), {
    goal: '<= 1.15',
    measured: /^1\.100/,
    met: true,
    peers: { peer: '2.00' },
  });
  t.match(lineOf(measured, 'rms/CRLB, SNR 30'), { goal: '<= 1.08', met: false, peers: { peer: '-' } });
  t.match(lineOf(measured, 'pull rms, SNR 10'), { measured: '1.000', met: true });
  t.match(lineOf(measured, 'answered blind, SNR >= 10'), {
    measured: '100.0 %',
    met: true,
    peers: { peer: '75 %' },
  });
});

t.test('wrong and unflagged has a limit for each class', async (t) => {
  const group = groupOf('nuisance50', [
    { cls: 'clean' },
    { cls: 'clean' },
    ...Array.from({ length: 40 }, () => ({ cls: 'close_double', want: 'either' as const })),
    { cls: 'faint', want: 'either' },
  ]);
  const blind = {
    nuisance50: [off(0), off(2), ...Array.from({ length: 40 }, (_, i) => off(i === 0 ? 3 : 0)), off(9)],
  };
  const measured = measuredOf([group], blind);
  t.match(lineOf(measured, 'wrong unflagged, clean'), { goal: '0', measured: '1 of 2', met: false });
  t.match(lineOf(measured, 'wrong unflagged, close_double'), {
    goal: '<= 3.0 %',
    measured: '1 of 40',
    met: true,
  });
  t.equal(lineOf(measured, 'wrong unflagged, faint'), undefined);
  t.match(lineOf(measured, 'no answer where due, clean'), { measured: '0 of 2', met: true });
  t.equal(lineOf(measured, 'no answer where due, close_double'), undefined);
});

t.test('a gradient may hide a star of an effective SNR below 15', async (t) => {
  const group = groupOf('nuisance50', [
    { cls: 'gradient', snrEff: 14 },
    { cls: 'gradient', snrEff: 16 },
  ]);
  t.match(lineOf(measuredOf([group], { nuisance50: [null, off(0)] }), 'no answer where due, gradient'), {
    measured: '0 of 1',
    met: true,
  });
});

t.test('biases name the worst cell', async (t) => {
  const group = groupOf('acc_fwhm50', [{ cls: 'fwhm0.5_snr20' }, { cls: 'fwhm1.5_snr20' }]);
  const measured = measuredOf([group], {
    acc_fwhm50: [
      { ...off(0.1), fwhm: 4.04 },
      { ...off(0.1), fwhm: 3.8 },
    ],
  });
  t.match(lineOf(measured, 'FWHM bias, worst width'), { measured: '-5.0 % at fwhm1.5_snr20', met: false });
  t.match(lineOf(measured, 'flux bias, worst width'), { met: true });
});

t.test('a stamp that a peer was not given does not count', async (t) => {
  const peers = parsePeers(
    '{"answers":{"peer":{"nuisance50":["skip",null,{"x":25,"y":25,"flagged":false}]}}}',
  );
  const cells = byClass(
    groupOf('nuisance50', [{ cls: 'a' }, { cls: 'a' }, { cls: 'a' }]),
    peers.answers.peer ?? {},
  );
  t.equal(cells.get('a')?.length, 2);
});

t.test('times are judged alone and against peers', async (t) => {
  const mode = {
    name: '50x50 blind',
    calls: 1,
    us: { p50: 16, p999: 40 },
    firstMomentUs: { p50: 4, p999: 6 },
    answered: 1,
    rmsPx: 0,
  };
  const lines = speedLines([mode], { '50x50': { 'sep XWIN': 240, DAO: 800 } });
  t.same(
    lines.map(({ quantity, measured, met }) => [quantity, measured, met]),
    [
      ['time 50x50 blind, us', '16.0', true],
      ['time 50x50 blind, p99.9 / median', '2.50 (first moment 1.50)', false],
      ['sep XWIN from Python / ours, 50x50 blind', '15.0', true],
      ['DAO from Python / ours, 50x50 blind', '50.0', false],
    ],
  );
});

t.test('the plot leaves out what lies beyond its axes', async (t) => {
  const svg = plotBound('a < b', [
    {
      name: 'x',
      points: [
        { snr: 10, ratio: 1.1 },
        { snr: 20, ratio: 50 },
      ],
    },
  ]);
  t.match(svg, /^<svg/);
  t.match(svg, 'a &lt; b');
  t.equal(svg.match(/<circle/g)?.length, 1);
});
