// SPDX-License-Identifier: Apache-2.0
// What makes a directory a repository that this agent may write to: its configuration, the versions in its database, and
// the refusal of everything else. lsst.daf.butler opens more than it can write correctly, so it is not relied on.

import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { type AgentError, refuseAll, sentenceOf } from '../model/errors.js';

export const databaseName = 'gen3.sqlite3';
export const configurationName = 'butler.yaml';

interface Manager {
  readonly name: string;
  /** as butler.yaml has it */
  readonly cls: string;
  /** as the database has it, where that differs */
  readonly stored?: string;
  readonly version: string;
}

const registry = 'lsst.daf.butler.registry';

export const managers: readonly Manager[] = [
  {
    name: 'attributes',
    cls: `${registry}.attributes.DefaultButlerAttributeManager`,
    version: '1.0.1',
  },
  {
    name: 'collections',
    cls: `${registry}.collections.synthIntKey.SynthIntKeyCollectionManager`,
    version: '2.0.0',
  },
  {
    name: 'datasets',
    cls: `${registry}.datasets.byDimensions.ByDimensionsDatasetRecordStorageManagerUUID`,
    stored: `${registry}.datasets.byDimensions._manager.ByDimensionsDatasetRecordStorageManagerUUID`,
    version: '2.0.0',
  },
  {
    name: 'datastores',
    cls: `${registry}.bridge.monolithic.MonolithicDatastoreRegistryBridgeManager`,
    version: '0.2.1',
  },
  {
    name: 'dimensions',
    cls: `${registry}.dimensions.static.StaticDimensionRecordStorageManager`,
    version: '6.0.2',
  },
  { name: 'opaque', cls: `${registry}.opaque.ByNameOpaqueTableStorageManager`, version: '0.2.0' },
];

const datastoreClass = 'lsst.daf.butler.datastores.fileDatastore.FileDatastore';
export const recordsTable = 'file_datastore_records';
/** Of the one datastore, in the rows; the letters stand there as they are. */
export const datastoreName = 'FileDatastore@<butlerRoot>';

export function configurationText(): string {
  const lines = managers.map(({ name, cls }) => `    ${name}: ${cls}`);
  return `datastore:
  cls: ${datastoreClass}
  records:
    table: ${recordsTable}
  root: <butlerRoot>
registry:
  db: sqlite:///<butlerRoot>/${databaseName}
  managers:
${lines.join('\n')}
`;
}

/** Rows of butler_attributes that name the managers. */
export function managerAttributes(): (readonly [string, string])[] {
  return managers.flatMap(({ name, cls, stored = cls, version }) => [
    [`config:registry.managers.${name}`, stored] as const,
    [`version:${stored}`, version] as const,
  ]);
}

function refuse(root: string, problems: readonly string[]): AgentError {
  return refuseAll('butler', `${root} is no repository that this agent can use`, problems);
}

function at(value: unknown, ...keys: readonly string[]): unknown {
  let here = value;
  for (const key of keys) {
    if (typeof here !== 'object' || here === null) return undefined;
    here = (here as Record<string, unknown>)[key];
  }
  return here;
}

function expectText(problems: string[], what: string, expected: string, got: unknown): void {
  if (got !== expected) problems.push(`${what}: expected ${expected}, got ${String(got ?? 'nothing')}`);
}

/** Reads butler.yaml; the path of the database. Refuses (`butler`) anything that is not a repository of ours. */
export function checkConfiguration(root: string): string {
  const path = join(root, configurationName);
  if (!statSync(root, { throwIfNoEntry: false })?.isDirectory())
    throw refuse(root, ['expected a directory, got none; summit-agent butler create makes a repository']);
  if (!existsSync(path))
    throw refuse(root, [
      `expected ${configurationName} in it, got none; summit-agent butler create makes one`,
    ]);
  let configuration: unknown;
  try {
    configuration = parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw refuse(root, [`${configurationName} cannot be read: ${sentenceOf(error)}`]);
  }
  const problems: string[] = [];
  expectText(problems, 'datastore.cls', datastoreClass, at(configuration, 'datastore', 'cls'));
  expectText(problems, 'datastore.root', '<butlerRoot>', at(configuration, 'datastore', 'root'));
  const name = at(configuration, 'datastore', 'name');
  if (name !== undefined) expectText(problems, 'datastore.name', datastoreName, name);
  expectText(
    problems,
    'datastore.records.table',
    recordsTable,
    at(configuration, 'datastore', 'records', 'table'),
  );
  expectText(
    problems,
    'registry.db',
    `sqlite:///<butlerRoot>/${databaseName}`,
    at(configuration, 'registry', 'db'),
  );
  for (const { name, cls, stored } of managers) {
    const got = at(configuration, 'registry', 'managers', name);
    if (got !== stored) expectText(problems, `registry.managers.${name}`, cls, got);
  }
  if (problems.length > 0) throw refuse(root, problems);
  const database = join(root, databaseName);
  if (!existsSync(database)) throw refuse(root, [`expected ${databaseName} in it, got none`]);
  return database;
}

function sameMinor(expected: string, got: string): boolean {
  const short = (version: string) => version.split('.').slice(0, 2).join('.');
  return short(expected) === short(got);
}

/** Refuses (`butler`) a universe or a manager whose rows this agent does not know; the universe's version. */
export function checkAttributes(root: string, attributes: ReadonlyMap<string, string>): number {
  const problems: string[] = [];
  for (const { name, cls, stored = cls, version } of managers) {
    expectText(problems, `manager of ${name}`, stored, attributes.get(`config:registry.managers.${name}`));
    const got = attributes.get(`version:${stored}`) ?? 'nothing';
    if (!sameMinor(version, got))
      problems.push(`version of the manager of ${name}: expected ${version}, got ${got}`);
  }
  const known = new Set(managerAttributes().map(([name]) => name));
  for (const name of attributes.keys())
    if (/^(config:registry\.managers\.|version:)/.test(name) && !known.has(name))
      problems.push(`expected no more managers, got ${name}`);
  let universe: unknown;
  try {
    universe = JSON.parse(attributes.get('config:dimensions.json') ?? 'null');
  } catch (error) {
    problems.push(`config:dimensions.json cannot be read: ${sentenceOf(error)}`);
  }
  const [namespace, version] = [at(universe, 'namespace'), at(universe, 'version')];
  if (namespace !== 'daf_butler' || (version !== 7 && version !== 8))
    problems.push(
      `dimension universe: expected daf_butler 7 or 8, got ${String(namespace ?? 'none')} ${String(version ?? '')}`.trimEnd(),
    );
  if (problems.length > 0) throw refuse(root, problems);
  return version === 7 ? 7 : 8;
}
