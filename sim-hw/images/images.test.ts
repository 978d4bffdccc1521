// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { native } from '../native.js';
import { parseSimOptions } from '../options.js';
import { parseImageFault } from './faults.js';
import { instruments, streamBytes } from './instruments.js';
import { seenBy } from './scene.js';
import { parseTake, type TakeRequest } from './take.js';

function taken(args: Record<string, unknown> = {}): TakeRequest {
  const take = parseTake(args);
  if (typeof take === 'string') throw new Error(take);
  return take;
}

t.test('a take says everything that is wrong with it', async (t) => {
  t.match(taken({ imageType: 'bias' }), { imageType: 'BIAS', exposureS: 2, grating: 'empty_1', group: null });
  t.match(
    parseTake({ exposureS: -1, imageType: 'X', grating: 'y' }),
    /imageType: .*; grating: .*; exposureS: expected a number 0\.\.1000, got -1/,
  );
});

t.test('options and faults of images are read with the others', async (t) => {
  const options = parseSimOptions(['--images', 'wavefront', '--image-boards', 'R00,R44', '--readout-s', '1']);
  t.match(options?.images, { instrument: 'wavefront', boards: ['R00', 'R44'], readoutS: 1, frames: 0 });
  t.equal(parseSimOptions([])?.images, null);
  t.throws(
    () => parseSimOptions(['--images', 'x', '--image-fault', 'truncate', '--readout-s', '-1']),
    /--images: expected one of wavefront, latiss.*\n--readout-s: .*\n--image-fault truncate: expected at=IMAGE/s,
  );
  t.same(parseImageFault('stall:at=3,board=R44'), { kind: 'stall', at: 3, board: 'R44' });
  t.throws(() => parseImageFault('melt:at=1'), /expected one of truncate/);
});

t.test('scenes have what their truth says', async (t) => {
  const half = instruments.wavefront.boards[0]?.detectors[0];
  const latiss = instruments.latiss.boards[0]?.detectors[0];
  if (!half || !latiss) throw new Error('no detectors');
  const donuts = seenBy(half, taken(), 1, 1);
  t.equal(donuts.truth.kind, 'donut');
  t.equal(donuts.truth.focal, 'extra');
  t.equal((donuts.truth.donuts as unknown[]).length, donuts.scene.donuts.length);
  t.ok((donuts.truth.donuts as { blended: boolean }[]).some(({ blended }) => blended));
  const wider = seenBy(half, taken({ focusZMm: 0.15 }), 1, 1).scene.donuts[0]?.radius ?? 0;
  t.ok(wider > (donuts.scene.donuts[0]?.radius ?? 0), 'extra-focal images grow with the hexapod');
  const spectrum = seenBy(latiss, taken({ grating: 'holo4_003' }), 1, 1).truth;
  t.match(spectrum, { kind: 'spectrum', grooves_per_mm: 150, sweet_spot: { x: 1750, y: 200 } });
  t.equal((spectrum.lines as unknown[]).length, 5);
  t.match(seenBy(latiss, taken({ imageType: 'BIAS' }), 1, 1).scene, { sky: 0, darkTime: 0, stars: [] });
});

/** ADC counts of one channel of a stream, by row and column. */
function valueAt(stream: Buffer, channel: number, row: number, col: number): number {
  const bit = 18 * channel;
  const at = (row * 576 + col) * 36 + Math.floor(bit / 8);
  const value = (stream[at] ?? 0) | ((stream[at + 1] ?? 0) << 8) | ((stream[at + 2] ?? 0) << 16);
  return ((value >>> (bit % 8)) & 0x3ffff) ^ 0x20000;
}

t.test('a star is where the pipelines look for it, in both halves, and nowhere else', async (t) => {
  const [x, y, flux] = [760.3, 500.7, 2e6];
  const star = { stars: [{ x, y, flux, fwhm: 8 }], sky: 100, darkTime: 1, noiseSeed: 5 };
  const settings = {
    channels: 'wavefront',
    detectors: [
      { name: 'R44_SW0', seed: 1, scene: { sky: 100 } },
      { name: 'R44_SW1', seed: 2, scene: star },
    ],
  };
  const { stream, truth } = await native.paintBoard(JSON.stringify(settings));
  t.equal(stream.length, streamBytes);
  const [, half] = JSON.parse(truth) as { amps: { name: string; gain: number }[] }[];
  // A wavefront half counts its amplifiers from the right, and reads from the top right corner.
  const amp = 7 - Math.floor(x / 509);
  const x0 = 509 * (7 - amp);
  const overscan = (row: number) => {
    let sum = 0;
    for (let col = 520; col < 570; col++) sum += valueAt(stream, 8 + amp, row, col);
    return sum / 50;
  };
  let [sum, sumX, sumY] = [0, 0, 0];
  for (let j = 461; j < 541; j++) {
    const level = overscan(1999 - j);
    for (let i = 720; i < 800; i++) {
      const gain = half?.amps[amp]?.gain ?? 1;
      const value = (valueAt(stream, 8 + amp, 1999 - j, 3 + 508 - (i - x0)) - level) * gain - 100;
      sum += value;
      sumX += value * i;
      sumY += value * j;
    }
  }
  t.equal(half?.amps[amp]?.name, `C1${amp}`);
  t.ok(Math.abs(sum / flux - 1) < 0.03, `${sum.toFixed(0)} electrons`);
  t.ok(Math.abs(sumY / sum - y) < 0.15, `y ${sumY / sum}`);
  t.ok(Math.abs(sumX / sum - x) < 0.15, `x ${sumX / sum}`);
  const there = valueAt(stream, amp, 1999 - 501, 3 + 508 - (760 - x0));
  t.ok(
    Math.abs(there - valueAt(stream, amp, 1999 - 300, 3 + 508 - (760 - x0))) < 200,
    'not in the other half',
  );
});

t.test('calibrations are sound FITS files, one folder for each detector', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'summit-calib-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  await native.writeCalibrations(JSON.stringify({ name: 'R44_SW0', seed: 1 }), folder);
  for (const name of ['bias', 'dark', 'flat', 'defects', 'crosstalk', 'ptc', 'linearizer']) {
    const said = execFileSync('fitsverify', ['-q', join(folder, `${name}.fits`)], { encoding: 'utf8' });
    t.match(said, /verification OK/, said);
  }
  await t.rejects(native.writeCalibrations('{"name":"x"}', '/proc/nowhere'), /cannot be made/);
});
