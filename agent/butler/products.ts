// SPDX-License-Identifier: Apache-2.0
// What was made of an image as datasets beside its raw file: the quick-look, and the image without the instrument's signature.

import { statSync } from 'node:fs';
import type { ProductFile } from '../model/butler.js';
import { AgentError } from '../model/errors.js';
import type { StoredDataset } from '../model/image-messages.js';
import { isrImageRun, isrImageType, quickLookRun, quickLookType } from './dataset-types.js';
import { absolutePath, exposurePaths, Folders, fileUri } from './datastore.js';
import { syncFile } from './durable.js';
import { exposureOf } from './exposure-rows.js';
import { recordsTable } from './layout.js';
import { CollectionType, type DataId, showDataId } from './registry.js';
import type { Repository } from './repository.js';
import { dashed, newUuid } from './uuids.js';

function detectorName({ registry }: Repository, instrument: string, detector: number): string | null {
  const row = registry
    .sql<[string, number], { full_name: string }>(
      'SELECT full_name FROM detector WHERE instrument = ? AND id = ?',
    )
    .get(instrument, detector);
  return row?.full_name ?? null;
}

const products = {
  quick_look: { type: quickLookType, runOf: quickLookRun, extension: '.json' },
  post_isr_image: { type: isrImageType, runOf: isrImageRun, extension: '.fits' },
} as const;

/** Refuses (`butler_conflict`) an exposure that is not there, and a second product of a kind of the same image. */
export function storeProduct(
  repository: Repository,
  { kind, file, instrument, detector, exposure }: ProductFile,
  taiNs: bigint,
): StoredDataset {
  const { db, registry, root } = repository;
  const { type, runOf, extension } = products[kind];
  const dataId: DataId = { instrument, detector, exposure };
  const what = `${type.name} {${showDataId(dataId)}}`;
  const known = db.read(() => ({
    exposure: exposureOf(registry, instrument, exposure),
    name: detectorName(repository, instrument, detector),
  }));
  if (!known.exposure || known.name === null)
    throw new AgentError('butler_conflict', `${what}: its exposure is not in the repository`);
  const run = runOf(instrument);
  const path = exposurePaths(type.name, run, { instrument, ...known.exposure })(known.name, extension);
  const to = absolutePath(root, path) ?? path;
  syncFile(file);
  const uuid = newUuid(Date.now());
  try {
    // The link as well: a repair takes away what has no row.
    db.write(() => {
      registry.refresh();
      if (hasPath(repository, path)) throw new AgentError('butler_conflict', `${what} is there already`);
      const folders = new Folders();
      folders.put(file, to, 'link');
      folders.sync();
      registry.insert({
        uuid,
        type: registry.ensureType(type),
        run: registry.ensureCollection(run, CollectionType.run),
        dataId,
        ingestTaiNs: taiNs,
        path,
        formatter: type.formatter,
        bytes: statSync(to).size,
      });
    });
  } catch (error) {
    // What is remembered was never written; the link is a second name of a file that stays.
    registry.forget();
    throw error;
  }
  return { uuid: dashed(uuid), uri: fileUri(to), run, dataId };
}

function hasPath({ registry }: Repository, path: string): boolean {
  return (
    registry.sql<[string], unknown>(`SELECT 1 FROM ${recordsTable} WHERE path = ?`).get(path) !== undefined
  );
}
