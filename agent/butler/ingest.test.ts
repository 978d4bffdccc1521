// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { ExposurePolicy } from './exposure-rows.js';
import { Ingest } from './ingest.js';
import { at, cameraHeader, latissHeader, numbered, writeRaw } from './testing/headers.js';
import { newRepository } from './testing/new-repository.js';

function setUp(t: Test, exposures: ExposurePolicy = 'create') {
  const { folder, root, repository } = newRepository(t);
  const { db, registry } = repository;
  const taiNs = () => 1_795_472_475_000_000_000n;
  const ingest = new Ingest(root, db, registry, { transfer: 'link', exposures, taiNs });
  const count = (table: string) =>
    db.prepare<[], { n: number }>(`SELECT count(*) AS n FROM ${table}`).get()?.n ?? -1;
  return { folder, root, repository, ingest, count, raw: join(folder, 'raw') };
}

t.test('rows of a raw image are what the observatory writes for its header', async (t) => {
  const { raw, ingest, repository } = setUp(t);
  const files = [
    writeRaw(raw, cameraHeader),
    writeRaw(raw, at(cameraHeader, 'R00', 'SW0')),
    writeRaw(raw, latissHeader),
    writeRaw(raw, at(cameraHeader, 'R00', 'SG0')),
  ];
  const results = ingest.files(files);
  t.same(
    results.map(({ outcome, problem, uuid }) => ({ outcome, problem, uuid })),
    [
      '4334c08a-d143-5628-8ae7-c5b12e179562',
      'e53bbaab-3c6d-5878-8a55-e5bbc9482363',
      '88837489-ab49-5ce8-8060-6666886898ae',
      '398df1ea-b1ef-59f4-b9b7-e5e128bfa15c',
    ].map((uuid) => ({ outcome: 'ingested', problem: '', uuid })),
  );
  const rows = (sql: string) =>
    repository.db
      .prepare<[], unknown>(sql)
      .safeIntegers(true)
      .all()
      .map((row) => JSON.parse(JSON.stringify(row, (_, v) => (typeof v === 'bigint' ? Number(v) : v))));
  t.match(rows('SELECT * FROM exposure ORDER BY instrument DESC'), [
    {
      instrument: 'LSSTCam',
      id: 2026031500051,
      day_obs: 20260315,
      group: '2026-03-15T22:50:34.110',
      physical_filter: 'i_39',
      obs_id: 'MC_O_20260315_000051',
      exposure_time: 5,
      dark_time: 5.01371,
      observation_type: 'dark',
      observation_reason: 'tmacheckout',
      seq_num: 51,
      seq_start: 51,
      seq_end: 51,
      target_name: 'azel_target',
      science_program: 'BLOCK-T250',
      tracking_ra: null,
      tracking_dec: null,
      sky_angle: null,
      azimuth: 359.4198396779413,
      zenith_angle: 46.18874817505,
      has_simulated: 0,
      can_see_sky: 0,
    },
    {
      instrument: 'LATISS',
      physical_filter: 'SDSSr_65mm~empty',
      science_program: 'unknown',
      tracking_ra: 272.52669789029613,
      tracking_dec: -78.69215330186401,
      sky_angle: null,
      azimuth: 188.76111592436735,
      zenith_angle: 51.007072825220526,
    },
  ]);
  const times = repository.db
    .prepare<[], { b: bigint; e: bigint }>(
      'SELECT timespan_begin AS b, timespan_end AS e FROM exposure ORDER BY instrument DESC',
    )
    .safeIntegers(true)
    .all();
  t.same(times, [
    { b: 1773615054832461476n, e: 1773615059846000000n },
    { b: 1719299440382994711n, e: 1719299470392000000n },
  ]);
  t.same(rows('SELECT path FROM file_datastore_records ORDER BY path'), [
    {
      path: 'LATISS/raw/all/raw/20240624/AT_O_20240624_000169/raw_LATISS_SDSSr_65mm~empty_AT_O_20240624_000169_RXX_S00_LATISS_raw_all.fits',
    },
    {
      path: 'LSSTCam/raw/all/raw/20260315/MC_O_20260315_000051/raw_LSSTCam_i_39_MC_O_20260315_000051_R00_SW0_LSSTCam_raw_all.fits',
    },
    {
      path: 'LSSTCam/raw/all/raw/20260315/MC_O_20260315_000051/raw_LSSTCam_i_39_MC_O_20260315_000051_R01_S01_LSSTCam_raw_all.fits',
    },
    {
      path: 'LSSTCam/raw/guider/guider_raw/20260315/MC_O_20260315_000051/guider_raw_LSSTCam_i_39_MC_O_20260315_000051_R00_SG0_LSSTCam_raw_guider.fits',
    },
  ]);
  for (const { uri, file } of results)
    t.equal(statSync(new URL(uri)).ino, statSync(file).ino, 'a hard link, not a copy');
  t.same(repository.db.pragma('foreign_key_check'), []);
});

t.test('the same file again changes nothing; another one of its data ID is refused and told', async (t) => {
  const { raw, ingest, count } = setUp(t);
  const file = writeRaw(raw, cameraHeader, 'one');
  t.equal(ingest.files([file])[0]?.outcome, 'ingested');
  t.equal(ingest.files([file])[0]?.outcome, 'unchanged');
  const other = writeRaw(join(raw, 'again'), cameraHeader, 'two');
  t.match(ingest.files([other]), [
    { outcome: 'conflict', problem: /instrument=LSSTCam, detector=1, exposure=2026031500051/ },
  ]);
  const same = writeRaw(join(raw, 'copy'), cameraHeader, 'one');
  t.equal(ingest.files([same])[0]?.outcome, 'unchanged', 'the same bytes elsewhere');
  t.equal(count('dataset'), 1);
});

t.test('an exposure that differs in any column is refused, and told by column', async (t) => {
  const { raw, ingest, count } = setUp(t);
  ingest.files([writeRaw(raw, cameraHeader)]);
  const differences: Record<string, object> = {
    timespan_begin: { 'MJD-BEG': 61114.95202352387 },
    azimuth: { AZSTART: null },
    target_name: { OBJECT: 'another' },
  };
  for (const [column, change] of Object.entries(differences)) {
    const file = writeRaw(join(raw, column), { ...at(cameraHeader, 'R01', 'S02'), ...change });
    t.match(
      ingest.files([file]),
      [{ outcome: 'conflict', problem: new RegExp(`${column}: expected`) }],
      column,
    );
  }
  t.equal(count('dataset'), 1);
});

t.test('with update an exposure takes the later header', async (t) => {
  const { raw, ingest, repository } = setUp(t, 'update');
  ingest.files([writeRaw(raw, cameraHeader)]);
  const file = writeRaw(raw, { ...at(cameraHeader, 'R01', 'S02'), OBJECT: 'another' });
  t.match(ingest.files([file]), [{ outcome: 'ingested', changed: ['target_name'] }]);
  const row = repository.db.prepare<[], { target_name: string }>('SELECT target_name FROM exposure').get();
  t.equal(row?.target_name, 'another');
});

t.test("where exposures are another writer's they must be there", async (t) => {
  const { raw, ingest, count } = setUp(t, 'existing');
  t.match(ingest.files([writeRaw(raw, cameraHeader)]), [
    { outcome: 'conflict', problem: /not this agent's/ },
  ]);
  t.equal(count('exposure'), 0);
  t.equal(count('day_obs'), 0);
});

t.test('a guider file waits for its exposure', async (t) => {
  const { raw, ingest, count } = setUp(t);
  const guider = writeRaw(raw, at(cameraHeader, 'R00', 'SG0'));
  t.equal(ingest.files([guider])[0]?.outcome, 'waiting');
  t.equal(count('dataset'), 0);
  ingest.files([writeRaw(raw, cameraHeader)]);
  t.equal(ingest.files([guider])[0]?.outcome, 'ingested');
});

t.test('headers that are not enough are refused with the key, and keep out no other file', async (t) => {
  const { raw, ingest } = setUp(t);
  const bad = (name: string, change: object) => writeRaw(join(raw, name), { ...cameraHeader, ...change });
  const text = join(raw, 'text.fits');
  const good = writeRaw(raw, cameraHeader);
  writeFileSync(text, 'not a FITS file');
  const results = ingest.files([
    bad('a', { EXPTIME: null }),
    bad('b', { INSTRUME: 'other' }),
    bad('c', { FILTER: 'q_1', SEQNUM: 7, OBSID: 'MC_O_20260315_000007' }),
    text,
    join(raw, 'absent.fits'),
    good,
  ]);
  t.match(results, [
    { outcome: 'bad_metadata', problem: /EXPTIME: expected a value/ },
    { outcome: 'bad_metadata', problem: /INSTRUME.*got other/ },
    { outcome: 'bad_metadata', problem: /filter.*q_1/ },
    { outcome: 'bad_metadata', problem: /expected a FITS/ },
    { outcome: 'failed', problem: /ENOENT/ },
    { outcome: 'ingested' },
  ]);
});

t.test('a file that a crash left without its row is replaced by the one that is ingested', async (t) => {
  const { raw, ingest, repository, root } = setUp(t);
  const [first] = ingest.files([writeRaw(raw, cameraHeader, 'one')]);
  const path = new URL(first?.uri ?? '');
  repository.db.write(() => {
    for (const table of ['dataset_location', 'file_datastore_records', 'dataset'])
      repository.db.exec(`DELETE FROM ${table}`);
  });
  unlinkSync(join(raw, 'MC_O_20260315_000051_R01_S01.fits'));
  const again = writeRaw(raw, cameraHeader, 'two');
  t.equal(ingest.files([again])[0]?.outcome, 'ingested');
  t.equal(readFileSync(path).toString().slice(-3), 'two');
  t.notOk(existsSync(`${root}/x.part`));
});

t.test('all detectors of an exposure have their rows at once', async (t) => {
  const { raw, ingest, count } = setUp(t);
  const files: string[] = [];
  for (const raft of ['R01', 'R02', 'R22'])
    for (let i = 0; i < 9; i++)
      files.push(writeRaw(raw, at(numbered(cameraHeader, 60), raft, `S${Math.floor(i / 3)}${i % 3}`)));
  t.ok(ingest.files(files).every(({ outcome }) => outcome === 'ingested'));
  t.equal(count('dataset'), files.length);
  t.equal(count('exposure'), 1);
});
