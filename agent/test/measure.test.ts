// SPDX-License-Identifier: Apache-2.0
// `summit-agent measure` as a process: sets of stamps, guider files, images, and what it refuses.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { loadNative } from '../daq/native.js';
import type { Answer } from '../measure/kernel.js';

const directory = mkdtempSync(join(tmpdir(), 'summit-measure-'));
t.teardown(() => rmSync(directory, { recursive: true, force: true }));

function measure(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, ['dist/agent/main.js', 'measure', ...args], { encoding: 'utf8' });
}

function answersOf(...args: string[]): Record<string, (Answer | null)[]> {
  const out = join(directory, 'out.json');
  const run = measure(...args, '--out', out);
  t.equal(run.status, 0, run.stderr);
  return JSON.parse(readFileSync(out, 'utf8')) as Record<string, (Answer | null)[]>;
}

/** Repeatable noise of unit variance, near enough to normal. */
function* noise(): Generator<number> {
  for (let state = 12345; ; ) {
    let sum = -6;
    for (let i = 0; i < 12; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      sum += state / 2 ** 32;
    }
    yield sum;
  }
}

interface Star {
  readonly x: number;
  readonly y: number;
  readonly flux: number;
}

const grain = noise();

/** Bias, read noise of 6 ADU, and Gaussian stars of FWHM 4 px, ADU. */
function paint(rows: number, cols: number, stars: readonly Star[]): number[] {
  const sigma = 4 / 2.3548;
  return Array.from({ length: rows * cols }, (_, i) => {
    const col = i % cols;
    const row = Math.floor(i / cols);
    const light = stars.reduce((sum, star) => {
      const r2 = (col - star.x) ** 2 + (row - star.y) ** 2;
      return sum + (star.flux / (2 * Math.PI * sigma ** 2)) * Math.exp(-r2 / (2 * sigma ** 2));
    }, 0);
    return Math.round(13_000 + light + 6 * (grain.next().value as number));
  });
}

interface Group {
  readonly name: string;
  readonly dtype: 'int32' | 'uint16';
  readonly stars: readonly (Star | null)[];
}

function writeSet(groups: readonly Group[]): string {
  const path = mkdtempSync(join(directory, 'set-'));
  const index = groups.map(({ name, dtype, stars }) => {
    const pixels = stars.flatMap((star) => paint(51, 47, star === null ? [] : [star]));
    const bytes = dtype === 'int32' ? Int32Array.from(pixels) : Uint16Array.from(pixels);
    writeFileSync(join(path, `${name}.bin`), bytes);
    return { name, file: `${name}.bin`, dtype, shape: [stars.length, 51, 47] };
  });
  writeFileSync(join(path, 'index.json'), JSON.stringify({ format: 'guider-stamps-1', groups: index }));
  return path;
}

const alone: (Star | null)[] = [{ x: 22.3, y: 25.7, flux: 20_000 }, null, { x: 18.9, y: 30.2, flux: 15_000 }];
const moving: Star[] = Array.from({ length: 8 }, (_, i) => ({
  x: 20 + 0.3 * i,
  y: 24 - 0.2 * i,
  flux: 12_000,
}));

function near(t: Test, answer: Answer | null | undefined, star: Star, what: string): void {
  const off = answer ? Math.hypot(answer.x - star.x, answer.y - star.y) : Number.NaN;
  t.ok(
    off < 0.15 && answer?.flagged === false,
    `${what}: ${off.toFixed(3)} px from the star, ${answer?.flags.join(',')}`,
  );
}

t.test('a set of stamps: one element per stamp in order, null where there is no star', async (t) => {
  const answers = answersOf(
    writeSet([
      { name: 'one', dtype: 'int32', stars: alone },
      { name: 'short', dtype: 'uint16', stars: alone },
      { name: 'series_R00_SG0', dtype: 'int32', stars: moving },
    ]),
  );
  t.same(Object.keys(answers), ['one', 'short', 'series_R00_SG0']);
  for (const group of ['one', 'short']) {
    t.equal(answers[group]?.length, 3);
    t.equal(answers[group]?.[1], null, `${group}: no star, no measurement`);
    for (const i of [0, 2]) near(t, answers[group]?.[i], alone[i] as Star, `${group} ${i}`);
  }
  for (const [i, star] of moving.entries()) near(t, answers.series_R00_SG0?.[i], star, `series ${i}`);
  const keys = ['x', 'y', 'ex', 'ey', 'flux', 'fluxErr', 'fwhm', 'snr', 'chi2', 'flagged', 'flags'];
  t.same(Object.keys(answers.one?.[0] ?? {}), keys, 'the keys of an element');
});

t.test('a guider file is one series under its stem', async (t) => {
  const path = join(directory, 'MC_O_20260714_000123_R00_SG0_guider.fits');
  const stamps = moving.map((star, i) => ({
    pixels: Int32Array.from(paint(51, 47, [star])),
    taiNs: 1_784_089_172_000_000_000n + 116_000_000n * BigInt(i),
    daqStamp: i,
  }));
  loadNative().writeGuiderFile(path, JSON.stringify({ ROICOLS: 47, ROIROWS: 51 }), stamps);
  const answers = answersOf(path);
  t.same(Object.keys(answers), ['MC_O_20260714_000123_R00_SG0_guider']);
  const list = Object.values(answers)[0] ?? [];
  for (const [i, star] of moving.entries()) near(t, list[i], star, `stamp ${i}`);

  t.test('and one with a damaged stamp is refused', (t) => {
    const bytes = readFileSync(path);
    // The last block of a file begins with data of its last stamp.
    const last = bytes.length - 2880;
    bytes.writeUInt8(bytes.readUInt8(last) ^ 0xff, last);
    const damaged = join(directory, 'damaged.fits');
    writeFileSync(damaged, bytes);
    const run = measure(damaged);
    t.equal(run.status, 2);
    t.match(run.stderr, /"message":"[^"]*damaged\.fits: EXTVER \d+: damaged: DATASUM/);
    t.end();
  });

  t.test('and its images can be measured at a place, or searched', async (t) => {
    const star = moving[2] as Star;
    const at = answersOf(
      path,
      '--hdu',
      '4',
      '--size',
      '40',
      '--at',
      `${star.x + 1},${star.y - 1}`,
      '--at',
      '8,44',
    );
    near(t, Object.values(at)[0]?.[0], star, 'at the star');
    t.equal(Object.values(at)[0]?.[1], null, 'no star at the other place');
    const found = Object.values(answersOf(path, '--hdu', '4', '--size', '40', '--detect'))[0] ?? [];
    t.equal(found.length, 1, 'one star, although squares overlap');
    near(t, found[0], star, 'detected');
    const printed = measure(path, '--hdu', '4', '--size', '40', '--detect');
    t.match(printed.stdout, /^group stamp x y ex/, 'without --out the answers are printed');
    t.equal(printed.stdout.trim().split('\n').length, 2);
  });
});

/** The smallest float image a FITS file can hold. */
function writeFloatFits(name: string, rows: number, cols: number, values: readonly number[]): string {
  const cards = [
    'SIMPLE  =                    T',
    'BITPIX  =                  -32',
    'NAXIS   =                    2',
    `NAXIS1  = ${String(cols).padStart(20)}`,
    `NAXIS2  = ${String(rows).padStart(20)}`,
    'END',
  ];
  const header = Buffer.alloc(2880, ' ');
  for (const [i, card] of cards.entries()) header.write(card, 80 * i, 'latin1');
  const data = Buffer.alloc(Math.ceil((4 * values.length) / 2880) * 2880);
  for (const [i, value] of values.entries()) data.writeFloatBE(value, 4 * i);
  const path = join(directory, name);
  writeFileSync(path, Buffer.concat([header, data]));
  return path;
}

t.test('a float image: NaN is refused, not measured', async (t) => {
  const star = { x: 30, y: 31, flux: 20_000 };
  const pixels = paint(64, 64, [star]);
  const good = answersOf(writeFloatFits('good.fits', 64, 64, pixels), '--at', '30,31');
  near(t, good.good?.[0], star, 'float');
  const holed = pixels.map((value, i) => (i === 64 * 31 + 29 ? Number.NaN : value));
  const bad = answersOf(writeFloatFits('holed.fits', 64, 64, holed), '--at', '30,31');
  t.same(bad.holed, [null], 'a stamp with NaN has no measurement');
  const printed = measure(join(directory, 'holed.fits'), '--at', '30,31', '--at', '0,0', '--size', '20');
  t.equal(printed.status, 0);
  t.match(printed.stdout, 'holed 0 no measurement: not_finite\nholed 1 no measurement: no_star\n');
  t.match(printed.stderr, 'holed.fits: 1 of 2 squares refused: 1 not_finite\n');
});

t.test(
  'a float image in any unit: the gain says what one is, and beyond its numbers it is refused',
  async (t) => {
    const star = { x: 30, y: 31, flux: 20_000 };
    const pixels = paint(64, 64, [star]);
    const scaled = (name: string, scale: number, gain: number) => {
      const image = writeFloatFits(
        `${name}.fits`,
        64,
        64,
        pixels.map((value) => value * scale),
      );
      return measure(image, '--at', '30,31', '--gain', String(gain)).stdout;
    };
    const [, inAdu] = scaled('adu', 1, 1.5).split('\n');
    const [, inSmall] = scaled('small', 1e-5, 1.5e5).split('\n');
    const numbers = (line = '') => line.split(' ').slice(2, 9).map(Number);
    t.ok(numbers(inAdu).every(Number.isFinite), String(inAdu));
    for (const [i, number] of numbers(inAdu).entries()) {
      const other = numbers(inSmall)[i] ?? Number.NaN;
      t.ok(Math.abs(number - other) <= 0.002 * Math.abs(number) + 0.002, `${number} and ${other}`);
    }
    t.match(scaled('huge', 1e30, 1), 'huge 0 no measurement: range');
    t.match(scaled('tiny-values', 1e-30, 1), 'tiny-values 0 no measurement: range');
  },
);

t.test('stamps of a set that are refused are counted by fault on stderr', async (t) => {
  const set = writeSet([{ name: 'one', dtype: 'int32', stars: alone }]);
  const pixels = new Int32Array(readFileSync(join(set, 'one.bin')).buffer.slice(0, 3 * 51 * 47 * 4));
  writeFileSync(join(set, 'one.bin'), pixels.fill(0, 51 * 47, 2 * 51 * 47));
  const { status, stdout, stderr } = measure(set);
  t.equal(status, 0);
  t.match(stdout, '\none 1 no measurement: all_zero\n');
  t.match(stderr, ': 1 of 3 stamps refused: 1 all_zero\n');
});

t.test('a group may have any name, also one that objects have', async (t) => {
  const names = ['__proto__', 'constructor', 'toString'];
  const set = writeSet(names.map((name) => ({ name, dtype: 'int32', stars: alone })));
  t.same(Object.keys(answersOf(set)), names);
});

t.test('stamps of up to 512 px a side are measured, larger ones refused', async (t) => {
  const star = { x: 300, y: 301, flux: 20_000 };
  const image = writeFloatFits('wide.fits', 513, 513, paint(513, 513, [star]));
  near(t, answersOf(image, '--at', '300,301', '--size', '512').wide?.[0], star, '512 x 512');
  const { status, stderr } = measure(image, '--at', '300,301', '--size', '513');
  t.equal(status, 2);
  t.match(stderr, '--size: expected a number 10..512, got 513');
  const set = writeSet([]);
  const group = { name: 'wide', file: 'wide.bin', dtype: 'int32', shape: [1, 10, 513] };
  writeFileSync(join(set, 'index.json'), JSON.stringify({ format: 'guider-stamps-1', groups: [group] }));
  t.match(measure(set), { status: 2, stderr: /wide: expected stamps of 1\.\.512 px a side, got 513 x 10/ });
  const { NativeMeasurer } = loadNative();
  t.throws(() => new NativeMeasurer({ maxRows: 513 }), { message: /expected sides 1\.\.512,/ });
});

t.test('what it cannot measure it refuses with a sentence and exit code 2', async (t) => {
  const image = writeFloatFits('tiny.fits', 1, 1, [1]);
  const sized = writeFloatFits('sized.fits', 64, 64, paint(64, 64, []));
  const text = join(directory, 'text.fits');
  writeFileSync(text, 'hello');
  const set = writeSet([{ name: 'one', dtype: 'int32', stars: alone }]);
  writeFileSync(join(set, 'one.bin'), 'short');
  const twice = writeSet([
    { name: 'one', dtype: 'int32', stars: alone },
    { name: 'one', dtype: 'int32', stars: alone },
  ]);
  const swapped = writeSet([{ name: 'one', dtype: 'int32', stars: alone }]);
  const index = JSON.parse(readFileSync(join(swapped, 'index.json'), 'utf8')) as object;
  writeFileSync(join(swapped, 'index.json'), JSON.stringify({ ...index, byte_order: 'big' }));
  const refusals: readonly [string, readonly string[], RegExp][] = [
    ['no path', [], /expected a PATH/],
    ['a missing file', [join(directory, 'none.fits')], /none\.fits/],
    ['no FITS file', [text], /text\.fits.*not a FITS file/],
    ['a 1 x 1 image', [image, '--at', '0,0'], /--size: expected at most.*1 x 1/],
    [
      'a ROI larger than the image',
      [sized, '--at', '3,3', '--size', '100'],
      /--size: expected at most.*64 x 64/,
    ],
    ['a place outside', [sized, '--at', '64,3'], /--at: expected a place in the image/],
    ['a place that is none', [sized, '--at', '3'], /--at: expected X,Y/],
    ['a negative gain', [sized, '--at', '3,3', '--gain', '-1'], /--gain: expected a number.*-1/],
    ['an HDU that is not there', [sized, '--detect', '--hdu', '7'], /HDU 7/],
    ['a size that is no whole number', [sized, '--at', '3,3', '--size', '20.5'], /--size: expected a whole/],
    ['a search of a 1 x 1 image', [image, '--detect'], /tiny\.fits: expected .*at least 10 px.*1 x 1/],
    ['an image without a place', [sized], /no stamps.*--at or --detect/],
    ['what is of images, for stamps', [set, '--size', '20'], /--size: expected --at or --detect as well/],
    ['what is of calibrations, without', [set, '--segment', '3'], /--segment: expected --calib as well/],
    ['a set that does not fit its index', [set], /one\.bin: expected 3 x 51 x 47 int32 = 28764 bytes, got 5/],
    ['a set of another byte order', [swapped], /index\.json: expected .*byte_order.*little.*got .*big/],
    ['two groups of one name', [twice], /groups\[1\]\.name: a second group named one/],
    ['both kinds of search', [sized, '--at', '3,3', '--detect'], /either --at or --detect/],
    ['results that cannot be written', [set, '--out', join(directory, 'none', 'o')], /--out: .*ENOENT/],
  ];
  for (const [what, args, message] of refusals) {
    const { status, stderr } = measure(...args);
    t.equal(status, 2, what);
    t.match(stderr, message, what);
  }
});
