// SPDX-License-Identifier: Apache-2.0
// The files of a stamp set: format, seed, and that the pixels are what the truth says.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { parseStampsOptions } from './options.js';
import { writeStampSet } from './stamp-set.js';

type Column = readonly (number | string | boolean | null)[];

interface Group {
  readonly name: string;
  readonly file: string;
  readonly dtype: 'int32' | 'uint16';
  readonly shape: readonly [number, number, number];
  readonly bytes: number;
  readonly sha256: string;
  readonly truth: Readonly<Record<string, Column>>;
}

async function setOf(
  t: Test,
  ...args: readonly string[]
): Promise<{ directory: string; groups: readonly Group[] }> {
  const directory = t.testdir();
  const options = parseStampsOptions(['--out', directory, ...args]);
  await writeStampSet(directory, options?.plans ?? [], () => undefined);
  const index = JSON.parse(readFileSync(join(directory, 'index.json'), 'utf8'));
  t.equal(index.format, 'guider-stamps-1');
  t.equal(index.byte_order, 'little');
  return { directory, groups: index.groups };
}

function pixelsOf(directory: string, group: Group): number[][] {
  const bytes = readFileSync(join(directory, group.file));
  const [stamps, rows, cols] = group.shape;
  const read = (i: number) =>
    group.dtype === 'int32' ? bytes.readInt32LE(4 * i) : bytes.readUInt16LE(2 * i);
  return Array.from({ length: stamps }, (_, stamp) =>
    Array.from({ length: rows * cols }, (_, i) => read(stamp * rows * cols + i)),
  );
}

function column(group: Group, name: string): readonly number[] {
  return (group.truth[name] ?? []) as readonly number[];
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

t.test('files, sizes, checksums and columns agree', async (t) => {
  const { directory, groups } = await setOf(t, '--cell', '3', '--class', '2');
  const names = groups.map(({ name }) => name);
  t.same(names.slice(0, 8), [
    'acc_flat50',
    'acc_raw50',
    'acc_phase50',
    'acc_fwhm50',
    'acc_raw400',
    'acc_u16_50',
    'nuisance50',
    'nuisance400',
  ]);
  t.equal(names.filter((name) => name.startsWith('series_R')).length, 8);
  for (const { name, file, dtype, shape, bytes, sha256, truth } of groups) {
    const content = readFileSync(join(directory, file));
    t.equal(content.length, bytes, `${name}: bytes`);
    t.equal(bytes, shape[0] * shape[1] * shape[2] * (dtype === 'int32' ? 4 : 2), `${name}: shape`);
    t.equal(createHash('sha256').update(content).digest('hex'), sha256, `${name}: sha256`);
    t.ok(
      Object.values(truth).every(
        (values) => values.length === shape[0] && !values.includes(undefined as never),
      ),
      `${name}: a value in each column for each stamp`,
    );
  }
});

t.test('the same seed gives the same bytes, more stamps do not change the first ones', async (t) => {
  const groups = ['--groups', 'acc_raw50,nuisance50,series_R04_SG1', '--class', '1'];
  const one = await setOf(t, ...groups, '--seed', '5', '--cell', '2');
  const digests = one.groups.map(({ sha256 }) => sha256);
  const first = pixelsOf(one.directory, one.groups[0] as Group)[0];
  const again = await setOf(t, ...groups, '--seed', '5', '--cell', '2');
  t.same(
    again.groups.map(({ sha256 }) => sha256),
    digests,
  );
  const other = await setOf(t, ...groups, '--seed', '6', '--cell', '2');
  t.ok(other.groups.every(({ sha256 }) => !digests.includes(sha256)));
  const more = await setOf(t, '--groups', 'acc_raw50', '--seed', '5', '--cell', '3');
  t.same(pixelsOf(more.directory, more.groups[0] as Group)[0], first);
});

t.test('a flat stamp has the noise of its read noise, sky and rounding', async (t) => {
  const { directory, groups } = await setOf(t, '--groups', 'acc_flat50', '--cell', '4');
  const group = groups[0] as Group;
  let found = 0;
  let wanted = 0;
  for (const [i, pixels] of pixelsOf(directory, group).entries()) {
    if (column(group, 'snr')[i] !== 5) continue;
    // Rows far from the star.
    const quiet = pixels.slice(0, 10 * 50);
    const mean = quiet.reduce((sum, value) => sum + value, 0) / quiet.length;
    const gain = column(group, 'gain')[i] ?? 0;
    found += quiet.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (quiet.length - 1);
    wanted += ((column(group, 'rn_e')[i] ?? 0) ** 2 + (column(group, 'sky_e')[i] ?? 0)) / gain ** 2 + 1 / 12;
  }
  t.ok(Math.abs(found / wanted - 1) < 5 * Math.sqrt(2 / 2000), `variance ${found}, wanted ${wanted}`);
});

t.test('the light in a stamp is the flux of the truth, and its barycentre the position', async (t) => {
  const { directory, groups } = await setOf(t, '--groups', 'acc_flat50', '--cell', '2', '--psf', 'gaussian');
  const group = groups[0] as Group;
  for (const [i, pixels] of pixelsOf(directory, group).entries()) {
    if (column(group, 'snr')[i] !== 1000) continue;
    const level = median(pixels);
    let flux = 0;
    let x = 0;
    let y = 0;
    for (const [k, value] of pixels.entries()) {
      flux += value - level;
      x += (value - level) * (k % 50);
      y += (value - level) * Math.floor(k / 50);
    }
    const electrons = flux * (column(group, 'gain')[i] ?? 0);
    t.ok(Math.abs(electrons / (column(group, 'flux_e')[i] ?? 0) - 1) < 0.01, `flux ${electrons}`);
    t.ok(Math.abs(x / flux - (column(group, 'x')[i] ?? 0)) < 0.1, `x ${x / flux}`);
    t.ok(Math.abs(y / flux - (column(group, 'y')[i] ?? 0)) < 0.1, `y ${y / flux}`);
    t.ok(Math.abs((column(group, 'snr_eff')[i] ?? 0) - 1000) < 1, 'the whole star is in the stamp');
  }
});

t.test('bleeding charge stays below the full well and the 18 bits', async (t) => {
  const { directory, groups } = await setOf(t, '--groups', 'nuisance50', '--class', '4');
  const group = groups[0] as Group;
  const stamps = pixelsOf(directory, group);
  const classes = group.truth.cls ?? [];
  const topsOf = (cls: string) =>
    stamps.filter((_, i) => classes[i] === cls).map((pixels) => Math.max(...pixels));
  t.ok(topsOf('saturated').every((top) => top > 50_000 && top < 2 ** 18));
  t.ok(stamps.every((pixels) => pixels.every((value) => value >= 0 && value < 2 ** 18)));
  t.same(
    [...new Set(classes)],
    [
      'clean hot_pixel cosmic_ray bad_column saturated foreign_bleed second_star close_double near_edge leaving empty',
      'empty_artefact gradient pickup smear asymmetric trailed faint daq_fault',
    ].flatMap((line) => line.split(' ')),
  );
});

t.test('a leaving star is outside, a star near an edge inside, an empty stamp has no position', async (t) => {
  const { groups } = await setOf(t, '--groups', 'nuisance50', '--class', '8');
  const { truth } = groups[0] as Group;
  const inside = (at: unknown): boolean => typeof at === 'number' && at > -0.5 && at < 49.5;
  const of = (cls: string) =>
    (truth.cls ?? []).flatMap((one, i) => (one === cls ? [[truth.x?.[i], truth.y?.[i]]] : []));
  t.ok(of('near_edge').every(([x, y]) => inside(x) && inside(y)));
  t.ok(of('leaving').every(([x, y]) => !(inside(x) && inside(y))));
  t.ok(of('empty').every(([x, y]) => x === null && y === null));
  t.ok((truth.cls ?? []).every((cls, i) => cls !== 'empty' || truth.want?.[i] === 'reject'));
});

t.test('a series moves, keeps its columns and loses its star at times', async (t) => {
  const { groups } = await setOf(t, '--groups', 'series', '--cell', '120');
  t.equal(groups.length, 8);
  for (const { name, truth } of groups) {
    const lost = (truth.star ?? []).filter((star) => star === false).length;
    t.ok(lost >= 3 && lost < 60, `${name}: ${lost} of 120 lost`);
    const x = (truth.x ?? []).filter((value) => value !== null) as number[];
    t.ok(
      Math.max(...x) - Math.min(...x) > 0.5 && Math.min(...x) > 5 && Math.max(...x) < 45,
      `${name}: moves inside`,
    );
    t.equal(truth.t?.[9], 1, `${name}: 9 Hz`);
  }
});
