// SPDX-License-Identifier: Apache-2.0
// Master calibrations of a directory into the repository: copied and verified first, then in force all at once. What is
// there already, valid for the same time, is left as it is.

import { statSync } from 'node:fs';
import { AgentError } from '../model/errors.js';
import { type FolderSettings, readCalibrationFolder } from './calibration-folder.js';
import {
  type Calibration,
  calibrationDataId,
  certifyPlaced,
  type PlacedCalibration,
  placeCalibration,
  planCalibration,
} from './certify.js';
import { calibChain } from './dataset-types.js';
import { absolutePath, checksum, Folders } from './datastore.js';
import { IncomingFiles } from './incoming.js';
import type { Timespan } from './lookup.js';
import { CollectionType } from './registry.js';
import type { Repository } from './repository.js';
import { dashed } from './uuids.js';

export interface SyncSettings extends FolderSettings {
  /** last part of the collections' names: `DM-1` */
  readonly label: string;
  /** last part of the runs' names: the time */
  readonly runLabel: string;
  /** only these detectors, by full name; empty: all */
  readonly detectors: readonly string[];
  readonly nowMs: number;
  readonly taiNs: bigint;
}

/** Told between two files; true: it shall end. */
export type OnProgress = (share: number, file: string) => Promise<boolean>;

export interface SyncedCalibration {
  readonly type: string;
  readonly instrument: string;
  readonly detector: string;
  readonly filter: string | null;
  readonly span: Timespan;
  readonly uuid: string;
  readonly sha256: string;
  readonly bytes: number;
}

export interface Synced {
  readonly added: readonly SyncedCalibration[];
  readonly unchanged: number;
  /** what was found and is not taken, with the reason where it is not the name */
  readonly leftOut: readonly string[];
  readonly collections: readonly string[];
  /** it was told to end, and nothing is changed */
  readonly stopped: boolean;
}

interface CertifiedFile {
  readonly path: string;
  readonly begin: bigint;
  readonly end: bigint;
}

/** What is in force in a part of its time: of the first collection that has any. */
function inForce({ db, registry }: Repository, calibration: Calibration): CertifiedFile[] {
  return db.read(() => {
    const type = registry.type(calibration.type);
    const parent = calibChain(calibration.instrument);
    if (!type?.calibs || !registry.collection(parent)) return [];
    const dataId = calibrationDataId(registry, calibration);
    const where = type.dimensions.map((name) => ` AND c.${name} = ?`).join('');
    const select = registry
      .sql<unknown[], CertifiedFile>(
        `SELECT f.path, c.timespan_begin AS begin, c.timespan_end AS end FROM ${type.calibs} AS c
         JOIN file_datastore_records AS f ON f.dataset_id = c.dataset_id
         WHERE c.dataset_type_id = ? AND c.collection_id = ?${where} AND c.timespan_begin < ? AND c.timespan_end > ?`,
      )
      .safeIntegers(true);
    for (const { id, type: kind } of registry.flattened([parent])) {
      if (kind !== CollectionType.calibration) continue;
      const values = type.dimensions.map((name) => dataId[name]);
      const rows = select.all(type.id, id, ...values, calibration.span.end, calibration.span.begin);
      if (rows.length > 0) return rows;
    }
    return [];
  });
}

function isThere(repository: Repository, calibration: Calibration): boolean {
  const [only, ...more] = inForce(repository, calibration);
  if (!only || more.length > 0) return false;
  const file = absolutePath(repository.root, only.path);
  return (
    only.begin === calibration.span.begin &&
    only.end === calibration.span.end &&
    file !== null &&
    statSync(file, { throwIfNoEntry: false })?.size === statSync(calibration.file).size &&
    checksum(file) === calibration.sha256
  );
}

export function collectionOf(instrument: string, label: string): string {
  return `${calibChain(instrument)}/${label}`;
}

/** Copies one after the other; false: it was told to end. */
async function placeAll(
  repository: Repository,
  placed: readonly PlacedCalibration[],
  onProgress: OnProgress,
): Promise<boolean> {
  const folders = new Folders();
  const sizes = placed.map(({ calibration }) => statSync(calibration.file).size);
  const all = sizes.reduce((sum, bytes) => sum + bytes, 0);
  let done = 0;
  for (const [i, one] of placed.entries()) {
    if (await onProgress(done / all, one.path)) return false;
    placeCalibration(repository, one, folders);
    done += sizes[i] ?? 0;
  }
  folders.sync();
  return !(await onProgress(1, ''));
}

/** Refuses (`butler_metadata`, `butler_conflict`) before anything is in force; what was copied is taken away again then. */
export async function syncCalibrationFolder(
  repository: Repository,
  source: string,
  settings: SyncSettings,
  onProgress: OnProgress,
): Promise<Synced> {
  const { label, runLabel, detectors } = settings;
  const { calibrations, leftOut } = readCalibrationFolder(source, settings);
  const wanted = calibrations.filter(
    ({ detector }) => detectors.length === 0 || detectors.includes(detector),
  );
  // All of them are looked at before the first is copied.
  const plans = wanted.map((one) =>
    planCalibration(repository, one, `${collectionOf(one.instrument, label)}/${runLabel}`),
  );
  for (const { run } of plans)
    if (repository.db.read(() => repository.registry.collection(run)))
      throw new AgentError(
        'butler_conflict',
        `expected a run of its own for this synchronisation, got ${run}`,
      );
  const fresh = plans.filter(({ calibration }) => !isThere(repository, calibration));
  const instruments = [...new Set(fresh.map(({ calibration }) => calibration.instrument))];
  const collections = instruments.map((instrument) => collectionOf(instrument, label));
  const result = { unchanged: wanted.length - fresh.length, leftOut, collections };
  if (fresh.length === 0) return { ...result, added: [], stopped: false };
  const incoming = new IncomingFiles(
    repository,
    fresh.map(({ path }) => path),
  );
  try {
    if (!(await placeAll(repository, fresh, onProgress))) {
      incoming.withdraw();
      return { ...result, added: [], stopped: true };
    }
    const uuids = repository.db.write(() =>
      instruments.flatMap((instrument) => {
        const own = fresh.filter(({ calibration }) => calibration.instrument === instrument);
        const collection = collectionOf(instrument, label);
        const ids = certifyPlaced(repository, own, { ...settings, collection });
        return ids.map((uuid, i) => [own[i], uuid] as const);
      }),
    );
    incoming.done();
    const added = uuids.flatMap(([one, uuid]) => (one ? [syncedOf(one, uuid)] : []));
    return { ...result, added, stopped: false };
  } catch (error) {
    repository.registry.forget();
    incoming.withdraw();
    throw error;
  }
}

function syncedOf({ calibration }: PlacedCalibration, uuid: string): SyncedCalibration {
  const { type, instrument, detector, filter, span, sha256, file } = calibration;
  return {
    type,
    instrument,
    detector,
    filter,
    span,
    uuid: dashed(uuid),
    sha256,
    bytes: statSync(file).size,
  };
}
