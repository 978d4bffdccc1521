// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import t from 'tap';
import { at, cameraHeader, latissHeader, writeRaw } from '../butler/testing/headers.js';
import { call } from './testing/call.js';

const folder = mkdtempSync(join(tmpdir(), 'butler-cli-'));
t.teardown(() => rmSync(folder, { recursive: true }));

const butler = (...args: readonly string[]) => call('butler', ...args);

t.test('a repository from its making to its pruning', async (t) => {
  const root = join(folder, 'repo');
  const raw = join(folder, 'raw');
  t.match(await butler('create', root), { code: 0, out: /LSSTCam\/defaults/ });
  t.match(await butler('create', root), { code: 1, err: /a repository already/ });

  const guider = writeRaw(raw, at(cameraHeader, 'R00', 'SG0'));
  t.match(await butler('ingest', root, guider), {
    code: 0,
    out: /waiting .*exposure 2026031500051 is not there/,
  });
  t.match(await butler('check', root), { code: 0, out: /waits for its exposure: .*_guider.fits/ });
  writeRaw(raw, at(cameraHeader, 'R44', 'SW0'));
  writeRaw(raw, latissHeader);
  writeFileSync(join(raw, 'broken.fits'), 'SIMPLE');
  const mixed = await butler('ingest', root, raw);
  t.equal(mixed.code, 1, 'one file is refused');
  t.match(mixed.out, /bad_metadata .*broken.fits/);
  t.match(mixed.out, /1 bad_metadata, 3 ingested|3 ingested, 1 bad_metadata/);
  unlinkSync(join(raw, 'broken.fits'));
  t.match(await butler('ingest', root, raw), { code: 0, out: /3 unchanged/ });

  const { out } = await butler('ls', root, '--json', '--type', 'raw', '--detector', '203');
  const listed = JSON.parse(out);
  const stored = new Database(join(root, 'gen3.sqlite3'), { readonly: true });
  t.match(listed.datasets, [{ type: 'raw', dataId: { instrument: 'LSSTCam', detector: 203 } }]);
  const { uuid, uri } = listed.datasets[0];
  const date = stored
    .prepare<[string], bigint>('SELECT ingest_date FROM dataset WHERE id = ?')
    .pluck()
    .safeIntegers()
    .get(uuid.replaceAll('-', ''));
  t.match(out, `"ingested":${date}}`, 'every digit of it');
  stored.close();
  t.match(await butler('uri', root, uuid), { code: 0, out: `${uri}\n` });
  t.match(await butler('uri', root, uuid.replace('-', '-f').slice(0, 36)), {
    code: 1,
    err: /has no dataset/,
  });
  t.match(await butler('ls', root, '--type', 'rwa'), { code: 1, err: /expected a dataset type.*got rwa/ });

  t.match(await butler('prune', root, '--older-than', '1'), { code: 0, out: /0 files removed/ });
  t.match(await butler('prune', root, '--older-than', '0', '--dry-run'), {
    code: 0,
    out: /3 datasets would go/,
  });
  t.match(await butler('prune', root, '--older-than', '0'), { code: 0, out: /3 files removed/ });
  t.notOk(existsSync(new URL(uri)));
  t.ok(existsSync(guider), 'what was linked stays where it was');
  t.match(await butler('check', root), { code: 0, out: /0 datasets, good/ });
});

t.test('detectors and filters of a site go before those of this release', async (t) => {
  const site = join(folder, 'site');
  const root = join(folder, 'of-the-site');
  await butler('create', site);
  const theirs = new Database(join(site, 'gen3.sqlite3'));
  theirs.exec("INSERT INTO physical_filter VALUES ('LSSTCam', 'new_99', 'n')");
  const rows = 'SELECT * FROM physical_filter ORDER BY instrument, name';
  t.match(await butler('create', root, '--instruments-from', site), { code: 0 });
  const ours = new Database(join(root, 'gen3.sqlite3'), { readonly: true });
  t.same(ours.prepare(rows).all(), theirs.prepare(rows).all());
  t.same(ours.prepare('SELECT * FROM detector').all().length, 206);
  t.same(ours.pragma('foreign_key_check'), []);
  ours.close();
  theirs.exec("PRAGMA foreign_keys = OFF; DELETE FROM instrument WHERE name = 'LATISS'");
  theirs.close();
  const partial = await butler('create', join(folder, 'partial'), '--instruments-from', site);
  t.match(partial, { code: 1, err: /expected LSSTCam and LATISS registered there/ });
  t.notOk(existsSync(join(folder, 'partial', 'butler.yaml')));
});

t.test('check tells what does not agree, and repairs what it can', async (t) => {
  const root = join(folder, 'halves');
  const raw = join(folder, 'halves-raw');
  await butler('create', root);
  const done = JSON.parse((await butler('ingest', root, '--json', writeRaw(raw, cameraHeader))).out);
  const path = new URL(done.files[0].uri).pathname;
  unlinkSync(path);
  // Nobody has this number.
  writeFileSync(`${path}.4194999.part`, 'half');
  writeFileSync(join(root, 'LSSTCam/raw/all/raw/stray.fits'), 'stray');
  const found = await butler('check', root);
  t.equal(found.code, 1);
  t.match(found.out, /row without file: 4334c08a-.*R01_S01/);
  t.match(found.out, /file without row: .*stray.fits/);
  const repaired = await butler('check', root, '--repair');
  t.match(repaired.out, /\.part had no row and is taken away/);
  t.ok(existsSync(join(root, 'LSSTCam/raw/all/raw/stray.fits')), 'what is nowhere else is not removed');
});

t.test('a command that is wrong is told how it is right', async (t) => {
  t.match(await butler('crate', 'x'), {
    code: 2,
    err: /expected one of create, ingest, ls, uri, check, prune/,
  });
  t.match(await butler('ls'), { code: 2, err: /expected REPO after ls/ });
  t.match(await butler('prune', folder), { code: 2, err: /--older-than or --disk-share/ });
  t.match(await butler('ls', folder), { code: 1, err: /expected butler.yaml/ });
  t.match(await butler('prune', folder, '--older-than', '1', '--type', 'raw'), {
    code: 2,
    err: /--type means nothing for prune/,
  });
  t.match(await butler('create', '/proc/nowhere/repo'), {
    code: 1,
    err: /\/proc\/nowhere\/repo: no repository can be made there: ENOENT/,
  });
  t.match(await butler('--help'), { code: 0, out: /usage: summit-agent butler create REPO/ });
});
