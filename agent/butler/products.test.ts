// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { listDatasets } from './listing.js';
import { Repository } from './repository.js';
import { RepositoryWork } from './repository-work.js';
import { cameraHeader, numbered, writeRaw } from './testing/headers.js';

t.test('what was made of an image lies beside its raw file, and goes with it', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'products-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const root = join(folder, 'repo');
  const work = new RepositoryWork({
    ...{ root, create: true, shared: false, spools: [], taiMinusUtcS: 37 },
    ...{ keepHours: 1e-9, diskShare: null, keepShare: null, handover: null },
  });
  t.teardown(() => work.close());
  work.ingest([writeRaw(folder, cameraHeader)]);
  const dataId = { instrument: 'LSSTCam', detector: 1, exposure: 2026031500051 };
  const file = join(folder, 'stem');
  writeFileSync(file, '{}');
  const look = work.storeProduct({ kind: 'quick_look', file, ...dataId });
  const image = work.storeProduct({ kind: 'post_isr_image', file, ...dataId });
  t.match(look, { run: 'LSSTCam/quickLook', uri: /quickLook_LSSTCam_i_39_.*\.json$/, dataId });
  t.match(image, { run: 'LSSTCam/postIsr', uri: /postIsrImage_LSSTCam_i_39_.*_LSSTCam_postIsr\.fits$/ });
  t.throws(() => work.storeProduct({ kind: 'post_isr_image', file, ...dataId }), {
    code: 'butler_conflict',
    message: /postIsrImage {instrument=LSSTCam, detector=1, exposure=2026031500051} is there already/,
  });
  const another = { ...dataId, exposure: dataId.exposure + 1 };
  t.throws(() => work.storeProduct({ kind: 'quick_look', file, ...another }), { message: /exposure is not/ });

  const repository = new Repository(root, { readOnly: true });
  t.teardown(() => repository.close());
  t.match(repository.registry.type('postIsrImage'), { storageClass: 'MaskedImageV2' });
  const types = () => listDatasets(repository, { limit: 10 }).map(({ type }) => type);
  t.same(types().sort(), ['postIsrImage', 'quickLook', 'raw']);
  await work.expire([], async () => undefined);
  t.same(types(), []);
  t.notOk(existsSync(new URL(image.uri)));
  t.match(work.ingest([writeRaw(folder, numbered(cameraHeader, 52))]).files, [{ outcome: 'ingested' }]);
});
