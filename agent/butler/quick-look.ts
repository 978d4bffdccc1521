// SPDX-License-Identifier: Apache-2.0
// The quick-look of an image as a dataset beside its raw file.

import { statSync } from 'node:fs';
import type { QuickLookFile } from '../model/butler.js';
import { AgentError } from '../model/errors.js';
import type { StoredDataset } from '../model/image-messages.js';
import { quickLookRun, quickLookType } from './dataset-types.js';
import { absolutePath, exposurePath, Folders, fileUri } from './datastore.js';
import { syncFile } from './durable.js';
import { exposureOf } from './exposure-rows.js';
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

/** Refuses (`butler_conflict`) an exposure that is not there, and a second look at the same image. */
export function storeQuickLook(
  repository: Repository,
  { file, instrument, detector, exposure }: QuickLookFile,
  taiNs: bigint,
): StoredDataset {
  const { db, registry, root } = repository;
  const dataId: DataId = { instrument, detector, exposure };
  const what = `${quickLookType.name} {${showDataId(dataId)}}`;
  const known = db.read(() => ({
    exposure: exposureOf(registry, instrument, exposure),
    name: detectorName(repository, instrument, detector),
  }));
  if (!known.exposure || known.name === null)
    throw new AgentError('butler_conflict', `${what}: its exposure is not in the repository`);
  const run = quickLookRun(instrument);
  const path = exposurePath(quickLookType.name, run, { instrument, ...known.exposure }, known.name, '.json');
  const to = absolutePath(root, path) ?? path;
  if (db.read(() => hasPath(repository, path)))
    throw new AgentError('butler_conflict', `${what} is there already`);
  syncFile(file);
  const folders = new Folders();
  folders.put(file, to, 'link');
  folders.sync();
  const uuid = newUuid(Date.now());
  try {
    db.write(() => {
      registry.refresh();
      registry.insert({
        uuid,
        type: registry.ensureType(quickLookType),
        run: registry.ensureCollection(run, CollectionType.run),
        dataId,
        ingestTaiNs: taiNs,
        path,
        formatter: quickLookType.formatter,
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
    registry.sql<[string], unknown>('SELECT 1 FROM file_datastore_records WHERE path = ?').get(path) !==
    undefined
  );
}
