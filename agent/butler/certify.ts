// SPDX-License-Identifier: Apache-2.0
// Calibrations: files into a run of their own, and the time for which each is valid into a calibration collection.

import { rmSync, statSync } from 'node:fs';
import { extname } from 'node:path';
import { AgentError } from '../model/errors.js';
import { calibChain, calibrationTypes, type DatasetType } from './dataset-types.js';
import { absolutePath, calibPath, checksum, type Folders } from './datastore.js';
import type { Timespan } from './lookup.js';
import { type Collection, CollectionType, type DataId, type Registry, showDataId } from './registry.js';
import type { Repository } from './repository.js';
import { newUuid } from './uuids.js';

export interface Calibration {
  readonly file: string;
  readonly type: string;
  readonly instrument: string;
  /** full name */
  readonly detector: string;
  readonly filter: string | null;
  readonly span: Timespan;
  /** of the file, as it was read when it was looked through */
  readonly sha256: string;
}

export interface CertifySettings {
  /** holds the validity: `LSSTCam/calib/DM-1` */
  readonly collection: string;
  readonly nowMs: number;
  readonly taiNs: bigint;
}

/** One whose file lies where its row will say. */
export interface PlacedCalibration {
  readonly known: DatasetType;
  readonly run: string;
  readonly dataId: DataId;
  readonly path: string;
  readonly calibration: Calibration;
}

/** What it is in the registry. Refuses (`butler_metadata`) an instrument, detector, type or filter that is not there. */
export function calibrationDataId(
  registry: Registry,
  { instrument, detector, filter, type, file }: Calibration,
): DataId {
  const number = registry.detector(instrument, detector);
  if (number === null)
    throw new AgentError('butler_metadata', `${file}: expected a detector of ${instrument}, got ${detector}`);
  if (type !== 'flat') return { instrument, detector: number };
  if (filter === null || bandOf(registry, instrument, filter) === null)
    throw new AgentError(
      'butler_metadata',
      `${file}: flat of ${detector}: expected a filter that ${instrument} is registered with, got ${filter ?? 'none'}`,
    );
  return { instrument, detector: number, physical_filter: filter };
}

function bandOf(registry: Registry, instrument: string, filter: string): string | null {
  const row = registry
    .sql<[string, string], { band: string }>(
      'SELECT band FROM physical_filter WHERE instrument = ? AND name = ?',
    )
    .get(instrument, filter);
  return row?.band ?? null;
}

export function calibrationType(name: string): DatasetType {
  const known = calibrationTypes.find((type) => type.name === name);
  if (known) return known;
  const names = calibrationTypes.map((type) => type.name).join(', ');
  throw new AgentError('butler_metadata', `expected one of ${names}, got ${name}`);
}

/** Where its file will lie. */
export function planCalibration(
  { db, registry }: Repository,
  calibration: Calibration,
  run: string,
): PlacedCalibration {
  const { file, type, instrument, detector, filter } = calibration;
  const known = calibrationType(type);
  return db.read(() => {
    const dataId = calibrationDataId(registry, calibration);
    const named =
      type === 'flat' && filter !== null
        ? { name: filter, band: bandOf(registry, instrument, filter) ?? '' }
        : null;
    const path = calibPath(type, run, instrument, detector, named, extname(file));
    return { known, run, dataId, path, calibration };
  });
}

/** Copies a file to its place and reads it again there. Refuses (`butler`) a copy that is another. */
export function placeCalibration(
  { root }: Repository,
  { path, calibration: { file, sha256 } }: PlacedCalibration,
  folders: Folders,
): void {
  const to = absolutePath(root, path) ?? path;
  folders.put(file, to, 'copy');
  const got = checksum(to);
  if (got === sha256) return;
  rmSync(to, { force: true });
  throw new AgentError('butler', `${file}: expected sha256 ${sha256} of its copy, got ${got}`);
}

/** Rows of all of them or of none; inside `database.write`. Their UUIDs, without dashes. */
export function certifyPlaced(
  repository: Repository,
  placed: readonly PlacedCalibration[],
  { collection, nowMs, taiNs }: CertifySettings,
): string[] {
  const { registry, root } = repository;
  registry.refresh();
  const valid = registry.ensureCollection(collection, CollectionType.calibration);
  const uuids = placed.map(({ known, run, dataId, path, calibration }) => {
    const runs = registry.ensureCollection(run, CollectionType.run);
    const type = registry.ensureType(known);
    const uuid = newUuid(nowMs);
    const { formatter } = known;
    const bytes = statSync(absolutePath(root, path) ?? path).size;
    registry.insert({ uuid, type, run: runs, dataId, ingestTaiNs: taiNs, path, formatter, bytes });
    associate(registry, uuid, known.name, valid, dataId, calibration.span);
    return uuid;
  });
  for (const instrument of new Set(placed.map(({ calibration }) => calibration.instrument)))
    chain(registry, instrument, [valid]);
  return uuids;
}

/** Two of a kind may not be valid at the same time. */
export function associate(
  registry: Registry,
  uuid: string,
  typeName: string,
  into: Collection,
  dataId: DataId,
  { begin, end }: Timespan,
): void {
  const type = registry.type(typeName);
  if (!type?.calibs) throw new Error(`${typeName} is no calibration`);
  if (begin >= end)
    throw new AgentError(
      'butler_metadata',
      `${typeName} {${showDataId(dataId)}}: expected a validity range, got its end before its begin`,
    );
  registry.summarise(into, type, String(dataId.instrument));
  const values = type.dimensions.map((name) => dataId[name]);
  const where = type.dimensions.map((name) => ` AND ${name} = ?`).join('');
  const other = registry
    .sql<unknown[], unknown>(
      `SELECT 1 FROM ${type.calibs} WHERE dataset_type_id = ? AND collection_id = ?${where}
       AND timespan_begin < ? AND timespan_end > ?`,
    )
    .get(type.id, into.id, ...values, end, begin);
  if (other !== undefined)
    throw new AgentError(
      'butler_conflict',
      `${typeName} {${showDataId(dataId)}}: ${into.name} has one that is valid in a part of this time`,
    );
  registry
    .sql(
      `INSERT INTO ${type.calibs} (dataset_type_id, dataset_id, collection_id, ${type.dimensions.join(', ')}, timespan_begin, timespan_end)
       VALUES (?, ?, ?, ${values.map(() => '?').join(', ')}, ?, ?)`,
    )
    .run(type.id, uuid, into.id, ...values, begin, end);
}

/** These are searched before all others. */
export function chain(registry: Registry, instrument: string, first: readonly Collection[]): void {
  const parent = registry.ensureCollection(calibChain(instrument), CollectionType.chained);
  const children = registry.children(parent);
  const others = children.filter(({ id }) => first.every((one) => one.id !== id));
  const wanted = [...first, ...others];
  const same = wanted.length === children.length && wanted.every(({ id }, i) => children[i]?.id === id);
  if (!same) registry.setChildren(parent, wanted);
}
