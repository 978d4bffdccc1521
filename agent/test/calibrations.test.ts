// SPDX-License-Identifier: Apache-2.0
// Master calibrations before a live agent: a defect under a star takes no part, the amplifier's gain is the
// calibration's, and what is missing is flagged and told once.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { type Body, play } from './scenario-run.js';

const directory = mkdtempSync(join(tmpdir(), 'summit-calibrations-'));
t.teardown(() => rmSync(directory, { recursive: true, force: true }));

function header(cards: Readonly<Record<string, string | number | boolean>>): Buffer {
  const lines = Object.entries(cards).map(([key, value]) => {
    const text = typeof value === 'string' ? `'${value.padEnd(8)}'` : value === true ? 'T' : String(value);
    return `${key.padEnd(8)}= ${typeof value === 'string' ? text : text.padStart(20)}`.padEnd(80);
  });
  return block(Buffer.from([...lines, 'END'.padEnd(80)].join(''), 'latin1'), ' ');
}

function block(bytes: Buffer, fill: string): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((2880 - (bytes.length % 2880)) % 2880, fill)]);
}

const primary = header({ SIMPLE: true, BITPIX: 8, NAXIS: 0 });

/** A whole CCD of one value. */
function imageFile(name: string, value: number): string {
  const cards = { SIMPLE: true, BITPIX: 8, NAXIS: 2, NAXIS1: 4072, NAXIS2: 4000, BUNIT: 'adu' };
  const path = join(directory, name);
  writeFileSync(path, Buffer.concat([header(cards), block(Buffer.alloc(4072 * 4000, value), '\0')]));
  return path;
}

function tableFile(path: string, form: Readonly<Record<string, string>>, rows: readonly Buffer[]): void {
  const columns = Object.entries(form).flatMap(([name, format], i) => [
    [`TTYPE${i + 1}`, name] as const,
    [`TFORM${i + 1}`, format] as const,
  ]);
  const width = Object.values(form).reduce(
    (sum, f) => sum + (f.endsWith('A') ? Number.parseInt(f, 10) : 8 * Number.parseInt(f, 10)),
    0,
  );
  const cards = {
    ...{ XTENSION: 'BINTABLE', BITPIX: 8, NAXIS: 2, NAXIS1: width, NAXIS2: rows.length, PCOUNT: 0 },
    ...{ GCOUNT: 1, TFIELDS: Object.keys(form).length, ...Object.fromEntries(columns) },
  };
  writeFileSync(path, Buffer.concat([primary, header(cards), block(Buffer.concat(rows), '\0')]));
}

function row(...cells: readonly (string | number)[]): Buffer {
  return Buffer.concat(
    cells.map((cell) => {
      if (typeof cell === 'string') return Buffer.from(cell.padEnd(8), 'latin1');
      const bytes = Buffer.alloc(8);
      bytes.writeDoubleBE(cell);
      return bytes;
    }),
  );
}

/** Where a pixel of the ROI (segment 7, row 800, column 56) lies on the CCD, as FITS counts. */
const onCcd = (x: number, y: number): [number, number] => [8 * 509 - 56 - x, 1 + 800 + y];

const zero = imageFile('zero.fits', 0);
const one = imageFile('one.fits', 1);

function calibrate(sensor: string, gain: number, defects: readonly Buffer[]): void {
  const folder = join(directory, sensor);
  mkdirSync(folder);
  symlinkSync(zero, join(folder, 'bias.fits'));
  symlinkSync(zero, join(folder, 'dark.fits'));
  symlinkSync(one, join(folder, 'flat.fits'));
  tableFile(join(folder, 'defects.fits'), { X: '1D', Y: '1D', SHAPE: '8A', R: '2D' }, defects);
  const amplifiers = [row('C06', 7, 7), row('C07', gain, 6)];
  tableFile(join(folder, 'ptc.fits'), { AMPLIFIER_NAME: '8A', GAIN: '1D', NOISE: '1D' }, amplifiers);
}

// Star and blemish rest: the blemish lies on whole pixels, whichever way it is rounded.
const star = [25.3, 24.6] as const;
const blemish = [2, 1] as const;
const [x, y] = onCcd(Math.round(star[0] + blemish[0]), Math.round(star[1] + blemish[1]));
calibrate('R00_SG0', 3, [row(x, y, 'BOX', 3, 3)]);
calibrate('R04_SG0', 3, []);

const blemished = ['R00_SG0', 'R04_SG0'].map((sensors) => ({
  ...{ what: 'cosmic-ray', sensors, 'offset-px': [...blemish], 'angle-deg': 0, 'length-px': 0 },
  ...{ electrons: 900, from: 0, stamps: 40 },
}));
const scenario = {
  ...{ rate: 10, stamps: 40, snr: 80, 'cosmic-rays': 0, 'hot-pixels': 0, seed: 5 },
  ...{ drift: 0, jitter: 0, rotation: 0, 'seeing-motion': 0, plan: [{}] },
  sensors: { R00_SG0: { at: [...star] }, R04_SG0: { at: [...star] } },
  happenings: blemished,
};

const flagsOf = (body: Body): string[] => body.flags as string[];
const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

t.test('calibrations of a running series', async (t) => {
  // A profile that expects no ROI: calibrations are read when START tells it, with all who listen there.
  const played = await play(t, scenario, { guider: { roiSpec: undefined, calibrations: { directory } } });
  const said = played.messages.filter(
    ({ kind, body }) => kind === 'state' && body.event === 'calibrationsApplied',
  );
  const last = said.at(-1)?.body ?? {};
  const others = [false, false, false, false, false];
  const complete = [true, false, true, ...others];
  t.match(last, { directory, segment: [7, 0, 7, 0, 7, 0, 7, 0], complete });
  const gain = last.gain as number[];
  t.same([gain[0], gain[2]], [3, 3]);

  await t.test('what is missing is flagged and told once, with the file', async (t) => {
    const alarms = played.bodies('alarm').filter(({ name, active }) => name === 'uncalibrated' && active);
    t.equal(alarms.length, 1);
    t.match(alarms[0]?.message, /R00_SG1\/ptc\.fits: cannot be opened.*, and \d+ more/);
    for (const body of played.results('R00_SG1')) t.ok(flagsOf(body).includes('uncalibrated'));
    t.equal(played.results('R00_SG1').length, 40, 'measured all the same');
  });

  const calibrated = (sensor: string) =>
    played.results(sensor).filter((body) => !flagsOf(body).includes('uncalibrated'));
  const masked = calibrated('R00_SG0');
  const raw = calibrated('R04_SG0');
  t.ok(masked.length >= 10, `${masked.length} stamps with the defect`);
  t.ok(raw.length >= 10, `${raw.length} stamps without`);

  await t.test('a defect under the star takes no part', async (t) => {
    const off = masked.map((body) => Number(body.xroi) - star[0]);
    t.ok(Math.abs(mean(off)) < 0.06, `${mean(off)} px off`);
    const same = masked.filter((body) => flagsOf(body).includes('hit'));
    t.same(same, [], 'nothing unforeseen lies on the star');
    const pulled = raw.filter((body) => flagsOf(body).includes('hit') || Number(body.xroi) - star[0] > 0.12);
    t.equal(pulled.length, raw.length, 'without the map each is pulled, or flagged');
  });

  await t.test('flux counts in electrons of the gain of the calibration', async (t) => {
    const truth = played.truth.find((line) => line.sensor === 'R00_SG0') as unknown as Body;
    const expected = (Number(truth.flux_e) * 3) / Number(truth.gain);
    const ratio = mean(masked.map((body) => Number(body.flux))) / expected;
    t.ok(Math.abs(ratio - 1) < 0.06, `flux over truth ${ratio}`);
    const plain = mean(played.results('R00_SG1').map((body) => Number(body.flux)));
    t.ok(plain < expected / 2, 'a sensor without keeps the gain of the profile');
  });
});

t.test('calibrations of the repository', async (t) => {
  const repository = join(directory, 'repo');
  const command = (...args: readonly string[]) =>
    execFileSync('node', ['dist/agent/main.js', ...args], { encoding: 'utf8' });
  command('butler', 'create', repository);
  t.match(command('calibs', 'sync', directory, '--repo', repository, '--filter', 'r_57'), /10 added/);
  const butler = { repository, calibrations: { filter: 'r_57' } };
  const short = { ...scenario, stamps: 20, happenings: [] };
  const played = await play(t, short, { guider: { roiSpec: undefined }, butler });
  const said = played
    .bodies('state')
    .filter(({ event, complete }) => event === 'calibrationsApplied' && (complete as boolean[])[0]);
  t.match(said.at(-1)?.directory, /repo\/\.summit-agent\/calibrations\/[0-9a-f]{16}$/);
  t.match(said.at(-1)?.gain, { 0: 3 });
  const calibrated = played.results('R00_SG0').filter((body) => !flagsOf(body).includes('uncalibrated'));
  t.ok(calibrated.length >= 3, `${calibrated.length} stamps`);
  const [alarm] = played.bodies('alarm').filter(({ name }) => name === 'calibrations_missing');
  t.match(alarm?.message, /bias of R00_SG1: none is valid .* in r_57, and 29 more/);
});
