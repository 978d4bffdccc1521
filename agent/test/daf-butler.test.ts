// SPDX-License-Identifier: Apache-2.0
// Unmodified lsst.daf.butler on repositories that this agent made, and this agent on what it left there.
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import Database from 'better-sqlite3';
import t from 'tap';
import { butlerPython } from '../../scripts/processes/python.js';
import { mirrorCalibrations } from '../butler/calibration-mirror.js';
import { createRepository } from '../butler/create.js';
import { Ingest } from '../butler/ingest.js';
import { databaseName } from '../butler/layout.js';
import { findDataset } from '../butler/lookup.js';
import { Repository } from '../butler/repository.js';
import { RepositoryWork } from '../butler/repository-work.js';
import { nsOfIso } from '../butler/tai-times.js';
import { certify } from '../butler/testing/certified.js';
import { at, cameraHeader, latissHeader, numbered, writeRaw } from '../butler/testing/headers.js';
import { dashed } from '../butler/uuids.js';

const python = butlerPython();
const skip = python.problem ?? false;
const client = 'agent/test/daf_butler_client.py';
const folder = mkdtempSync(join(tmpdir(), 'daf-butler-'));
t.teardown(() => rmSync(folder, { recursive: true }));

interface Seen {
  readonly universe: number;
  readonly datasets: readonly {
    readonly uuid: string;
    readonly uri: string;
    readonly stored: boolean;
    readonly day_obs: number;
  }[];
  readonly pruned: readonly string[];
  readonly tagged: string;
  readonly back: unknown;
}

async function ask<T>(...args: readonly string[]): Promise<T> {
  const { stdout } = await promisify(execFile)(python.path ?? '', [client, ...args]);
  return JSON.parse(stdout) as T;
}

function ingestInto(root: string, files: readonly string[]) {
  const repository = new Repository(root);
  const { db, registry } = repository;
  const taiNs = () => BigInt(Date.now()) * 1_000_000n;
  const results = new Ingest(root, db, registry, { transfer: 'link', exposures: 'create', taiNs }).files(
    files,
  );
  repository.close();
  return results;
}

function schemaOf(root: string): string[] {
  const db = new Database(join(root, databaseName), { readonly: true });
  const rows = db.prepare('SELECT sql FROM sqlite_master WHERE sql IS NOT NULL').all() as { sql: string }[];
  db.close();
  return rows
    .map(({ sql }) => sql.replace(/\s+/g, ' '))
    .filter((sql) => !/dataset_tags_/.test(sql))
    .sort();
}

t.test('the tables are those that lsst.daf.butler makes', { skip }, async (t) => {
  const [ours, theirs] = [join(folder, 'ours'), join(folder, 'theirs')];
  createRepository(ours);
  await ask('make', theirs, '7');
  t.same(schemaOf(ours), schemaOf(theirs));
});

t.test('it opens, queries, prunes, tags and stores; then this agent goes on', { skip }, async (t) => {
  const root = join(folder, 'repo');
  createRepository(root);
  const raw = join(folder, 'raw');
  const files = [
    writeRaw(raw, cameraHeader),
    writeRaw(raw, at(cameraHeader, 'R44', 'SW0')),
    writeRaw(raw, latissHeader),
    writeRaw(raw, at(cameraHeader, 'R00', 'SG0')),
  ];
  const ingested = ingestInto(root, files);
  const seen = await ask<Seen>('use', root);
  t.equal(seen.universe, 7);
  t.same(
    seen.datasets.map(({ uuid, uri }) => ({ uuid, uri })).sort((a, b) => a.uuid.localeCompare(b.uuid)),
    ingested
      .map(({ uuid, uri }) => ({ uuid, uri }))
      .sort((a, b) => String(a.uuid).localeCompare(String(b.uuid))),
  );
  t.ok(seen.datasets.every(({ stored }) => stored));
  t.same(seen.pruned, [ingested[2]?.uuid]);
  t.notOk(existsSync(new URL(ingested[2]?.uri ?? '')), 'its file is gone');
  t.same(seen.back, { fwhm: 0.7 });

  const next = ingestInto(root, [...files, writeRaw(raw, at(cameraHeader, 'R44', 'SW1'))]);
  t.same(
    next.map(({ outcome }) => outcome),
    ['unchanged', 'unchanged', 'ingested', 'unchanged', 'ingested'],
  );
  t.ok(statSync(new URL(next[4]?.uri ?? '')).size > 0);
  const repository = new Repository(root);
  t.teardown(() => repository.close());
  t.same(repository.db.pragma('foreign_key_check'), []);
  t.match(repository.db.pragma('integrity_check'), [{ integrity_check: 'ok' }]);
  t.ok(repository.registry.type('measured'), 'a dataset type of somebody else');
});

t.test(
  'a reader sees whole exposures, and files to all rows, while this agent works',
  { skip },
  async (t) => {
    const root = join(folder, 'watched');
    createRepository(root);
    const raft = ['S00', 'S01', 'S02', 'S10', 'S11', 'S12', 'S20', 'S21'];
    const reader = spawn(python.path ?? '', [client, 'watch', root, String(raft.length)]);
    t.teardown(() => reader.kill('SIGKILL'));
    const lines = createInterface({ input: reader.stdout })[Symbol.asyncIterator]();
    await lines.next();
    const settings = { root, create: false, shared: false, spools: [], taiMinusUtcS: 37, diskShare: null };
    const work = new RepositoryWork({ ...settings, keepHours: 1e-9, keepShare: null, handover: null });
    t.teardown(() => work.close());
    const breathe = () => new Promise<void>((resolve) => setImmediate(resolve));
    for (let seqNum = 100; seqNum < 160; seqNum++) {
      const files = raft.map((slot) =>
        writeRaw(join(folder, 'watched-raw'), at(numbered(cameraHeader, seqNum), 'R22', slot)),
      );
      const { files: results } = work.ingest(files);
      t.notOk(results.find(({ outcome }) => outcome !== 'ingested'));
      await breathe();
    }
    reader.stdin.write('expire\n');
    await work.expire([], breathe);
    reader.stdin.end();
    const { value } = await lines.next();
    const seen = JSON.parse(value) as Record<string, number | string[]>;
    t.match(seen, { halves: 0, without_file: 0, errors: [] });
    t.ok(Number(seen.looks) > 1 && Number(seen.most) > 0, value);
  },
);

t.test('a repository of universe 8 is opened too', { skip }, async (t) => {
  const root = join(folder, 'eight');
  await ask('make', root, '8');
  const repository = new Repository(root);
  t.teardown(() => repository.close());
  t.equal(repository.universe, 8);
});

t.test('both find the same calibrations', { skip }, async (t) => {
  const root = join(folder, 'calibs');
  createRepository(root);
  const repository = new Repository(root);
  t.teardown(() => repository.close());
  const time = (text: string) => nsOfIso(text) ?? 0n;
  const file = writeRaw(join(folder, 'calib'), cameraHeader);
  const ranges = [
    ['bias', '2025-01-01T00:00:00', '2026-01-01T00:00:00'],
    ['bias', '2026-01-01T00:00:00', '2027-01-01T00:00:00'],
    ['dark', '2026-01-01T00:00:00', '2027-01-01T00:00:00'],
    ['flat', '2025-01-01T00:00:00', '2027-01-01T00:00:00'],
  ] as const;
  ranges.forEach(([type, begin, end], i) => {
    const span = { begin: time(begin), end: time(end) };
    const one = { file, type, instrument: 'LSSTCam', detector: 'R44_SW0', filter: 'i_39', span };
    const run = `LSSTCam/calib/DM-1/${i}`;
    certify(repository, [one], { run, collection: 'LSSTCam/calib/DM-1', nowMs: Date.now(), taiNs: 1n });
  });
  const times = [
    ['2025-12-31T23:59:30', '2026-01-01T00:00:00'],
    ['2026-01-01T00:00:00', '2026-01-01T00:00:30'],
    ['2027-01-01T00:00:00', '2027-01-01T00:00:30'],
  ] as const;
  const all = await ask<Record<string, string | null>[]>('find', root, ...times.flat());
  for (const [i, [begin, end]] of times.entries()) {
    const theirs = all[i] ?? {};
    for (const type of ['bias', 'dark', 'flat']) {
      const dataId = { instrument: 'LSSTCam', detector: 203, physical_filter: 'i_39' };
      const span = { begin: time(begin), end: time(end) };
      const ours = findDataset(repository, type, dataId, ['LSSTCam/calib'], span);
      t.equal(ours === null ? null : dashed(ours), theirs[type], `${type} ${begin}`);
    }
  }

  const mirrored = join(folder, 'mirrored');
  createRepository(mirrored);
  const mirror = new Repository(mirrored);
  t.teardown(() => mirror.close());
  await mirrorCalibrations(mirror, repository, { from: [], detectors: [], taiNs: 1n }, async () => false);
  t.same(
    await ask('find', mirrored, ...times.flat()),
    all,
    'the same ones in a repository that took them over',
  );
});
