// SPDX-License-Identifier: Apache-2.0
// Third parties' real data: a sky image with SExtractor's catalogue, and laboratory series of guide sensors.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { NativeKernel, openGuiderFile } from '../../../agent/daq/kernel.js';
import {
  compareRealSky,
  findRealSky,
  isolatedStars,
  pullOf,
  readCatalogue,
  withinErrors,
} from './real-sky.js';
import { plotResiduals } from './residual-plot.js';

const sky = findRealSky();
const absent = 'no real sky image: SUMMIT_REAL_DATA names no directory that has it';

t.test(
  'isolated stars of a real sky lie where SExtractor has them',
  { skip: sky === null && absent },
  (t) => {
    if (sky === null) return t.end();
    const { stars, catalogue } = compareRealSky(sky, null);
    t.ok(stars >= 8, `${stars} isolated stars`);
    t.equal(catalogue.length, stars, 'each one is measured, without a flag against it');
    for (const one of catalogue) {
      t.ok(
        withinErrors(one, 3),
        `${one.x.toFixed(1)}, ${one.y.toFixed(1)}: ${one.dx.toFixed(3)} ${one.dy.toFixed(3)} of ${one.ex.toFixed(3)} ${one.ey.toFixed(3)} px`,
      );
    }
    t.ok(pullOf(catalogue) < 1.5, `pull ${pullOf(catalogue).toFixed(2)}`);
    t.match(plotResiduals('residuals', [{ name: 'SExtractor', residuals: catalogue }]), /<line .*<\/svg>/s);
    t.end();
  },
);

const series = join(
  process.env.SUMMIT_REAL_DATA ?? join('..', 'shared', 'data', 'real'),
  'lsst-obs_lsst/tests/data/input/guider/guider_data',
);
const noSeries = 'no real guider series: SUMMIT_REAL_DATA names no directory that has them';

t.test('in real series without a star there is none', { skip: !existsSync(series) && noSeries }, (t) => {
  for (const name of existsSync(series) ? readdirSync(series).filter((one) => one.endsWith('.fits')) : []) {
    const file = openGuiderFile(join(series, name));
    const sizes = file.stamps();
    const found = sizes.filter(({ rows, cols }, i) => {
      const settings = { maxRows: rows, maxCols: cols, gain: 1.46, readNoise: 0, saturation: 262_143 };
      const kernel = new NativeKernel({ ...settings, expectedFwhm: 4 });
      return Number.isFinite(kernel.measure(file.read(i), rows, cols, null).x);
    });
    t.equal(found.length, 0, `${name}: ${sizes.length} stamps, each by itself`);
  }
  t.end();
});

t.test('a catalogue is read by the columns its header names', (t) => {
  const head = [
    'X_IMAGE',
    'Y_IMAGE',
    'XWIN_IMAGE',
    'YWIN_IMAGE',
    'ERRX2_IMAGE',
    'ERRY2_IMAGE',
    'A_IMAGE',
    'FLUX_AUTO',
    'FLUXERR_AUTO',
    'FLUX_RADIUS',
  ];
  const lines = [...head.map((name, i) => `#  ${i + 1} ${name}  words`), '# 13 FLAGS words'];
  const row = (x: number, flux: number, flags: number) =>
    `${x} 50 ${x + 0.1} 50.2 0.04 0.09 1.4 ${flux} 10 0.5 1.4 2.0 ${flags}`;
  const text = [
    ...lines,
    row(40, 1000, 0),
    row(48, 800, 0),
    row(120, 1000, 0),
    row(125, 30, 0),
    row(200, 900, 2),
  ].join('\n');
  const all = readCatalogue(text);
  t.match(all[0], {
    x: 39,
    y: 49,
    windowedX: 39.1,
    windowedY: 49.2,
    ex: 0.2,
    ey: 0.3,
    flags: 0,
    halfLight: 1.4,
  });
  t.same(
    isolatedStars(all).map(({ x }) => x),
    [119],
    'neighbours and flags exclude; a faint neighbour does not',
  );
  t.end();
});
