// SPDX-License-Identifier: Apache-2.0
// Which dataset a data ID means, as lsst.daf.butler's find_dataset has it: collections are searched in the order of their
// chain; in a calibration collection the validity range, begin <= t < end, has to overlap the time that is asked for; the
// first collection that has one wins; two in one collection are an error, not a choice. Without a time calibration collections
// are not searched.

import { AgentError } from '../model/errors.js';
import { type Collection, CollectionType, type DataId, type KnownType, showDataId } from './registry.js';
import type { Repository } from './repository.js';

export interface Timespan {
  readonly begin: bigint;
  readonly end: bigint;
}

function idsIn(
  { registry }: Repository,
  type: KnownType,
  collection: Collection,
  dataId: DataId,
  span: Timespan | null,
): readonly string[] {
  const calibration = collection.type === CollectionType.calibration;
  const table = calibration ? type.calibs : type.tags;
  if (table === null || (calibration && span === null)) return [];
  const where = type.dimensions.map((name) => ` AND ${name} = ?`).join('');
  const time = calibration ? ' AND timespan_begin < ? AND timespan_end > ?' : '';
  return registry
    .sql<unknown[], { dataset_id: string }>(
      `SELECT dataset_id FROM ${table} WHERE dataset_type_id = ? AND collection_id = ?${where}${time} LIMIT 2`,
    )
    .all(
      type.id,
      collection.id,
      ...type.dimensions.map((name) => dataId[name]),
      ...(time === '' || !span ? [] : [span.end, span.begin]),
    )
    .map(({ dataset_id }) => dataset_id);
}

/** UUID without dashes; null: none. Refuses (`butler_conflict`) a data ID that means two. */
export function findDataset(
  repository: Repository,
  typeName: string,
  dataId: DataId,
  collections: readonly string[],
  span: Timespan | null = null,
): string | null {
  return repository.db.read(() => {
    const { registry } = repository;
    registry.refresh();
    const type = registry.type(typeName);
    if (!type) return null;
    const lacking = type.dimensions.find((name) => dataId[name] === undefined);
    if (lacking !== undefined)
      throw new AgentError(
        'butler',
        `${typeName}: expected ${lacking} in the data ID, got {${showDataId(dataId)}}`,
      );
    for (const collection of registry.flattened(collections)) {
      const [first, second] = idsIn(repository, type, collection, dataId, span);
      if (second !== undefined)
        throw new AgentError(
          'butler_conflict',
          `${typeName} {${showDataId(dataId)}}: expected one in ${collection.name}, got more`,
        );
      if (first !== undefined) return first;
    }
    return null;
  });
}
