// SPDX-License-Identifier: Apache-2.0
// What comes in between: removals that are not finished, somebody else at work in the same repository, links, odd names.
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { checkRepository } from './check.js';
import { createRepository } from './create.js';
import { fileUri } from './datastore.js';
import { Ingest } from './ingest.js';
import { configurationName, configurationText, databaseName } from './layout.js';
import { Repository } from './repository.js';
import { RepositoryWork } from './repository-work.js';
import { at, cameraHeader, numbered, writeFits, writeRaw } from './testing/headers.js';
import { newRepository } from './testing/new-repository.js';
import { WaitingFiles } from './waiting.js';

function ingestOf({ root, db, registry }: Repository, transfer: 'link' | 'copy' = 'link') {
  return new Ingest(root, db, registry, { transfer, exposures: 'create', sync: true, taiNs: () => 1n });
}

function setUp(t: Test) {
  const made = newRepository(t);
  const other = new Repository(made.root, { busyMs: 20 });
  t.teardown(() => other.close());
  const count = (table: string) =>
    made.repository.db.prepare<[], { n: number }>(`SELECT count(*) AS n FROM ${table}`).get()?.n;
  return { ...made, other, count, raw: join(made.folder, 'raw'), ingest: ingestOf(made.repository) };
}

/** As lsst.daf.butler leaves it when it is killed: rows have gone, the file has not. */
function trash({ db }: Repository, keepRow = false): void {
  db.write(() => {
    db.exec("INSERT INTO dataset_location_trash SELECT id, 'FileDatastore@<butlerRoot>' FROM dataset");
    db.exec('DELETE FROM dataset_location');
    if (!keepRow) db.exec('DELETE FROM dataset');
  });
}

t.test('what is in the trash is ingested again, and is not taken for what is there', async (t) => {
  const { raw, ingest, repository, count } = setUp(t);
  const file = writeRaw(raw, cameraHeader);
  for (const keepRow of [false, true]) {
    ingest.files([file]);
    trash(repository, keepRow);
    const [again] = ingest.files([file]);
    t.match(again, { outcome: 'ingested' }, `row kept: ${keepRow}`);
    t.ok(existsSync(new URL(again?.uri ?? '')));
    t.same([count('dataset'), count('dataset_location'), count('dataset_location_trash')], [1, 1, 0]);
    t.match(checkRepository(repository, true), { good: true, datasets: 1, repaired: [] });
  }
});

t.test('a dataset that gave up its file gets it back', async (t) => {
  const { raw, ingest, repository, count } = setUp(t);
  const file = writeRaw(raw, cameraHeader);
  const [first] = ingest.files([file]);
  repository.db.write(() => {
    for (const table of ['dataset_location', 'file_datastore_records'])
      repository.db.exec(`DELETE FROM ${table}`);
  });
  t.match(ingest.files([file]), [{ outcome: 'ingested', uuid: first?.uuid }]);
  t.same([count('dataset'), count('dataset_location'), count('file_datastore_records')], [1, 1, 1]);
});

t.test('collections that somebody else took away meanwhile are made again', async (t) => {
  const { raw, ingest, other, count } = setUp(t);
  t.match(ingest.files([writeRaw(raw, cameraHeader)]), [{ outcome: 'ingested' }]);
  other.db.write(() => {
    const id = other.registry.collection('LSSTCam/raw/all')?.id;
    for (const table of ['dataset_location', 'file_datastore_records', 'dataset', 'dataset_tags_00000001'])
      other.db.exec(`DELETE FROM ${table}`);
    other.db.exec(`DELETE FROM collection_chain WHERE child = ${id}`);
    for (const table of ['collection_summary_dataset_type', 'collection_summary_instrument', 'collection'])
      other.db.exec(`DELETE FROM ${table} WHERE collection_id = ${id}`);
    // The next collection gets the same number.
    other.db.exec(`INSERT INTO collection (collection_id, name, type) VALUES (${id}, 'u/somebody', 1)`);
    other.db.exec(`INSERT INTO run (collection_id) VALUES (${id})`);
  });
  const file = writeRaw(raw, at(cameraHeader, 'R44', 'SW0'));
  t.match(ingest.files([file]), [{ outcome: 'ingested', run: 'LSSTCam/raw/all' }]);
  const run = other.db
    .prepare<[], { name: string }>(
      'SELECT c.name FROM dataset JOIN collection AS c ON collection_id = run_id',
    )
    .all();
  t.same([run, count('dataset')], [[{ name: 'LSSTCam/raw/all' }], 1]);
});

t.test('while somebody writes nothing is taken away as a file without row', async (t) => {
  const { raw, root, repository, other } = setUp(t);
  const file = writeRaw(raw, cameraHeader);
  const placed = join(root, 'LSSTCam/raw/all/raw/one.fits');
  mkdirSync(join(placed, '..'), { recursive: true });
  repository.db.write(() => {
    linkSync(file, placed);
    t.throws(() => checkRepository(other, true), { code: 'butler_busy' });
  });
  t.ok(existsSync(placed));
  t.match(checkRepository(other, true), { good: true, repaired: [/one\.fits had no row/] });
  t.notOk(existsSync(placed));
});

t.test('a lock that is held is waited for once, and every file is told with its data ID', async (t) => {
  const { raw, repository, other } = setUp(t);
  const files = [51, 52, 53].map((seqNum) => writeRaw(raw, numbered(cameraHeader, seqNum)));
  repository.db.write(() => {
    const results = ingestOf(other).files(files);
    t.match(
      results.map(({ outcome, problem, dataId }) => ({ outcome, problem, exposure: dataId?.exposure })),
      [51, 52, 53].map((seqNum) => ({
        outcome: 'failed',
        problem: /lock for 0\.02 s/,
        exposure: 2026031500000 + seqNum,
      })),
    );
  });
  t.ok(
    ingestOf(other)
      .files(files)
      .every(({ outcome }) => outcome === 'ingested'),
  );
});

t.test('two files of one data ID in one request: the first is taken, the other told', async (t) => {
  const { raw, ingest } = setUp(t);
  const files = ['one', 'two'].map((content) => writeRaw(join(raw, content), cameraHeader, content));
  const results = ingest.files(files);
  t.match(results, [{ outcome: 'ingested' }, { outcome: 'conflict', problem: /is another file/ }]);
  t.match(readFileSync(new URL(results[0]?.uri ?? ''), 'latin1'), /one$/);
});

t.test('another dataset of the same data ID is a conflict that names it', async (t) => {
  const { raw, ingest, repository } = setUp(t);
  const file = writeRaw(raw, cameraHeader);
  ingest.files([file]);
  repository.db.write(() => {
    repository.db.pragma('defer_foreign_keys = ON');
    for (const [table, column] of [
      ['dataset', 'id'],
      ['dataset_tags_00000001', 'dataset_id'],
    ])
      repository.db.exec(`UPDATE ${table} SET ${column} = '${'0'.repeat(32)}'`);
    for (const table of ['dataset_location', 'file_datastore_records'])
      repository.db.exec(`DELETE FROM ${table}`);
  });
  t.match(ingest.files([file]), [
    { outcome: 'conflict', problem: /raw {instrument=LSSTCam, detector=1, exposure=2026031500051}.*UNIQUE/ },
  ]);
});

t.test('what a symbolic link leads to is ingested, not the link', async (t) => {
  const { raw, ingest } = setUp(t);
  const file = writeRaw(raw, cameraHeader);
  const link = join(raw, 'link_to_it.fits');
  symlinkSync(file, link);
  const [done] = ingest.files([link]);
  t.match(done, { outcome: 'ingested', file: link });
  t.equal(lstatSync(new URL(done?.uri ?? '')).ino, lstatSync(file).ino);
});

t.test('names of all kinds', async (t) => {
  const { raw, ingest, repository } = setUp(t);
  const folder = join(raw, "Nächte (1) + 'alle' @ 50%, #2?");
  const file = writeFits(join(folder, 'MC_O_20260315_000051_R01_S01.fits.fz'), cameraHeader);
  const [linked] = ingest.files([file]);
  t.match(linked, { outcome: 'ingested', uri: /_R01_S01_LSSTCam_raw_all\.fits\.fz$/ });
  // As urllib.parse.quote has it, which lsst.resources uses.
  t.match(fileUri(folder), /\/N%C3%A4chte%20%281%29%20%2B%20%27alle%27%20%40%2050%25%2C%20%232%3F$/);
  const direct = new Ingest(repository.root, repository.db, repository.registry, {
    ...{ transfer: 'direct', exposures: 'create', taiNs: () => 1n },
  });
  const there = writeRaw(folder, at(cameraHeader, 'R44', 'SW0'));
  t.match(direct.files([there]), [{ outcome: 'ingested', uri: fileUri(there) }]);
  t.match(checkRepository(repository, false), { good: true, datasets: 2 });
});

t.test('copies of files that nobody may write are whole, and leave nothing beside them', async (t) => {
  const { raw, repository } = setUp(t);
  const file = writeRaw(raw, cameraHeader, 'pixels');
  const [done] = ingestOf(repository, 'copy').files([file]);
  const copy = new URL(done?.uri ?? '');
  t.same(readFileSync(copy), readFileSync(file));
  t.same(readdirSync(new URL('.', copy)).length, 1);
  t.match(ingestOf(repository, 'copy').files([file]), [{ outcome: 'unchanged' }]);
});

t.test('values that no registry takes are told by their keyword', async (t) => {
  const { raw, ingest } = setUp(t);
  const one = (change: object) =>
    ingest.files([writeFits(join(raw, 'x.fits'), { ...cameraHeader, ...change })])[0];
  t.match(one({ IMGTYPE: 'x'.repeat(17) }), { outcome: 'bad_metadata', problem: /IMGTYPE/ });
  t.match(one({ OBSID: '..' }), { outcome: 'bad_metadata', problem: /OBSID/ });
  t.match(one({ DAYOBS: '20260231' }), { outcome: 'bad_metadata', problem: /DAYOBS/ });
  t.match(one({ CURINDEX: 1.5 }), { outcome: 'ingested' }, 'it is not needed');
});

t.test('notes of waiting files of one name do not take the place of each other', async (t) => {
  const { folder } = setUp(t);
  const notes = join(folder, 'notes');
  const long = `${'x'.repeat(240)}_guider.fits`;
  const files = ['a/one.fits', 'b/one.fits', ' with spaces /one.fits ', long].map((name) =>
    join(folder, name),
  );
  const waiting = new WaitingFiles(notes);
  for (const file of files) waiting.add(file);
  waiting.remove(files[0] ?? '');
  t.same([...new WaitingFiles(notes).files].sort(), files.slice(1).sort());
});

t.test('a repository whose making was interrupted is made by the next who may', async (t) => {
  const { folder } = setUp(t);
  const root = join(folder, 'half');
  mkdirSync(root);
  writeFileSync(join(root, configurationName), configurationText());
  // No process has this number.
  writeFileSync(join(root, `${databaseName}.4194999.part`), 'half');
  const work = new RepositoryWork({
    ...{ root, create: true, shared: false, spools: [], taiMinusUtcS: 37 },
    ...{ keepHours: null, diskShare: null, keepShare: null, handover: null },
  });
  t.teardown(() => work.close());
  t.notOk(readdirSync(root).some((name) => name.endsWith('.part')));
  t.throws(() => createRepository(root), { message: /is a repository already/ });
});
