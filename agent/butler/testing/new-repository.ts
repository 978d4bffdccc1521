// SPDX-License-Identifier: Apache-2.0
// A repository of a test's own, gone with it.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { createRepository } from '../create.js';
import { Repository } from '../repository.js';

export function newRepository(t: Test) {
  const folder = mkdtempSync(join(tmpdir(), 'butler-'));
  const root = join(folder, 'repo');
  createRepository(root);
  const repository = new Repository(root);
  t.teardown(() => {
    repository.close();
    rmSync(folder, { recursive: true });
  });
  return { folder, root, repository };
}
