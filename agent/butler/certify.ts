// SPDX-License-Identifier: Apache-2.0
// Calibrations: files into a run of their own, and the time for which each is valid into a calibration collection.

import { statSync } from 'node:fs';
import { extname } from 'node:path';
import { AgentError } from '../model/errors.js';
import { calibChain, calibrationTypes } from './dataset-types.js';
import { absolutePath, calibPath, Folders } from './datastore.js';
import type { Timespan } from './lookup.js';
import { CollectionType, type DataId, showDataId } from './registry.js';
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
}

export interface CertifySettings {
  /** holds the files: `LSSTCam/calib/DM-1/run` */
  readonly run: string;
  /** holds the validity: `LSSTCam/calib/DM-1` */
  readonly collection: string;
  readonly nowMs: number;
  readonly taiNs: bigint;
}

function dataIdOf({ registry }: Repository, { instrument, detector, filter, type }: Calibration): DataId {
  const row = registry
    .sql<[string, string], { id: number }>('SELECT id FROM detector WHERE instrument = ? AND full_name = ?')
    .get(instrument, detector);
  if (!row) throw new AgentError('butler', `expected a detector of ${instrument}, got ${detector}`);
  if (type !== 'flat') return { instrument, detector: row.id };
  if (filter === null) throw new AgentError('butler', `flat of ${detector}: expected a filter, got none`);
  return { instrument, detector: row.id, physical_filter: filter };
}

function bandOf({ registry }: Repository, instrument: string, filter: string): string {
  const row = registry
    .sql<[string, string], { band: string }>(
      'SELECT band FROM physical_filter WHERE instrument = ? AND name = ?',
    )
    .get(instrument, filter);
  if (!row) throw new AgentError('butler', `expected a filter of ${instrument}, got ${filter}`);
  return row.band;
}

/** All of them or none, in one transaction after the files are on the disk. Their UUIDs, without dashes. */
export function certify(
  repository: Repository,
  calibrations: readonly Calibration[],
  { run, collection, nowMs, taiNs }: CertifySettings,
): string[] {
  const { db, registry, root } = repository;
  const folders = new Folders();
  const placed = calibrations.map((calibration) => {
    const { file, type, instrument, detector, filter } = calibration;
    const known = calibrationTypes.find(({ name }) => name === type);
    if (!known)
      throw new AgentError(
        'butler',
        `expected one of ${calibrationTypes.map((t) => t.name).join(', ')}, got ${type}`,
      );
    const dataId = db.read(() => dataIdOf(repository, calibration));
    const named =
      type === 'flat' && filter !== null
        ? { name: filter, band: db.read(() => bandOf(repository, instrument, filter)) }
        : null;
    const path = calibPath(type, run, instrument, detector, named, extname(file));
    folders.put(file, absolutePath(root, path) ?? path, 'copy');
    return { known, dataId, path, calibration };
  });
  folders.sync();
  try {
    return db.write(() => {
      const runs = registry.ensureCollection(run, CollectionType.run);
      const valid = registry.ensureCollection(collection, CollectionType.calibration);
      const uuids = placed.map(({ known, dataId, path, calibration }) => {
        const type = registry.ensureType(known);
        const uuid = newUuid(nowMs);
        const { formatter } = known;
        const bytes = statSync(calibration.file).size;
        registry.insert({ uuid, type, run: runs, dataId, ingestTaiNs: taiNs, path, formatter, bytes });
        registry.summarise(valid, type, calibration.instrument);
        associate(repository, uuid, known.name, collection, dataId, calibration.span);
        return uuid;
      });
      for (const instrument of new Set(calibrations.map((one) => one.instrument)))
        chain(repository, instrument, collection);
      return uuids;
    });
  } catch (error) {
    registry.forget();
    throw error;
  }
}

/** Two of a kind may not be valid at the same time. */
function associate(
  { registry }: Repository,
  uuid: string,
  typeName: string,
  collection: string,
  dataId: DataId,
  { begin, end }: Timespan,
): void {
  const type = registry.type(typeName);
  const into = registry.collection(collection);
  if (!type?.calibs || !into) throw new Error(`${typeName} is no calibration`);
  if (begin >= end)
    throw new AgentError('butler', `${typeName}: expected a validity range, got its end before its begin`);
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
      `${typeName} {${showDataId(dataId)}}: ${collection} has one that is valid in a part of this time`,
    );
  registry
    .sql(
      `INSERT INTO ${type.calibs} (dataset_type_id, dataset_id, collection_id, ${type.dimensions.join(', ')}, timespan_begin, timespan_end)
       VALUES (?, ?, ?, ${values.map(() => '?').join(', ')}, ?, ?)`,
    )
    .run(type.id, uuid, into.id, ...values, begin, end);
}

/** The newest calibrations are searched first. */
function chain({ registry }: Repository, instrument: string, collection: string): void {
  const parent = registry.ensureCollection(calibChain(instrument), CollectionType.chained);
  const children = registry.children(parent);
  const valid = registry.collection(collection);
  if (!valid || children.some(({ id }) => id === valid.id)) return;
  registry.setChildren(parent, [valid, ...children]);
}
