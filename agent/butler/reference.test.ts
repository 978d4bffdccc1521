// SPDX-License-Identifier: Apache-2.0
// A new repository beside one that lsst.daf.butler made (SQL dumps of the shared data).
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import Database from 'better-sqlite3';
import t from 'tap';
import { createRepository } from './create.js';
import { configurationText, databaseName } from './layout.js';

const folder = join(process.env.SUMMIT_REAL_DATA ?? '../shared/data/real', '..', 'butler-reference');
const skip = existsSync(folder) ? false : `no reference dumps in ${folder}`;

/** A dump as a database in memory. */
function loaded(name: string): Database.Database {
  const db = new Database(':memory:');
  db.exec(gunzipSync(readFileSync(join(folder, name))).toString());
  return db;
}

function created(): Database.Database {
  const root = join(mkdtempSync(join(tmpdir(), 'butler-')), 'repo');
  createRepository(root);
  return new Database(join(root, databaseName), { readonly: true });
}

/** Statements that made it, without their order and layout. */
function schemaOf(db: Database.Database): string[] {
  const rows = db
    .prepare("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'")
    .all();
  return rows.map((row) => (row as { sql: string }).sql.replace(/\s+/g, ' ')).sort();
}

function rowsOf(db: Database.Database, sql: string): string[] {
  return db
    .prepare(sql)
    .safeIntegers(true)
    .raw(true)
    .all()
    .map((row) => JSON.stringify(row, (_, v) => (typeof v === 'bigint' ? String(v) : v)))
    .sort();
}

/** The universe without its prose. */
function universeOf(db: Database.Database): unknown {
  const row = db.prepare("SELECT value FROM butler_attributes WHERE name = 'config:dimensions.json'").get();
  return JSON.parse((row as { value: string }).value, (key, value) => (key === 'doc' ? undefined : value));
}

t.test('a new repository has the tables, indexes and instruments of lsst.daf.butler', { skip }, async (t) => {
  const [ours, theirs] = [created(), loaded('ingested-universe7.sql.gz')];
  t.same(schemaOf(ours), schemaOf(theirs));
  for (const table of ['instrument', 'detector', 'physical_filter', 'opaque_meta'])
    t.same(rowsOf(ours, `SELECT * FROM ${table}`), rowsOf(theirs, `SELECT * FROM ${table}`), table);
  const attributes = "SELECT * FROM butler_attributes WHERE name <> 'config:dimensions.json'";
  t.same(rowsOf(ours, attributes), rowsOf(theirs, attributes));
  t.same(universeOf(ours), universeOf(theirs));
  t.equal(configurationText(), readFileSync(join(folder, 'butler.yaml'), 'utf8'));
  t.same(ours.pragma('integrity_check', { simple: true }), 'ok');
  t.same(ours.pragma('foreign_key_check'), []);
});
