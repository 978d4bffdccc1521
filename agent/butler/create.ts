// SPDX-License-Identifier: Apache-2.0
// Makes a repository: universe 7, which every lsst.daf.butler from 27.0 on opens, with the two cameras, the dataset types
// of this agent and the observatory's names of collections.

import { existsSync, linkSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { AgentError, sentenceOf } from '../model/errors.js';
import { RepositoryDatabase } from './database.js';
import {
  calibChain,
  defaultsChain,
  guiderRawType,
  guiderRun,
  outputTypes,
  rawRun,
  rawType,
} from './dataset-types.js';
import { universe7 } from './dimensions.js';
import { isAlive, makeFolders, syncFolder, writeWhole } from './durable.js';
import { exposureMax, type InstrumentTable, instrumentTables, visitSystem } from './instruments.js';
import {
  configurationName,
  configurationText,
  databaseName,
  managerAttributes,
  recordsTable,
} from './layout.js';
import { CollectionType, Registry } from './registry.js';
import type { Repository } from './repository.js';
import { statementsOf } from './schema.js';
import { universe7Tables } from './schema-tables.js';

/** Not whole: also the journal of one. */
const partName = /^gen3\.sqlite3\.(\d+)\.part/;

function registerInstrument(registry: Registry, table: InstrumentTable): void {
  const { name, detectorMax, className, detectors, filters } = table;
  registry
    .sql('INSERT INTO instrument VALUES (?, ?, ?, ?, ?, ?)')
    .run(name, exposureMax, visitSystem, exposureMax, detectorMax, className);
  for (const { id, fullName, nameInRaft, raft, purpose } of detectors)
    registry
      .sql('INSERT INTO detector VALUES (?, ?, ?, ?, ?, ?)')
      .run(name, id, fullName, nameInRaft, raft, purpose);
  for (const [filter, band] of filters)
    registry.sql('INSERT INTO physical_filter VALUES (?, ?, ?)').run(name, filter, band);
}

/** Rows as a site has them: detectors and filters of its release. */
function importInstruments(registry: Registry, source: Repository): void {
  const names = instrumentTables.map(({ name }) => name);
  const places = names.map(() => '?').join(', ');
  for (const [table, column] of [
    ['instrument', 'name'],
    ['detector', 'instrument'],
    ['physical_filter', 'instrument'],
  ] as const) {
    const rows = source.db.read(() =>
      source.registry
        .sql<string[], Readonly<Record<string, unknown>>>(
          `SELECT * FROM ${table} WHERE ${column} IN (${places})`,
        )
        .safeIntegers(true)
        .all(...names),
    );
    if (table === 'instrument' && rows.length < names.length)
      throw new AgentError('butler', `${source.root}: expected ${names.join(' and ')} registered there`);
    for (const row of rows) {
      const columns = Object.keys(row).map((name) => `"${name}"`);
      const values = columns.map(() => '?').join(', ');
      registry
        .sql(`INSERT INTO ${table} (${columns.join(', ')}) VALUES (${values})`)
        .run(...Object.values(row));
    }
  }
}

function makeCollections(registry: Registry, instrument: string): void {
  const { run, chained } = CollectionType;
  const runs = [rawRun(instrument)];
  if (instrument === 'LSSTCam') runs.push(guiderRun(instrument));
  const children = runs.map((name) => registry.ensureCollection(name, run));
  children.push(registry.ensureCollection(calibChain(instrument), chained));
  registry.setChildren(registry.ensureCollection(defaultsChain(instrument), chained), children);
}

function fill(db: RepositoryDatabase, site: Repository | null): void {
  const registry = new Registry(db);
  db.write(() => {
    for (const statement of statementsOf(universe7Tables)) db.exec(statement);
    const attributes = [
      ...managerAttributes(),
      ['config:dimensions.json', JSON.stringify(universe7())] as const,
    ];
    for (const [name, value] of attributes)
      registry.sql('INSERT INTO butler_attributes VALUES (?, ?)').run(name, value);
    registry.sql('INSERT INTO opaque_meta VALUES (?)').run(recordsTable);
    if (site) importInstruments(registry, site);
    else for (const table of instrumentTables) registerInstrument(registry, table);
    for (const type of [rawType, guiderRawType, ...outputTypes]) registry.ensureType(type);
    for (const { name } of instrumentTables) makeCollections(registry, name);
  });
}

export function isRepository(root: string): boolean {
  return existsSync(join(root, configurationName));
}

/** One whose making was not finished is none that can be opened. */
export function isWholeRepository(root: string): boolean {
  return isRepository(root) && existsSync(join(root, databaseName));
}

/** Two may make one at the same time: the first has it. */
function giveName(part: string, database: string): void {
  try {
    linkSync(part, database);
    rmSync(part);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code === 'EEXIST') throw new AgentError('butler', `${dirname(database)} is a repository already`);
    // A file system without hard links.
    renameSync(part, database);
  }
}

/** Of a process that was killed. */
function removeAbandonedParts(root: string): void {
  for (const name of readdirSync(root)) {
    const pid = partName.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) rmSync(join(root, name), { force: true });
  }
}

/**
 * Makes one in `root`, which may exist; `site` is another whose detectors and filters it gets in place of ours. Refuses
 * (`butler`) a directory that is one already.
 */
export function createRepository(root: string, site: Repository | null = null): void {
  const configuration = join(root, configurationName);
  const database = join(root, databaseName);
  if (existsSync(configuration) && existsSync(database))
    throw new AgentError('butler', `${root} is a repository already`);
  const part = `${database}.${process.pid}.part`;
  try {
    makeFolders(root);
    if (existsSync(database))
      throw new AgentError(
        'butler',
        `${root}: expected no ${databaseName} without ${configurationName}, got one`,
      );
    removeAbandonedParts(root);
    new Database(part).close();
    const db = new RepositoryDatabase(part);
    try {
      fill(db, site);
    } finally {
      db.close();
    }
    // The configuration first: a database that stands alone may be somebody else's.
    writeWhole(configuration, configurationText());
    giveName(part, database);
    syncFolder(root);
  } catch (error) {
    rmSync(part, { force: true });
    if (error instanceof AgentError) throw error;
    throw new AgentError('butler', `${root}: no repository can be made there: ${sentenceOf(error)}`, {
      cause: error,
    });
  }
}
