// SPDX-License-Identifier: Apache-2.0
// Collections, dataset types and datasets of a repository, row by row as lsst.daf.butler writes them. Every method that
// writes belongs inside `database.write`; what is remembered here is forgotten when a transaction fails (`forget`).

import type { Statement } from 'better-sqlite3';
import { AgentError } from '../model/errors.js';
import type { RepositoryDatabase } from './database.js';
import type { DatasetType } from './dataset-types.js';
import { datastoreName, recordsTable } from './layout.js';
import { calibsTable, isKnownDimension, tagsTable } from './schema.js';

export const CollectionType = { run: 1, tagged: 2, chained: 3, calibration: 4 } as const;
export type CollectionKind = (typeof CollectionType)[keyof typeof CollectionType];

export interface Collection {
  readonly id: number;
  readonly name: string;
  readonly type: CollectionKind;
}

export interface KnownType {
  readonly id: number;
  readonly name: string;
  readonly storageClass: string;
  readonly dimensions: readonly string[];
  readonly tags: string;
  readonly calibs: string | null;
}

export type DataId = Readonly<Record<string, string | number>>;

export interface NewDataset {
  readonly uuid: string;
  readonly type: KnownType;
  readonly run: Collection;
  readonly dataId: DataId;
  readonly ingestTaiNs: bigint;
  /** relative to the root, or a URI */
  readonly path: string;
  readonly formatter: string;
  readonly bytes: number;
}

/** What the registry has of a dataset's UUID. */
export interface KnownDataset {
  readonly registered: boolean;
  /** null: it has no file, or had one */
  readonly path: string | null;
  /** its file is in the trash */
  readonly trashed: boolean;
}

export interface StoredFile {
  readonly uuid: string;
  readonly path: string;
  readonly bytes: number | null;
  readonly formatter: string;
}

interface TypeRow {
  readonly id: number;
  readonly name: string;
  readonly storage_class: string;
  readonly dimensions_key: number;
  readonly tag_association_table: string;
  readonly calibration_association_table: string | null;
}

/** `instrument=LSSTCam, detector=203, exposure=...` for people. */
export function showDataId(dataId: DataId): string {
  return Object.entries(dataId)
    .map(([name, value]) => `${name}=${value}`)
    .join(', ');
}

export class Registry {
  readonly #db: RepositoryDatabase;
  readonly #statements = new Map<string, Statement>();
  readonly #collections = new Map<string, Collection>();
  readonly #types = new Map<string, KnownType>();
  readonly #summaries = new Set<string>();
  readonly #detectors = new Map<string, number>();
  #version: unknown = null;

  constructor(db: RepositoryDatabase) {
    this.#db = db;
  }

  /** What was remembered may never have been written, or be somebody else's work by now. */
  forget(): void {
    this.#collections.clear();
    this.#types.clear();
    this.#summaries.clear();
    this.#statements.clear();
  }

  /** In a transaction: what somebody else wrote since the last one counts. */
  refresh(): void {
    const version = this.sql('PRAGMA data_version').pluck().get();
    if (version === this.#version) return;
    this.#collections.clear();
    this.#types.clear();
    this.#summaries.clear();
    this.#version = version;
  }

  /** A statement that is prepared once. */
  sql<P extends unknown[] = unknown[], R = unknown>(text: string): Statement<P, R> {
    const ready = this.#statements.get(text) ?? this.#db.prepare(text);
    this.#statements.set(text, ready);
    return ready as Statement<P, R>;
  }

  /** Number of a detector by its full name; null: it is not registered. */
  detector(instrument: string, name: string): number | null {
    const key = `${instrument} ${name}`;
    const known = this.#detectors.get(key);
    if (known !== undefined) return known;
    const row = this.sql<[string, string], { id: number }>(
      'SELECT id FROM detector WHERE instrument = ? AND full_name = ?',
    ).get(instrument, name);
    if (!row) return null;
    this.#detectors.set(key, row.id);
    return row.id;
  }

  collection(name: string): Collection | null {
    const known = this.#collections.get(name);
    if (known) return known;
    const row = this.sql<[string], { collection_id: number; type: CollectionKind }>(
      'SELECT collection_id, type FROM collection WHERE name = ?',
    ).get(name);
    if (!row) return null;
    const found = { id: row.collection_id, name, type: row.type };
    this.#collections.set(name, found);
    return found;
  }

  ensureCollection(name: string, type: CollectionKind): Collection {
    const known = this.collection(name);
    if (known) {
      if (known.type === type) return known;
      throw new AgentError(
        'butler_conflict',
        `collection ${name}: expected type ${type}, got ${known.type} (1 run, 2 tagged, 3 chained, 4 calibration)`,
      );
    }
    const { lastInsertRowid } = this.sql('INSERT INTO collection (name, type) VALUES (?, ?)').run(name, type);
    const made = { id: Number(lastInsertRowid), name, type };
    if (type === CollectionType.run) this.sql('INSERT INTO run (collection_id) VALUES (?)').run(made.id);
    this.#collections.set(name, made);
    return made;
  }

  /** Children of a chain, in the order of the search. */
  children(chain: Collection): readonly Collection[] {
    return this.sql<[number], Collection>(
      `SELECT c.collection_id AS id, c.name, c.type FROM collection_chain AS l
       JOIN collection AS c ON c.collection_id = l.child WHERE l.parent = ? ORDER BY l.position`,
    ).all(chain.id);
  }

  setChildren(chain: Collection, children: readonly Collection[]): void {
    this.sql('DELETE FROM collection_chain WHERE parent = ?').run(chain.id);
    children.forEach((child, position) => {
      this.sql('INSERT INTO collection_chain (parent, position, child) VALUES (?, ?, ?)').run(
        chain.id,
        position,
        child.id,
      );
    });
  }

  /** Runs, tagged and calibration collections in the order in which they are searched; each once. */
  flattened(names: readonly string[]): Collection[] {
    const out = new Map<number, Collection>();
    const walk = (collection: Collection): void => {
      if (collection.type !== CollectionType.chained)
        out.set(collection.id, out.get(collection.id) ?? collection);
      else for (const child of this.children(collection)) walk(child);
    };
    for (const name of names) {
      const collection = this.collection(name);
      if (!collection)
        throw new AgentError('butler', `expected a collection, got ${name}, which does not exist`);
      walk(collection);
    }
    return [...out.values()];
  }

  type(name: string): KnownType | null {
    const known = this.#types.get(name);
    if (known) return known;
    const row = this.sql<[string], TypeRow>('SELECT * FROM dataset_type WHERE name = ?').get(name);
    if (!row) return null;
    const found: KnownType = {
      id: row.id,
      name,
      storageClass: row.storage_class,
      dimensions: this.#dimensionsOf(row.dimensions_key),
      tags: row.tag_association_table,
      calibs: row.calibration_association_table,
    };
    this.#types.set(name, found);
    return found;
  }

  types(): KnownType[] {
    return this.sql<[], { name: string }>('SELECT name FROM dataset_type ORDER BY name')
      .all()
      .flatMap(({ name }) => this.type(name) ?? []);
  }

  ensureType(wanted: DatasetType): KnownType {
    const known = this.type(wanted.name);
    if (known) {
      const same =
        known.storageClass === wanted.storageClass &&
        [...known.dimensions].sort().join() === [...wanted.dimensions].sort().join();
      if (same) return known;
      throw new AgentError(
        'butler_conflict',
        `dataset type ${wanted.name}: expected ${wanted.storageClass} {${wanted.dimensions.join(', ')}}, got ${known.storageClass} {${known.dimensions.join(', ')}}`,
      );
    }
    const key = this.#graph(wanted.dimensions);
    const number = String(key).padStart(8, '0');
    const tags = this.#table(`dataset_tags_${number}`, wanted.dimensions, tagsTable);
    const calibs = wanted.isCalibration
      ? this.#table(`dataset_calibs_${number}`, wanted.dimensions, calibsTable)
      : null;
    const { name, storageClass, dimensions } = wanted;
    const { lastInsertRowid } = this.sql(
      `INSERT INTO dataset_type (name, storage_class, dimensions_key, tag_association_table, calibration_association_table)
       VALUES (?, ?, ?, ?, ?)`,
    ).run(name, storageClass, key, tags, calibs);
    const made = { id: Number(lastInsertRowid), name, storageClass, dimensions, tags, calibs };
    this.#types.set(name, made);
    return made;
  }

  /** Says that a collection holds datasets of this type and instrument: association rows point there. */
  summarise(collection: Collection, type: KnownType, instrument: string): void {
    const key = `${collection.id} ${type.id} ${instrument}`;
    if (this.#summaries.has(key)) return;
    this.sql('INSERT OR IGNORE INTO collection_summary_dataset_type VALUES (?, ?)').run(
      collection.id,
      type.id,
    );
    this.sql('INSERT OR IGNORE INTO collection_summary_instrument VALUES (?, ?)').run(
      collection.id,
      instrument,
    );
    this.#summaries.add(key);
  }

  insert(dataset: NewDataset): void {
    this.insertAll([dataset]);
  }

  /** Table by table, in the order of the keys: each page of an index is touched once. */
  insertAll(datasets: readonly NewDataset[]): void {
    const groups = new Map<string, NewDataset[]>();
    for (const one of datasets) {
      const key = `${one.type.id} ${one.run.id} ${one.ingestTaiNs}`;
      const group = groups.get(key);
      if (group) group.push(one);
      else groups.set(key, [one]);
    }
    for (const group of groups.values()) this.#insertGroup(group);
  }

  /** All of one type, run and time. */
  #insertGroup(datasets: readonly NewDataset[]): void {
    const sorted = datasets.toSorted((a, b) => (a.uuid < b.uuid ? -1 : 1));
    const [first] = sorted;
    if (!first) return;
    const { type, run, ingestTaiNs } = first;
    for (const instrument of new Set(sorted.map(({ dataId }) => String(dataId.instrument))))
      this.summarise(run, type, instrument);
    const ids = JSON.stringify(sorted.map(({ uuid }) => uuid));
    this.sql('INSERT INTO dataset SELECT value, ?, ?, ? FROM json_each(?)').run(
      type.id,
      ingestTaiNs,
      run.id,
      ids,
    );
    const tag = this.sql(
      `INSERT INTO ${type.tags} (dataset_type_id, dataset_id, collection_id, ${type.dimensions.join(', ')})
       VALUES (?, ?, ?${', ?'.repeat(type.dimensions.length)})`,
    );
    for (const { uuid, dataId } of sorted)
      tag.run(type.id, uuid, run.id, ...type.dimensions.map((name) => dataId[name]));
    this.insertFiles(sorted);
  }

  /** Where the files of datasets lie that are registered. */
  insertFiles(datasets: readonly NewDataset[]): void {
    const ids = JSON.stringify(datasets.map(({ uuid }) => uuid));
    this.sql('INSERT INTO dataset_location SELECT ?, value FROM json_each(?)').run(datastoreName, ids);
    const record = this.sql(`INSERT INTO ${recordsTable} VALUES (?, ?, ?, ?, '__NULL_STRING__', NULL, ?)`);
    for (const { uuid, path, formatter, type, bytes } of datasets)
      record.run(uuid, path, formatter, type.storageClass, bytes);
  }

  /** Of those that it has anything of. */
  known(uuids: readonly string[]): ReadonlyMap<string, KnownDataset> {
    const rows = this.sql<
      [string, string],
      { uuid: string; there: number; located: number; path: string | null }
    >(
      `SELECT w.value AS uuid, d.id IS NOT NULL AS there, l.dataset_id IS NOT NULL AS located, f.path FROM json_each(?) AS w
       LEFT JOIN dataset AS d ON d.id = w.value LEFT JOIN ${recordsTable} AS f ON f.dataset_id = w.value
       LEFT JOIN dataset_location AS l ON l.datastore_name = ? AND l.dataset_id = w.value
       WHERE d.id IS NOT NULL OR f.path IS NOT NULL`,
    ).all(JSON.stringify(uuids), datastoreName);
    return new Map(
      rows.map(({ uuid, there, located, path }) => {
        const isLocated = located === 1;
        const known = {
          registered: there === 1,
          path: isLocated ? path : null,
          trashed: path !== null && !isLocated,
        };
        return [uuid, known];
      }),
    );
  }

  /** null: there is no such dataset, or it has no file. */
  file(uuid: string): StoredFile | null {
    const row = this.sql<[string], StoredFile>(
      `SELECT f.dataset_id AS uuid, f.path, f.file_size AS bytes, f.formatter FROM ${recordsTable} AS f
       JOIN dataset AS d ON d.id = f.dataset_id WHERE f.dataset_id = ?`,
    ).get(uuid);
    return row ?? null;
  }

  #dimensionsOf(key: number): string[] {
    const names = this.sql<[number], { dimension_name: string }>(
      'SELECT dimension_name FROM dimension_graph_definition WHERE dimension_graph_id = ?',
    )
      .all(key)
      .map(({ dimension_name }) => dimension_name);
    const order = ['instrument', 'detector', 'physical_filter', 'exposure'];
    return names.sort((a, b) => order.indexOf(a) - order.indexOf(b));
  }

  /** Number of a group of dimensions. */
  #graph(dimensions: readonly string[]): number {
    const unknown = dimensions.find((name) => !isKnownDimension(name));
    if (unknown !== undefined) throw new Error(`dimension ${unknown} is not one this agent writes`);
    const wanted = [...dimensions].sort().join();
    const keys = this.sql<[], { id: number }>('SELECT id FROM dimension_graph_key').all();
    const same = keys.find(({ id }) => this.#dimensionsOf(id).sort().join() === wanted);
    if (same) return same.id;
    const { lastInsertRowid } = this.sql('INSERT INTO dimension_graph_key DEFAULT VALUES').run();
    for (const name of dimensions)
      this.sql('INSERT INTO dimension_graph_definition VALUES (?, ?)').run(lastInsertRowid, name);
    return Number(lastInsertRowid);
  }

  #table(
    name: string,
    dimensions: readonly string[],
    make: (table: string, dimensions: readonly string[]) => string[],
  ): string {
    const there = this.sql<[string], unknown>(
      "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?",
    );
    if (there.get(name) === undefined)
      for (const statement of make(name, dimensions)) this.#db.exec(statement);
    return name;
  }
}
