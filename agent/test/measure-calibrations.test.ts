// SPDX-License-Identifier: Apache-2.0
// `summit-agent measure --calib`: what is missing is told and flagged, and never fails; what cannot be meant is refused.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { loadNative } from '../daq/native.js';
import type { Answer } from '../measure/kernel.js';

const directory = mkdtempSync(join(tmpdir(), 'summit-calibrations-'));
t.teardown(() => rmSync(directory, { recursive: true, force: true }));

function measure(...args: string[]): { status: number | null; stderr: string } {
  return spawnSync(process.execPath, ['dist/agent/main.js', 'measure', ...args], { encoding: 'utf8' });
}

/** A Gaussian star of FWHM 4 px and noise of a few ADU, by a fixed sequence. */
const pixels = Int32Array.from({ length: 50 * 50 }, (_, i) => {
  const r2 = ((i % 50) - 24.3) ** 2 + (Math.floor(i / 50) - 25.6) ** 2;
  const grain =
    ((Math.imul(i + 1, 1664525) >>> 8) % 4096) / 4096 + ((Math.imul(i + 7, 22695477) >>> 9) % 4096) / 4096;
  return Math.round(13_000 + 900 * Math.exp(-r2 / 5.77) + 16 * (grain - 1));
});

const file = join(directory, 'MC_O_20260714_000123_R00_SG0_guider.fits');
const header = {
  ROICOLS: 50,
  ROIROWS: 50,
  ROICOL: 56,
  ROIROW: 800,
  ROISEG: 'Segment07',
  RAFTBAY: 'R00',
  CCDSLOT: 'SG0',
  DAYOBS: '20260714',
};
loadNative().writeGuiderFile(file, JSON.stringify(header), [
  { pixels, taiNs: 1_784_089_172_000_000_000n, daqStamp: 0 },
]);

t.test('a directory without calibrations: measured, flagged, and told why', (t) => {
  const out = join(directory, 'out.json');
  const run = measure(file, '--calib', join(directory, 'none'), '--out', out);
  t.equal(run.status, 0, run.stderr);
  for (const name of ['bias', 'dark', 'flat', 'defects', 'ptc'])
    t.match(run.stderr, `none/R00_SG0/${name}.fits: cannot be opened`);
  const answers = JSON.parse(readFileSync(out, 'utf8')) as Record<string, (Answer | null)[]>;
  const answer = Object.values(answers)[0]?.[0];
  t.same(answer?.flags, ['uncalibrated']);
  t.equal(answer?.flagged, false, 'the position may be used');
  t.ok(Math.hypot((answer?.x ?? 0) - 24.3, (answer?.y ?? 0) - 25.6) < 0.1);
  t.end();
});

t.test('what cannot be meant is refused', (t) => {
  const set = mkdtempSync(join(directory, 'set-'));
  writeFileSync(join(set, 'a.bin'), pixels);
  const group = { name: 'a', file: 'a.bin', dtype: 'int32', shape: [1, 50, 50] };
  writeFileSync(join(set, 'index.json'), JSON.stringify({ format: 'guider-stamps-1', groups: [group] }));
  const cases = [
    [[set, '--calib', directory], /expected --detector NAME as well/],
    [[set, '--calib', directory, '--detector', 'R00_SG0'], /expected --segment as well/],
    [[file, '--calib', directory, '--segment', '8'], /--segment: expected 0..7 or 10..17, got 8/],
    [[file, '--calib', directory, '--segment', '3.4'], /--segment: expected a whole number 0..17, got 3.4/],
    [[file, '--calib', directory, '--gain', '0'], /--gain: expected a number 0.001..1000, got 0/],
    [[file, '--calib', directory, '--gain', '-1.4'], /--gain: expected a number 0.001..1000, got -1.4/],
    [[file, '--calib', directory, '--hdu', '2', '--at', '24,25'], /--calib takes stamps/],
  ] as const;
  for (const [args, words] of cases) {
    const run = measure(...args);
    t.equal(run.status, 2, args.slice(1).join(' '));
    t.match(run.stderr, words);
  }
  t.end();
});
