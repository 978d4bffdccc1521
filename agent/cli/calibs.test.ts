// SPDX-License-Identifier: Apache-2.0
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { CalibrationViews } from '../butler/calibration-views.js';
import { createRepository } from '../butler/create.js';
import { checksum } from '../butler/datastore.js';
import { Repository } from '../butler/repository.js';
import { nsOfIso } from '../butler/tai-times.js';
import { type Values, writeFits } from '../butler/testing/headers.js';
import { imageCalibrations } from '../model/butler.js';
import { call } from './testing/call.js';

const folder = mkdtempSync(join(tmpdir(), 'calibs-cli-'));
t.teardown(() => rmSync(folder, { recursive: true }));

const year = {
  'HIERARCH.VALIDITYBEGIN': '2026-01-01T00:00:00',
  'HIERARCH.VALIDITYEND': '2027-01-01T00:00:00',
};

/** Folder of a delivery; what makes its files its own is `content`. */
function delivery(name: string, content: string, more: Readonly<Record<string, Values>> = {}): string {
  const source = join(folder, name);
  const write = (detector: string, type: string, header: Values = {}) =>
    writeFits(join(source, detector, `${type}.fits`), header, content);
  // As real ones: images do not tell how long they are valid, tables beside them do.
  write('R44_SW0', 'bias', { OBSTYPE: 'bias', DETNAME: 'R44_SW0', ...more.bias });
  write('R44_SW0', 'ptc', { OBSTYPE: 'PTC', ...year, ...more.ptc });
  write('R44_SW0', 'flat', { OBSTYPE: 'flat', ...more.flat });
  write('LATISS', 'bias', { OBSTYPE: 'bias', ...more.latiss });
  return source;
}

function newRepository(name: string): string {
  const root = join(folder, name);
  createRepository(root);
  return root;
}

async function listOf(repo: string, ...more: readonly string[]) {
  const { out } = await call('calibs', 'ls', '--repo', repo, '--json', ...more);
  return (JSON.parse(out) as { calibrations: { uri: string; uuid: string; type: string }[] }).calibrations;
}

/** With its folder. */
function placed(path: string): string {
  mkdirSync(join(path, '..'), { recursive: true });
  return path;
}

t.test('a directory into a repository: verified, in force at once, found by time', async (t) => {
  const repo = newRepository('repo');
  const source = delivery('first', 'one');
  const none = await call('calibs', 'sync', source, '--repo', repo);
  t.match(none, { code: 1, err: /R44_SW0\/flat\.fits: it does not tell its filter: --filter NAME/ });

  const first = await call('calibs', 'sync', source, '--repo', repo, '--filter', 'i_39', '--label', 'DM-1');
  t.match(first, { code: 0, out: /4 added to LATISS\/calib\/DM-1, LSSTCam\/calib\/DM-1/ });
  t.match(first.out, /bias +R44_SW0 2026-01-01T00:00:00 \.\. 2027-01-01T00:00:00/, 'as the files beside it');
  t.match(first.out, /flat +R44_SW0 i_39/);
  t.match(first.out, /bias +RXX_S00 - \.\. -/, 'nobody limits it');
  // A filter of the other camera is not meant for this one's flats.
  const both = ['--filter', 'i_39', '--filter', 'empty~holo4_003'];
  const again = await call('calibs', 'sync', source, '--repo', repo, ...both);
  t.match(again, { code: 0, out: /0 added .*4 unchanged/ });
  t.match(await call('butler', 'check', repo), { code: 0, out: /4 datasets, good/ });

  const find = (at: string, ...more: readonly string[]) =>
    call('calibs', 'find', 'bias', '--repo', repo, '--detector', 'R44_SW0', '--at', at, ...more);
  const found = await find('2026-06-01T00:00:00');
  t.match(found, { code: 0, out: /LSSTCam\/calib\/DM-1\/\d{8}T\d{9}Z\/bias\/bias_LSSTCam_R44_SW0_.*\.fits/ });
  t.match(await find('2027-01-01T00:00:00'), { code: 1, err: /none is valid at 2027-01-01T00:00:00/ });
  const file = JSON.parse((await find('2026-06-01', '--json')).out).uri;
  t.equal(checksum(new URL(file).pathname), checksum(join(source, 'R44_SW0', 'bias.fits')));

  // A later delivery is searched first; what it does not have is still found.
  const second = delivery('second', 'two');
  rmSync(join(second, 'LATISS'), { recursive: true });
  const added = await call('calibs', 'sync', second, '--repo', repo, '--filter', 'i_39', '--label', 'DM-2');
  t.match(added, { code: 0, out: /3 added to LSSTCam\/calib\/DM-2/ });
  t.match(await find('2026-06-01'), { out: /LSSTCam\/calib\/DM-2/ });
  const listed = JSON.parse((await call('calibs', 'ls', '--repo', repo, '--json', '--at', '2026-06-01')).out);
  t.same(
    listed.calibrations.map((one: { type: string; collection: string }) => `${one.collection} ${one.type}`),
    [
      ...['bias', 'flat', 'ptc'].map((type) => `LSSTCam/calib/DM-2 ${type}`),
      ...['bias', 'flat', 'ptc'].map((type) => `LSSTCam/calib/DM-1 ${type}`),
      'LATISS/calib/DM-1 bias',
    ],
  );
  t.match(await call('calibs', 'ls', '--repo', repo, '--type', 'ptc', '--detector', 'R44_SW0'), {
    out: /^\S+ ptc +LSSTCam R44_SW0 2026.*DM-2\n\S+ ptc +LSSTCam R44_SW0 2026.*DM-1\n$/,
  });

  // The same time twice in one collection is nobody's choice.
  const conflict = await call(
    'calibs',
    'sync',
    delivery('third', 'three'),
    '--repo',
    repo,
    ...['--filter', 'i_39'],
    ...['--label', 'DM-2'],
  );
  t.match(conflict, { code: 1, err: /LSSTCam\/calib\/DM-2 has one that is valid in a part of this time/ });
  t.match(await call('butler', 'check', repo), { code: 0, out: /7 datasets, good/ }, 'nothing of it stays');
});

t.test('whatever is wrong with a directory is told before anything is copied', async (t) => {
  const repo = newRepository('strict');
  const source = delivery('wrong', 'x', {
    bias: { DETNAME: 'R44_SW1' },
    ptc: { 'HIERARCH.VALIDITYEND': 'soon' },
    latiss: { OBSTYPE: 'dark' },
    flat: { FILTER: 'i_39', INSTRUME: 'lsstCam' },
  });
  mkdirSync(join(source, 'notes'));
  writeFileSync(
    join(source, 'R44_SW0', 'SHA256SUMS'),
    `${'0'.repeat(64)}  bias.fits\n${'1'.repeat(64)}  dark.fits\n`,
  );
  const { code, err } = await call('calibs', 'sync', source, '--repo', repo);
  t.equal(code, 1);
  for (const part of [
    /bias\.fits: expected a calibration of R44_SW0, got one of R44_SW1/,
    /ptc\.fits: VALIDITYEND: expected a time, got soon/,
    /LATISS\/bias\.fits: expected OBSTYPE bias, got dark/,
    /bias\.fits: expected sha256 0000/,
    /dark\.fits: it is listed in SHA256SUMS, and not there/,
  ])
    t.match(err, part);
  t.notMatch(err, /flat/, 'it tells its filter');
  const unknown = delivery('filter', 'x');
  t.match(await call('calibs', 'sync', unknown, '--repo', repo, '--filter', 'purple'), {
    code: 1,
    err: /expected a filter that LSSTCam is registered with, got purple/,
  });
  t.notOk(existsSync(join(repo, 'LSSTCam')), 'nothing was copied');
});

t.test('another repository: the same datasets, collections and validity', async (t) => {
  const backbone = newRepository('backbone');
  const edge = newRepository('edge');
  await call(
    'calibs',
    'sync',
    delivery('b1', 'b1'),
    '--repo',
    backbone,
    '--filter',
    'i_39',
    '--label',
    'DM-1',
  );
  await call(
    'calibs',
    'sync',
    delivery('b2', 'b2'),
    '--repo',
    backbone,
    ...['--filter', 'i_39'],
    ...['--label', 'DM-2', '--begin', '2026-07-01'],
  );
  const namesOf = async (repo: string, ...more: readonly string[]) =>
    (await listOf(repo, ...more)).map(({ uri: _, ...one }) => one);
  const camera = await call('calibs', 'sync', backbone, '--repo', edge, '--detector', 'R44_SW0');
  t.match(camera, { code: 0, out: /6 added to LSSTCam\/calib\/DM-\d, LSSTCam\/calib\/DM-\d/ });
  t.same(await namesOf(edge), await namesOf(backbone, '--instrument', 'LSSTCam'));
  t.match(await call('calibs', 'sync', backbone, '--repo', edge), { code: 0, out: /2 added .*6 unchanged/ });
  t.same(await namesOf(edge), await namesOf(backbone));
  t.match(await call('calibs', 'sync', backbone, '--repo', edge), { code: 0, out: /0 added.*8 unchanged/ });
  t.match(await call('butler', 'check', edge), { code: 0, out: /8 datasets, good/ });
  t.match(await call('calibs', 'sync', edge, '--repo', edge), {
    code: 2,
    err: /expected another repository/,
  });
  t.match(await call('calibs', 'sync', backbone, '--repo', edge, '--label', 'x'), { code: 2 });
});

t.test('the roles see what is valid, in folders that never change', async (t) => {
  const repo = newRepository('views');
  await call('calibs', 'sync', delivery('v1', 'v1'), '--repo', repo, '--filter', 'i_39', '--label', 'DM-1');
  const repository = new Repository(repo);
  t.teardown(() => repository.close());
  const views = new CalibrationViews(repository);
  const ask = (time: string, filter: string | null = 'i_39') =>
    views.view({
      instrument: 'LSSTCam',
      detectors: [{ folder: 'R44_SW0', detector: 203, types: imageCalibrations }],
      filter,
      taiNs: nsOfIso(time) ?? 0n,
      isCurrent: true,
    });
  const one = ask('2026-06-01');
  t.same(readdirSync(join(one.directory, 'R44_SW0')).sort(), ['bias.fits', 'flat.fits', 'ptc.fits']);
  t.equal(one.until, nsOfIso('2027-01-01'));
  t.match(one.missing, ['dark of R44_SW0: the repository has none']);
  t.equal(ask('2026-07-01').directory, one.directory, 'the same files, the same folder');
  t.match(ask('2026-06-01', null).missing, /flat of R44_SW0: nobody tells the filter/);
  const late = ask('2027-06-01');
  t.match(
    late.missing.find((what) => what.startsWith('bias')),
    /bias of R44_SW0: none is valid at 2027-06-01T00:00:00.000 in i_39, the last was until 2027-01-01/,
  );
  t.ok(existsSync(join(one.directory, 'R44_SW0', 'bias.fits')), 'who reads there goes on reading');
  await call('calibs', 'sync', delivery('v2', 'v2'), '--repo', repo, '--filter', 'i_39', '--label', 'DM-2');
  const two = ask('2026-06-01');
  t.not(two.directory, one.directory);
  t.equal(
    checksum(join(two.directory, 'R44_SW0', 'bias.fits')),
    checksum(join(folder, 'v2/R44_SW0/bias.fits')),
  );
  t.equal(
    checksum(join(repo, '.summit-agent/calibrations/current/R44_SW0/bias.fits')),
    checksum(join(two.directory, 'R44_SW0', 'bias.fits')),
  );

  const { db, registry } = repository;
  db.write(() => {
    const chain = registry.collection('LSSTCam/calib');
    const runs = db
      .prepare<[], { name: string }>("SELECT name FROM collection WHERE name LIKE 'LSSTCam/calib/DM-1/%'")
      .all()
      .flatMap(({ name }) => registry.collection(name) ?? []);
    if (chain) registry.setChildren(chain, [...registry.children(chain), ...runs]);
  });
  const always = ask('2027-06-01');
  t.match(
    always.missing,
    ['dark of R44_SW0: the repository has none'],
    'a run of the chain is not certified',
  );
  t.equal(
    checksum(join(always.directory, 'R44_SW0', 'bias.fits')),
    checksum(join(folder, 'v1/R44_SW0/bias.fits')),
  );
});

t.test('what another repository has does not take the place of what is here', async (t) => {
  const [there, here] = ['theirs', 'mine'].map(newRepository);
  const sync = (name: string, repo = '') =>
    call('calibs', 'sync', delivery(name, name), '--repo', repo, '--filter', 'i_39', '--label', name);
  await sync('m1', there);
  await sync('m2', here);
  const source = new Repository(there ?? '');
  const mine = (await listOf(here ?? '', '--detector', 'R44_SW0')).find(({ type }) => type === 'bias');
  const path = String(mine?.uri).split('/mine/')[1];
  const set = (to: string) =>
    source.db.exec(
      `UPDATE file_datastore_records SET path = '${to}' WHERE path LIKE 'LSSTCam/%bias_LSSTCam_R44_SW0%'`,
    );
  t.teardown(() => source.close());
  set(String(path));
  // Of theirs, whose file is not under that name: it has to be.
  copyFileSync(join(folder, 'm1/R44_SW0/bias.fits'), placed(join(there ?? '', String(path))));
  t.match(await call('calibs', 'sync', there ?? '', '--repo', here ?? ''), {
    code: 1,
    err: new RegExp(`is the file of ${mine?.uuid}`),
  });
  const outside = placed(join(folder, 'outside', 'bias.fits'));
  copyFileSync(join(folder, 'm1/R44_SW0/bias.fits'), outside);
  set('../outside/bias.fits');
  t.match(await call('calibs', 'sync', there ?? '', '--repo', here ?? ''), { code: 0 });
  t.ok(
    (await listOf(here ?? '')).every(({ uri }) => uri.includes('/mine/')),
    'nothing goes beside it',
  );
  t.match(await call('butler', 'check', here ?? ''), { code: 0, out: /8 datasets, good/ });
});

t.test('what a synchronisation that was killed left is taken away', async (t) => {
  const repo = newRepository('killed');
  const path = 'LSSTCam/calib/DM-9/run/bias/bias_LSSTCam_R44_SW0_x.fits';
  const source = delivery('k', 'k');
  mkdirSync(join(repo, path, '..'), { recursive: true });
  copyFileSync(join(source, 'R44_SW0', 'bias.fits'), join(repo, path));
  mkdirSync(join(repo, '.summit-agent'), { recursive: true });
  // Nobody has this number.
  writeFileSync(join(repo, '.summit-agent', 'incoming-4194999.list'), `${path}\n`);
  t.match(await call('butler', 'check', repo), {
    code: 1,
    out: /file without row: .*bias_LSSTCam_R44_SW0_x/,
  });
  t.match(await call('butler', 'check', repo, '--repair'), {
    code: 0,
    out: /of a synchronisation that ended early is taken away/,
  });
});

t.test('a command that is wrong is told how it is right', async (t) => {
  t.match(await call('calibs', 'snyc', 'x', '--repo', 'y'), {
    code: 2,
    err: /expected one of sync, ls, find/,
  });
  t.match(await call('calibs', 'ls'), { code: 2, err: /expected --repo REPO/ });
  t.match(await call('calibs', 'ls', '--repo', 'x', '--label', 'y'), {
    code: 2,
    err: /--label means nothing for ls/,
  });
  t.match(await call('calibs', 'sync', join(folder, 'nowhere'), '--repo', 'y'), {
    code: 2,
    err: /expected a directory/,
  });
  t.match(await call('calibs', 'ls', '--repo', folder, '--detector', 'R44'), {
    code: 2,
    err: /R44_SW0, got R44/,
  });
  t.match(await call('calibs', '--help'), { code: 0, out: /usage: summit-agent calibs sync SOURCE/ });
});
