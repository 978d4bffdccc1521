// SPDX-License-Identifier: Apache-2.0
// Ingest while lsst.daf.butler writes into the same repository as fast as it is let.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { createRepository } from '../../../agent/butler/create.js';
import { RepositoryThread } from '../../../agent/butler/repository-thread.js';
import { type Quantiles, quantiles } from '../../demonstration/quantiles.js';
import { filesOfExposure } from './repository.js';

export interface Contention {
  readonly pauseMs: number;
  readonly ours: Quantiles;
  readonly ourErrors: number;
  readonly theirWrites: number;
  readonly theirErrors: readonly string[];
}

/** Between two of ours. */
const everyMs = 20;

export async function measureContention(
  folder: string,
  python: string,
  pauseMs: number,
  count: number,
): Promise<Contention> {
  const root = join(folder, `contention-${pauseMs}`);
  createRepository(root);
  const thread = new RepositoryThread(
    {
      ...{ root, create: false, shared: false, spools: [], taiMinusUtcS: 37 },
      ...{ keepHours: null, diskShare: null, keepShare: null, handover: null },
    },
    () => undefined,
  );
  await thread.reconcile();
  const spool = join(folder, `contention-files-${pauseMs}`);
  const [theirs = ''] = filesOfExposure(spool, 99_999, 1);
  const child = spawn(python, ['scripts/bench/butler/peer.py', root, String(pauseMs), theirs], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  await lines.next();
  const times: number[] = [];
  let ourErrors = 0;
  for (let i = 0; i < count; i++) {
    const files = filesOfExposure(spool, i + 1, 1);
    const begin = performance.now();
    const { files: results } = await thread.ingest(files);
    times.push(performance.now() - begin);
    ourErrors += results.filter(({ outcome }) => outcome !== 'ingested').length;
    await delay(everyMs);
  }
  child.stdin.end();
  const { value } = await lines.next();
  await thread.stop();
  const { writes, errors } = JSON.parse(String(value)) as { writes: number; errors: string[] };
  return { pauseMs, ours: quantiles(times, 2), ourErrors, theirWrites: writes, theirErrors: errors };
}
