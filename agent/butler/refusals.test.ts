// SPDX-License-Identifier: Apache-2.0
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import t from 'tap';
import { createRepository } from './create.js';
import { configurationName, databaseName } from './layout.js';
import { Repository } from './repository.js';

const folder = mkdtempSync(join(tmpdir(), 'butler-'));
const model = join(folder, 'model');
createRepository(model);
t.teardown(() => rmSync(folder, { recursive: true }));
let copies = 0;

function copied(): string {
  const root = join(folder, `copy-${copies++}`);
  cpSync(model, root, { recursive: true });
  return root;
}

/** A copy with its attributes changed, and what opening it does. */
function mutated(sql: string): { readonly open: () => void; readonly same: () => boolean } {
  const root = copied();
  const path = join(root, databaseName);
  const db = new Database(path);
  db.exec(sql);
  db.close();
  const before = readFileSync(path);
  return {
    open: () => new Repository(root).close(),
    same: () => before.equals(readFileSync(path)),
  };
}

const set = (name: string, value: string) =>
  `UPDATE butler_attributes SET value = '${value}' WHERE name LIKE '${name}'`;

t.test('a repository that is not known is refused before a byte is written', async (t) => {
  const mutations: Record<string, readonly [string, RegExp]> = {
    'universe 9': [
      "UPDATE butler_attributes SET value = json_set(value, '$.version', 9) WHERE name = 'config:dimensions.json'",
      /universe: expected daf_butler 7 or 8, got daf_butler 9/,
    ],
    'another namespace': [
      "UPDATE butler_attributes SET value = json_set(value, '$.namespace', 'other') WHERE name = 'config:dimensions.json'",
      /got other 7/,
    ],
    'datasets 2.1.0': [set('version:%byDimensions%', '2.1.0'), /datasets: expected 2.0.0, got 2.1.0/],
    'dimensions 7.0.0': [set('version:%static%', '7.0.0'), /dimensions: expected 6.0.2, got 7.0.0/],
    'a manager missing': [
      "DELETE FROM butler_attributes WHERE name = 'config:registry.managers.opaque'",
      /manager of opaque.*got nothing/,
    ],
    'a manager too many': [
      "INSERT INTO butler_attributes VALUES ('config:registry.managers.obscore', 'x')",
      /no more managers/,
    ],
    'no attributes': ['DROP TABLE butler_attributes', /problems/],
  };
  for (const [name, [sql, message]] of Object.entries(mutations)) {
    const { open, same } = mutated(sql);
    t.throws(open, { code: 'butler', message }, name);
    t.ok(same(), `${name}: nothing is written`);
  }
  const patch = mutated(set('version:%static%', '6.0.9'));
  patch.open();
});

t.test('what is no repository, is damaged or is elsewhere is told in a sentence', async (t) => {
  const open = (root: string) => () => new Repository(root).close();
  t.throws(open(join(folder, 'absent')), { code: 'butler', message: /expected a directory, got none/ });
  t.throws(open(folder), { code: 'butler', message: /expected butler.yaml in it/ });
  const elsewhere = copied();
  const text = readFileSync(join(elsewhere, configurationName), 'utf8');
  writeFileSync(join(elsewhere, configurationName), text.replace(/db: .*/, 'db: postgresql://host/db'));
  t.throws(open(elsewhere), { message: /registry.db: expected sqlite.*got postgresql/ });
  const named = copied();
  writeFileSync(join(named, configurationName), text.replace('datastore:\n', 'datastore:\n  name: ours\n'));
  t.throws(open(named), { message: /datastore.name: expected FileDatastore@<butlerRoot>, got ours/ });
  const damaged = copied();
  writeFileSync(join(damaged, databaseName), 'this is no database, whatever its name says'.repeat(100));
  t.throws(open(damaged), { code: 'butler', message: /damaged/ });
  const empty = copied();
  rmSync(join(empty, databaseName));
  t.throws(open(empty), { message: /expected gen3.sqlite3 in it/ });
});

t.test('a repository is not made over another one', async (t) => {
  t.throws(() => createRepository(copied()), { code: 'butler', message: /a repository already/ });
  const half = copied();
  rmSync(join(half, configurationName));
  t.throws(() => createRepository(half), { message: /expected no gen3.sqlite3/ });
});

t.test('a lock that somebody keeps is told after the time that was given', async (t) => {
  const root = copied();
  const repository = new Repository(root, { busyMs: 20 });
  const other = new Database(join(root, databaseName));
  t.teardown(() => {
    other.close();
    repository.close();
  });
  other.exec('BEGIN IMMEDIATE');
  const write = () => repository.db.write(() => repository.registry.ensureCollection('u/test', 1));
  t.throws(write, { code: 'butler_busy', message: /somebody else has held its lock/ });
  other.exec('ROLLBACK');
  t.equal(write().name, 'u/test');
});

t.test('a repository that cannot be written is told, and can be read', async (t) => {
  const root = copied();
  const repository = new Repository(root, { readOnly: true });
  t.teardown(() => repository.close());
  t.ok(repository.registry.collection('LSSTCam/raw/all'));
  const write = () => repository.db.write(() => repository.registry.ensureCollection('u/test', 1));
  t.throws(write, { code: 'butler', message: /cannot be written/ });
});

t.test('a full disk is told, and the rows before it stay', async (t) => {
  const root = copied();
  const repository = new Repository(root);
  t.teardown(() => repository.close());
  const { db, registry } = repository;
  db.write(() => registry.ensureCollection('u/kept', 1));
  const pages = db.pragma('page_count') as { page_count: number }[];
  db.pragma(`max_page_count = ${pages[0]?.page_count}`);
  const fill = () =>
    db.write(() => {
      for (let i = 0; i < 100_000; i++) registry.ensureCollection(`u/test/${i}`, 1);
    });
  t.throws(fill, { code: 'butler', message: /disk is full/ });
  registry.forget();
  t.ok(registry.collection('u/kept'));
  t.equal(registry.collection('u/test/0'), null);
});

t.test(
  'what a crash left in the middle of a transaction is rolled back by the next that may write',
  async (t) => {
    const root = copied();
    const path = join(root, databaseName);
    const db = new Database(path);
    db.pragma('cache_size = 1');
    db.exec('BEGIN IMMEDIATE');
    const insert = db.prepare('INSERT INTO collection (name, type) VALUES (?, 1)');
    for (let i = 0; i < 5000; i++) insert.run(`u/crash/${i}`);
    const crashed = copied();
    // As after SIGKILL: pages of the transaction in the database, and its journal beside it.
    for (const name of [databaseName, `${databaseName}-journal`])
      cpSync(join(root, name), join(crashed, name));
    db.exec('ROLLBACK');
    db.close();
    t.throws(() => new Repository(crashed, { readOnly: true }), {
      code: 'butler',
      message: /crash left a transaction/,
    });
    const repository = new Repository(crashed);
    t.teardown(() => repository.close());
    t.equal(repository.registry.collection('u/crash/0'), null);
    t.match(repository.db.pragma('integrity_check'), [{ integrity_check: 'ok' }]);
  },
);
