// SPDX-License-Identifier: Apache-2.0
// The calibrations of a repository, in the order in which they are searched.

import { absolutePath, fileUri } from './datastore.js';
import { recordsTable } from './layout.js';
import type { Timespan } from './lookup.js';
import { CollectionType, type DataId } from './registry.js';
import type { Repository } from './repository.js';
import { dashed } from './uuids.js';

export interface ListedCalibration {
  readonly collection: string;
  readonly type: string;
  readonly dataId: DataId;
  /** full name; '': it belongs to the whole instrument */
  readonly detector: string;
  readonly span: Timespan;
  readonly uuid: string;
  readonly uri: string;
}

export interface CalibrationFilter {
  readonly collections: readonly string[];
  readonly type: string | null;
  readonly detector: string | null;
  readonly filter: string | null;
  /** valid then */
  readonly at: bigint | null;
}

interface Row {
  readonly uuid: string;
  readonly path: string | null;
  readonly detector_name: string | null;
  readonly timespan_begin: bigint;
  readonly timespan_end: bigint;
  readonly [dimension: string]: unknown;
}

export function listCalibrations(
  { db, registry, root }: Repository,
  { collections, type: wanted, detector, filter, at }: CalibrationFilter,
): ListedCalibration[] {
  const out: ListedCalibration[] = [];
  db.read(() => {
    const types = registry
      .types()
      .filter(({ calibs, name }) => calibs !== null && (wanted === null || name === wanted));
    for (const collection of registry.flattened(collections)) {
      if (collection.type !== CollectionType.calibration) continue;
      for (const { id, name, calibs, dimensions } of types) {
        const named = dimensions.includes('detector');
        const time = at === null ? '' : ' AND c.timespan_begin <= ? AND c.timespan_end > ?';
        const rows = registry
          .sql<unknown[], Row>(
            `SELECT c.*, c.dataset_id AS uuid, f.path, ${named ? 'n.full_name' : 'NULL'} AS detector_name FROM ${calibs} AS c
             LEFT JOIN ${recordsTable} AS f ON f.dataset_id = c.dataset_id
             ${named ? 'JOIN detector AS n ON n.instrument = c.instrument AND n.id = c.detector' : ''}
             WHERE c.dataset_type_id = ? AND c.collection_id = ?${time} ORDER BY c.instrument, detector_name, c.timespan_begin`,
          )
          .safeIntegers(true)
          .all(id, collection.id, ...(at === null ? [] : [at, at]));
        for (const row of rows) {
          if (detector !== null && row.detector_name !== detector) continue;
          if (filter !== null && dimensions.includes('physical_filter') && row.physical_filter !== filter)
            continue;
          const file = row.path === null ? null : absolutePath(root, row.path);
          const dataId = Object.fromEntries(
            dimensions.map((key) => [
              key,
              typeof row[key] === 'bigint' ? Number(row[key]) : String(row[key]),
            ]),
          );
          out.push({
            collection: collection.name,
            type: name,
            dataId,
            detector: row.detector_name ?? '',
            span: { begin: row.timespan_begin, end: row.timespan_end },
            uuid: dashed(row.uuid),
            uri: file === null ? (row.path ?? '') : fileUri(file),
          });
        }
      }
    }
  });
  return out;
}
