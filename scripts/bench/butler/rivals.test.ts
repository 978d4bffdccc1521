// SPDX-License-Identifier: Apache-2.0
// Two processes with different content under the same data IDs at the same moment.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { checkRepository } from '../../../agent/butler/check.js';
import { createRepository } from '../../../agent/butler/create.js';
import { listDatasets } from '../../../agent/butler/listing.js';
import { Repository } from '../../../agent/butler/repository.js';
import { cameraHeader, numbered, writeRaw } from '../../../agent/butler/testing/headers.js';
import { rivals } from './victims.js';

t.test('of each data ID one content is taken, whole, and the other told as a conflict', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'butler-rivals-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const root = join(folder, 'repo');
  createRepository(root);
  const exposures = Array.from({ length: 40 }, (_, i) => i + 1);
  const names = ['left', 'right-hand'];
  const folders = names.map((name) => join(folder, name));
  for (const [i, name] of names.entries())
    for (const seqNum of exposures) writeRaw(folders[i] ?? '', numbered(cameraHeader, seqNum), name);
  const outcomes = await rivals(root, folders, exposures.length);
  const repository = new Repository(root);
  t.teardown(() => repository.close());
  t.match(checkRepository(repository, false), { good: true, datasets: 40, orphans: [], trash: 0 });
  const stored = listDatasets(repository, { limit: 100 }).toSorted(
    (a, b) => Number(a.dataId.exposure) - Number(b.dataId.exposure),
  );
  const winners = stored.map(({ uri }) => {
    const content = readFileSync(new URL(uri), 'latin1');
    return names.findIndex((name) => content.endsWith(name));
  });
  t.same(
    outcomes,
    winners.map((winner) => [0, 1].map((who) => (winner === who ? 'ingested' : 'conflict'))),
  );
});
