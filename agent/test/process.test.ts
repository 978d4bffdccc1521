// SPDX-License-Identifier: Apache-2.0
// `summit-agent process` as a process: results of painted frames and of the sample, and what it refuses.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import t from 'tap';
import { astropyPython } from '../../scripts/processes/python.js';
import { writeRawFrame } from './raw-frame.js';

const directory = mkdtempSync(join(tmpdir(), 'summit-process-'));
t.teardown(() => rmSync(directory, { recursive: true, force: true }));

function run(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, ['dist/agent/main.js', 'process', ...args], { encoding: 'utf8' });
}

interface Looked {
  readonly target: { x: number; y: number; x_err: number; flux: number; fwhm: number; n_sat: number };
  readonly offset: { dx_px: number; dx_arcsec: number; dy_arcsec: number; command: { x: number; y: number } };
  readonly sources: readonly unknown[];
  readonly isr: { applied: string[]; missing: string[] };
  readonly focus_fit: { best_z_mm: number } | null;
  readonly quality: { flags: string[] };
}

const read = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as Looked;
const star = { x: 1500.3, y: 2210.7, flux: 900_000, fwhm: 10 };
const header = { OBSID: 'AT_O_20261102_000001', GRATING: 'empty_1', FILTER: 'empty_1', DARKTIME: 30 };
const second = { x: 3000.5, y: 800.25, flux: 200_000, fwhm: 10 };

t.test('a painted frame without calibrations: results, flags, picture, and an ISR file', async (t) => {
  const raw = join(directory, 'AT_O_20261102_000001_R00_S00.fits');
  const damaged = join(directory, 'damaged.fits');
  const out = join(directory, 'out');
  writeRawFrame(raw, { stars: [star, second], header });
  writeFileSync(damaged, 'SIMPLE  = no');
  const { status, stdout, stderr } = run(damaged, raw, '--out', out);
  t.equal(status, 1, 'one file could not be processed');
  t.match(stderr, /damaged\.fits: truncated/);
  t.match(stderr, /LATISS: not calibrated: no folder of calibrations was named/);
  t.match(stdout, /AT_O_20261102_000001_R00_S00\.fits: LATISS, .*NOMINAL_GAIN NO_BIAS/);
  const stem = join(out, 'AT_O_20261102_000001_R00_S00');
  const looked = read(`${stem}.json`);
  t.ok(Math.abs(looked.target.x - star.x) < 0.03, `x ${looked.target.x}`);
  t.ok(Math.abs(looked.target.y - star.y) < 0.03, `y ${looked.target.y}`);
  t.ok(Math.abs(looked.target.flux / (star.flux * 1.08) - 1) < 0.02, `flux ${looked.target.flux}`);
  t.ok(Math.abs(looked.target.fwhm / star.fwhm - 1) < 0.02, `FWHM ${looked.target.fwhm}`);
  t.ok(Math.abs(looked.offset.dx_arcsec - 0.09569 * (star.x - 1780)) < 0.005);
  t.ok(Math.abs(looked.offset.command.y - 0.09569 * (star.y - 1800)) < 0.005);
  t.equal(looked.sources.length, 2);
  t.match(looked.isr.applied, ['serial_overscan', 'saturation', 'gain', 'parallel_overscan', 'variance']);
  t.same(readFileSync(`${stem}.png`).subarray(1, 4).toString(), 'PNG');
  const summary = JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8')) as unknown;
  t.match(summary, { files: [{ detector: 'LATISS' }], failed: [{ file: 'damaged.fits' }], focus: null });
  t.same(
    readdirSync(out).filter((name) => name.includes('.part')),
    [],
  );
  const python = astropyPython();
  if (python.path === null) {
    t.comment(python.problem);
    return;
  }
  const script = `
import sys
from astropy.io import fits
with fits.open(sys.argv[1]) as f:
    f.verify('exception')
    print([h.name for h in f[1:]], f['IMAGE'].data.shape, f['IMAGE'].data.dtype.name, f['MASK'].data.dtype.name)
    print(f[0].header['LSST ISR BIAS APPLIED'], f[0].header['LSST ISR UNITS'], f['MASK'].header['MP_CROSSTALK'])
    print(int(f['IMAGE'].data[1990:2430, 1280:1720].sum() / 1000))
`;
  const told = execFileSync(python.path, ['-c', script, `${stem}.isr.fits`], { encoding: 'utf8' }).split(
    '\n',
  );
  t.same(told.slice(0, 2), [
    "['IMAGE', 'MASK', 'VARIANCE', 'JSON', 'INDEX'] (4000, 4072) float32 int32",
    'False electron 9',
  ]);
  t.ok(Math.abs(Number(told[2]) - 972) < 60, `light of the star ${told[2]}`);
});

t.test('what is wrong with a command is said before anything is done', async (t) => {
  const out = join(directory, 'none');
  t.match(run('--out', out), { status: 2, stderr: /expected a FILE/ });
  t.match(run('a.fits'), { status: 2, stderr: /expected --out/ });
  t.match(run('a.fits', '--out', '/proc/nowhere'), { status: 2, stderr: /--out: .*proc/ });
  t.match(run('x/a.fits', 'y/a.fits', '--out', out), {
    status: 2,
    stderr: /would replace those of x\/a\.fits/,
  });
  t.match(run('a.fits', '--out', out, '--calib', 'nowhere'), {
    status: 2,
    stderr: /--calib: expected a directory with a directory for each detector, got nowhere/,
  });
  t.match(run('a.fits', '--out', out, '--skip', 'magic'), { status: 2, stderr: /--skip: expected one of/ });
  t.notOk(existsSync(out));
});

t.test('the folder of raw files keeps its sidecars, and a folder is no raw file', async (t) => {
  const spool = join(directory, 'spool');
  mkdirSync(spool);
  const raw = join(spool, 'AT_O_20261102_000002_R00_S00.fits');
  const sidecar = raw.replace('.fits', '.json');
  const keywords = '{\n  "__CONTENT__": "metadata",\n  "OBSID": "AT_O_20261102_000002"\n}\n';
  writeRawFrame(raw, { stars: [star], header });
  writeFileSync(sidecar, keywords);
  t.match(run(raw, '--out', spool), {
    status: 2,
    stderr: /--out: expected a folder without raw files, got .*spool: .*\.json is the sidecar of one/,
  });
  t.equal(readFileSync(sidecar, 'utf8'), keywords);
  t.same(readdirSync(spool).length, 2, 'nothing else is there');
  t.match(run(spool, '--out', join(directory, 'folder')), {
    status: 1,
    stderr: /spool: expected a FITS file, got a directory/,
  });
});

const sample = join(dirname(resolve(process.env.SUMMIT_REAL_DATA ?? '../shared/data/real')), 'images-dev');

t.test('the sample with its calibrations', async (t) => {
  if (!existsSync(sample)) {
    t.comment(`no ${sample}: it lies beside the directory that SUMMIT_REAL_DATA names`);
    return;
  }
  const out = join(directory, 'sample');
  const raws = ['AT_O_20261102_000042_R00_S00', 'MC_O_20261102_000087_R44_SW0'];
  const { status, stderr } = run(
    ...raws.map((stem) => join(sample, 'raw', `${stem}.fits`)),
    ...['--calib', join(sample, 'calib'), '--out', out, '--no-isr-files'],
  );
  t.equal(status, 0, stderr);
  t.equal(stderr, '');
  t.match(read(join(out, `${raws[0]}.json`)), {
    zeroth: { flux: Number },
    spectrum: { D_refined: true },
    quality: { flags: ['SECOND_ORDER'] },
  });
  t.match(read(join(out, `${raws[1]}.json`)), { focal: 'extra', quality: { flags: [] } });
  t.notOk(existsSync(join(out, `${raws[0]}.isr.fits`)));
});
