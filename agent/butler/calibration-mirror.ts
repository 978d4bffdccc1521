// SPDX-License-Identifier: Apache-2.0
// Calibrations of another repository: the same datasets, runs, collections, validity and order of search. Files are copied
// and verified first; then the collections here become what they are there, all at once.

import { existsSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { AgentError } from '../model/errors.js';
import type { OnProgress, Synced, SyncedCalibration } from './calibration-sync.js';
import { associate, chain } from './certify.js';
import { calibChain } from './dataset-types.js';
import { absolutePath, checksum, Folders } from './datastore.js';
import { IncomingFiles } from './incoming.js';
import { recordsTable } from './layout.js';
import { type Collection, CollectionType, type DataId, type KnownType, type Registry } from './registry.js';
import type { Repository } from './repository.js';
import { isKnownDimension } from './schema.js';
import { dashed } from './uuids.js';

export interface MirrorSettings {
  /** chains there; empty: INSTRUMENT/calib of each instrument */
  readonly from: readonly string[];
  /** only these detectors, by full name; empty: all */
  readonly detectors: readonly string[];
  readonly taiNs: bigint;
}

interface Row {
  readonly uuid: string;
  readonly run: string;
  readonly path: string | null;
  readonly formatter: string;
  readonly component: string;
  readonly begin: bigint;
  readonly end: bigint;
  readonly [dimension: string]: unknown;
}

/** One line of a calibration collection there. */
interface Certified {
  readonly uuid: string;
  readonly type: KnownType;
  readonly run: string;
  readonly dataId: DataId;
  readonly formatter: string;
  /** there */
  readonly file: string;
  /** here */
  readonly path: string;
  readonly collection: string;
  readonly begin: bigint;
  readonly end: bigint;
}

interface Content {
  readonly rows: readonly Certified[];
  readonly types: readonly KnownType[];
  readonly collections: readonly Collection[];
  /** in the order of the search, by instrument */
  readonly chains: ReadonlyMap<string, readonly Collection[]>;
  readonly leftOut: readonly string[];
}

function rowsOf(source: Repository, type: KnownType, collection: Collection, calibs: string): Row[] {
  return source.registry
    .sql<unknown[], Row>(
      `SELECT c.*, c.dataset_id AS uuid, r.name AS run, f.path, f.formatter, f.component,
              c.timespan_begin AS begin, c.timespan_end AS end
       FROM ${calibs} AS c JOIN dataset AS d ON d.id = c.dataset_id JOIN collection AS r ON r.collection_id = d.run_id
       LEFT JOIN ${recordsTable} AS f ON f.dataset_id = c.dataset_id
       WHERE c.dataset_type_id = ? AND c.collection_id = ?`,
    )
    .safeIntegers(true)
    .all(type.id, collection.id);
}

function dataIdOf(type: KnownType, row: Row): DataId {
  return Object.fromEntries(
    type.dimensions.map((name) => {
      const value = row[name];
      return [name, typeof value === 'bigint' ? Number(value) : String(value)];
    }),
  );
}

function detectorNames(registry: Registry): ReadonlyMap<string, string> {
  const rows = registry
    .sql<[], { instrument: string; id: number; full_name: string }>(
      'SELECT instrument, id, full_name FROM detector',
    )
    .all();
  return new Map(rows.map(({ instrument, id, full_name }) => [`${instrument} ${id}`, full_name]));
}

/** Its path there where that is one below the root; a file that lies elsewhere gets one by its run. */
function pathHere(path: string, type: string, run: string): string {
  const isInside =
    !/^[a-z][a-z0-9+.-]*:/.test(path) && !path.startsWith('/') && !path.split('/').includes('..');
  return isInside ? path : join(run, type, basename(path));
}

/** Refuses (`butler_conflict`) what would take the place of another dataset. */
function checkPlaces({ db, registry }: Repository, fresh: readonly Certified[]): void {
  const taken = db.read(() =>
    registry
      .sql<[string], { path: string; uuid: string }>(
        `SELECT path, dataset_id AS uuid FROM ${recordsTable} WHERE path IN (SELECT value FROM json_each(?))`,
      )
      .all(JSON.stringify(fresh.map(({ path }) => path))),
  );
  const owners = new Map(taken.map(({ path, uuid }) => [path, uuid]));
  for (const { uuid, path, type } of fresh) {
    const owner = owners.get(path);
    if (owner === undefined || owner === uuid) owners.set(path, uuid);
    else
      throw new AgentError(
        'butler_conflict',
        `${type.name} ${dashed(uuid)}: ${path} is the file of ${dashed(owner)}`,
      );
  }
}

function contentOf(source: Repository, { from, detectors }: MirrorSettings): Content {
  const { db, registry, root } = source;
  return db.read(() => {
    const instruments = registry
      .sql<[], { name: string }>('SELECT name FROM instrument ORDER BY name')
      .all()
      .map(({ name }) => name);
    const there = (name: string) => registry.collection(name) !== null;
    const names = from.length > 0 ? from : instruments.map(calibChain).filter(there);
    const flat = registry.flattened(names);
    const collections = flat.filter(({ type }) => type === CollectionType.calibration);
    const leftOut = flat
      .filter(({ type }) => type !== CollectionType.calibration)
      .map(({ name }) => `${name}: no calibration collection`);
    const fullNames = detectorNames(registry);
    const rows: Certified[] = [];
    const types: KnownType[] = [];
    const chains = new Map<string, Collection[]>();
    for (const type of registry.types()) {
      if (type.calibs === null) continue;
      const unknown = type.dimensions.find((name) => !isKnownDimension(name));
      if (unknown !== undefined) {
        leftOut.push(`${type.name}: it has the dimension ${unknown}`);
        continue;
      }
      types.push(type);
      for (const collection of collections)
        for (const row of rowsOf(source, type, collection, type.calibs)) {
          const dataId = dataIdOf(type, row);
          const detector = fullNames.get(`${dataId.instrument} ${dataId.detector}`);
          if (detectors.length > 0 && detector !== undefined && !detectors.includes(detector)) continue;
          const file = row.path === null ? null : absolutePath(root, row.path);
          if (file === null || row.path === null || row.component !== '__NULL_STRING__') {
            leftOut.push(`${type.name} ${dashed(row.uuid)}: it is not one file of this machine`);
            continue;
          }
          const path = pathHere(row.path, type.name, row.run);
          const { uuid, run, formatter, begin, end } = row;
          rows.push({
            uuid,
            type,
            run,
            dataId,
            formatter,
            file,
            path,
            collection: collection.name,
            begin,
            end,
          });
        }
    }
    for (const instrument of instruments) {
      const own = collections.filter(({ name }) =>
        rows.some((row) => row.collection === name && row.dataId.instrument === instrument),
      );
      if (own.length > 0) chains.set(instrument, own);
    }
    return { rows, types, collections, chains, leftOut };
  });
}

/** Of each dataset its first row. */
function datasets(rows: readonly Certified[]): Certified[] {
  return [...new Map(rows.map((row) => [row.uuid, row])).values()];
}

function isHere({ db, registry, root }: Repository, { uuid, file }: Certified): boolean {
  const stored = db.read(() => registry.file(uuid));
  const there = stored === null ? null : absolutePath(root, stored.path);
  return there !== null && existsSync(there) && statSync(there).size === statSync(file).size;
}

/** Copies and verifies; the sha256 of each by UUID; null: it was told to end. */
async function copyAll(
  { root }: Repository,
  fresh: readonly Certified[],
  onProgress: OnProgress,
): Promise<ReadonlyMap<string, string> | null> {
  const folders = new Folders();
  const sums = new Map<string, string>();
  const sizes = fresh.map(({ file }) => statSync(file).size);
  const all = sizes.reduce((sum, bytes) => sum + bytes, 0);
  let done = 0;
  for (const [i, { uuid, file, path }] of fresh.entries()) {
    if (await onProgress(done / all, path)) return null;
    const to = join(root, path);
    const sha256 = checksum(file);
    folders.put(file, to, 'copy');
    const got = checksum(to);
    if (got !== sha256)
      throw new AgentError('butler', `${file}: expected sha256 ${sha256} of its copy, got ${got}`);
    sums.set(uuid, sha256);
    done += sizes[i] ?? 0;
  }
  folders.sync();
  return (await onProgress(1, '')) ? null : sums;
}

function checkNames({ db, registry }: Repository, rows: readonly Certified[]): void {
  const known = db.read(() => ({
    detectors: detectorNames(registry),
    filters: new Set(
      registry
        .sql<[], { instrument: string; name: string }>('SELECT instrument, name FROM physical_filter')
        .all()
        .map(({ instrument, name }) => `${instrument} ${name}`),
    ),
  }));
  for (const { type, uuid, dataId } of rows) {
    const { instrument, detector, physical_filter: filter } = dataId;
    const what = `${type.name} ${dashed(uuid)}`;
    if (detector !== undefined && !known.detectors.has(`${instrument} ${detector}`))
      throw new AgentError(
        'butler_metadata',
        `${what}: expected a detector of ${instrument}, got ${detector}`,
      );
    if (filter !== undefined && !known.filters.has(`${instrument} ${filter}`))
      throw new AgentError('butler_metadata', `${what}: expected a filter of ${instrument}, got ${filter}`);
  }
}

/** What these collections hold here makes room; of other detectors than those that are asked for nothing is touched. */
function clear(registry: Registry, { types, collections }: Content, detectors: readonly string[]): void {
  for (const { name, dimensions } of types) {
    const here = registry.type(name);
    if (!here?.calibs) continue;
    const asked = detectors.length > 0 && dimensions.includes('detector');
    const places = detectors.map(() => '?').join(', ');
    const only = asked
      ? ` AND (instrument, detector) IN (SELECT instrument, id FROM detector WHERE full_name IN (${places}))`
      : '';
    for (const collection of collections) {
      const into = registry.collection(collection.name);
      if (into?.type !== CollectionType.calibration) continue;
      registry
        .sql(`DELETE FROM ${here.calibs} WHERE dataset_type_id = ? AND collection_id = ?${only}`)
        .run(here.id, into.id, ...(asked ? detectors : []));
    }
  }
}

/** Rows of the collections as they are there. */
function certifyAll({ registry }: Repository, content: Content, { detectors }: MirrorSettings): void {
  clear(registry, content, detectors);
  for (const { type, collection, dataId, uuid, begin, end } of content.rows) {
    registry.ensureType({ ...type, formatter: '', isCalibration: true });
    const into = registry.ensureCollection(collection, CollectionType.calibration);
    associate(registry, uuid, type.name, into, dataId, { begin, end });
  }
  for (const [instrument, collections] of content.chains)
    chain(
      registry,
      instrument,
      collections.map(({ name }) => registry.ensureCollection(name, CollectionType.calibration)),
    );
}

function insertAll({ registry, root }: Repository, fresh: readonly Certified[], taiNs: bigint): void {
  for (const { uuid, type, run, dataId, path, formatter } of fresh) {
    if (registry.file(uuid)) continue;
    registry.insert({
      uuid,
      type: registry.ensureType({ ...type, formatter: '', isCalibration: true }),
      run: registry.ensureCollection(run, CollectionType.run),
      dataId,
      ingestTaiNs: taiNs,
      path,
      formatter,
      bytes: statSync(join(root, path)).size,
    });
  }
}

/** Refuses (`butler`, `butler_metadata`, `butler_conflict`) before anything is in force; what was copied goes again then. */
export async function mirrorCalibrations(
  repository: Repository,
  source: Repository,
  settings: MirrorSettings,
  onProgress: OnProgress,
): Promise<Synced> {
  const content = contentOf(source, settings);
  const { rows, leftOut } = content;
  if (rows.length === 0)
    throw new AgentError('butler', `${source.root}: expected calibrations in INSTRUMENT/calib, got none`);
  const missing = rows.find(({ file }) => !existsSync(file));
  if (missing)
    throw new AgentError(
      'butler',
      `${missing.type.name} ${dashed(missing.uuid)}: ${missing.file} is not there`,
    );
  checkNames(repository, rows);
  const all = datasets(rows);
  const fresh = all.filter((one) => !isHere(repository, one));
  checkPlaces(repository, fresh);
  const collections = [...new Set(rows.map(({ collection }) => collection))];
  const result = { unchanged: all.length - fresh.length, leftOut, collections };
  const incoming = new IncomingFiles(
    repository,
    fresh.map(({ path }) => path),
  );
  try {
    const sums = await copyAll(repository, fresh, onProgress);
    if (sums === null) {
      incoming.withdraw();
      return { ...result, added: [], stopped: true };
    }
    repository.db.write(() => {
      repository.registry.refresh();
      insertAll(repository, fresh, settings.taiNs);
      certifyAll(repository, content, settings);
    });
    incoming.done();
    const names = detectorNames(source.registry);
    const added = fresh.map(({ uuid, type, dataId, begin, end, path }): SyncedCalibration => {
      const filter = dataId.physical_filter === undefined ? null : String(dataId.physical_filter);
      return {
        type: type.name,
        instrument: String(dataId.instrument),
        detector: names.get(`${dataId.instrument} ${dataId.detector}`) ?? '',
        filter,
        span: { begin, end },
        uuid: dashed(uuid),
        sha256: sums.get(uuid) ?? '',
        bytes: statSync(join(repository.root, path)).size,
      };
    });
    return { ...result, added, stopped: false };
  } catch (error) {
    repository.registry.forget();
    incoming.withdraw();
    throw error;
  }
}
