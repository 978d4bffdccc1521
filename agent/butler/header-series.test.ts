// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { Observations, observationOf } from './exposure-record.js';
import { readHeader } from './fits-header.js';
import { at, cameraHeader, latissHeader, numbered, type Values, writeFits } from './testing/headers.js';

const folder = mkdtempSync(join(tmpdir(), 'header-series-'));
t.teardown(() => rmSync(folder, { recursive: true }));

/** What it tells, or its refusal. */
function told(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    return String(error);
  }
}

t.test('files one after the other tell what each of them tells alone', async (t) => {
  const long = { ...cameraHeader, OBJECT: `${'x'.repeat(40)}` };
  const kinds: readonly Values[] = [
    cameraHeader,
    at(cameraHeader, 'R44', 'SW0'),
    at(cameraHeader, 'R22', 'S11'),
    numbered(cameraHeader, 52),
    { ...cameraHeader, EXPTIME: 6 },
    { ...cameraHeader, EXPTIME: null },
    { ...cameraHeader, EXPTIME: 'no' },
    { ...cameraHeader, TEMP: 1 },
    { ...cameraHeader, TEMP: 2 },
    { ...cameraHeader, 'CAMERA.SIMULATE': true },
    { ...cameraHeader, 'CAMERA.SIMULATE': false },
    { TEMP: 3, ...cameraHeader },
    long,
    latissHeader,
    { ...latissHeader, GRATING: 'holo4_003' },
  ];
  const files = kinds.map((header, i) => writeFits(join(folder, `${i}.fits`), header));
  const change = (name: string, from: string, edit: (text: string) => string | Buffer) => {
    const path = join(folder, name);
    writeFileSync(path, edit(readFileSync(from, 'latin1')), 'latin1');
    files.push(path);
  };
  const [first = ''] = files;
  change('zipped.fits', first, (text) => gzipSync(Buffer.from(text, 'latin1')));
  change('none.fits', first, () => 'no FITS file');
  change('short.fits', first, (text) => text.slice(0, 1000));
  // A text that goes on in the next card, and one that a card of the same keyword comes after.
  const card = (text: string) => text.padEnd(80);
  change('long.fits', first, (text) =>
    text
      .replace(card("OBJECT  = 'azel_target'"), card("OBJECT  = 'azel_&'"))
      .replace(/VIGN_MIN.{72}/, card("CONTINUE  'more of it'")),
  );
  change('other.fits', first, (text) =>
    text
      .replace(card("OBJECT  = 'azel_target'"), card("OBJECT  = 'azel_&'"))
      .replace(/VIGN_MIN.{72}/, card("CONTINUE  'something else'")),
  );
  for (const [name, value] of [
    ['twice.fits', 'one'],
    ['again.fits', 'two'],
  ] as const)
    change(name, first, (text) => text.replace(/VIGN_MIN.{72}/, card(`OBJECT  = '${value}'`)));
  const beside = writeFits(join(folder, 'beside.fits'), cameraHeader);
  writeFileSync(join(folder, 'beside.json'), JSON.stringify(at(numbered(cameraHeader, 99), 'R43', 'S22')));
  files.push(beside, join(folder, 'absent.fits'));

  // Each after each.
  const observations = new Observations();
  const alone = new Map(files.map((file) => [file, told(() => observationOf(readHeader(file), file))]));
  const wrong: string[] = [];
  for (const before of files)
    for (const file of files) {
      told(() => observations.next(before));
      const next = told(() => observations.next(file));
      if (!isDeepStrictEqual(next, alone.get(file))) wrong.push(`${file} after ${before}`);
    }
  t.same(wrong, []);
  t.ok([...alone.values()].filter((one) => typeof one === 'string').length > 3, 'some are refused');
});
