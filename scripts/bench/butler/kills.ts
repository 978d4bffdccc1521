// SPDX-License-Identifier: Apache-2.0
// kill -9 at random moments of ingest and of expiry: what was announced has its row and file, no row is without its file,
// and what the next start repairs leaves nothing unsaid.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { checkRepository } from '../../../agent/butler/check.js';
import { createRepository } from '../../../agent/butler/create.js';
import { uriOf } from '../../../agent/butler/listing.js';
import { Repository } from '../../../agent/butler/repository.js';
import { filesOfExposure } from './repository.js';
import { killed } from './victims.js';

export interface Kills {
  rounds: number;
  /** killed with work left to do */
  inTheMiddle: number;
  announced: number;
  announcedWithout: number;
  rowsWithoutFile: number;
  halfSteps: number;
  repairedNotGood: number;
}

const exposures = 40;
const each = 8;

function isThere(repository: Repository, uuid: string): boolean {
  try {
    return existsSync(new URL(uriOf(repository, uuid)));
  } catch {
    return false;
  }
}

export async function measureKills(folder: string, rounds: number, random: () => number): Promise<Kills> {
  const spool = join(folder, 'kill-files');
  for (let i = 0; i < exposures; i++) filesOfExposure(spool, i + 1, each);
  const root = join(folder, 'kills');
  createRepository(root);
  const sum: Kills = {
    rounds: 0,
    inTheMiddle: 0,
    announced: 0,
    announcedWithout: 0,
    rowsWithoutFile: 0,
    halfSteps: 0,
    repairedNotGood: 0,
  };
  for (let i = 0; i < rounds; i++) {
    const what = i % 2 === 0 ? 'ingest' : 'expire';
    const { uuids, ended } = await killed(what, root, spool, random() * (what === 'ingest' ? 150 : 30));
    const repository = new Repository(root);
    const found = checkRepository(repository, false);
    sum.rounds++;
    if (!ended) sum.inTheMiddle++;
    if (what === 'ingest') {
      sum.announced += uuids.length;
      sum.announcedWithout += uuids.filter((uuid) => !isThere(repository, uuid)).length;
    }
    sum.rowsWithoutFile += found.missing.length;
    sum.halfSteps += found.orphans.length + found.trash;
    const repaired = checkRepository(repository, true);
    if (!repaired.good) sum.repairedNotGood++;
    repository.close();
  }
  return sum;
}
