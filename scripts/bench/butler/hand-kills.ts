// SPDX-License-Identifier: Apache-2.0
// kill -9 at random moments of a hand-over and of a synchronisation of calibrations: after the next start every file of an
// archiver is a dataset and every file of the agent lies with the archiver; calibrations are in force all or none.
import { existsSync, linkSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { listCalibrations } from '../../../agent/butler/calibration-listing.js';
import { syncCalibrationFolder } from '../../../agent/butler/calibration-sync.js';
import { checkRepository } from '../../../agent/butler/check.js';
import { createRepository } from '../../../agent/butler/create.js';
import { checksum } from '../../../agent/butler/datastore.js';
import { listDatasets } from '../../../agent/butler/listing.js';
import { Repository } from '../../../agent/butler/repository.js';
import { RepositoryWork } from '../../../agent/butler/repository-work.js';
import { at, cameraHeader, numbered, writeFits, writeRaw } from '../../../agent/butler/testing/headers.js';
import { detectors } from './repository.js';
import { killed } from './victims.js';

export interface HandKills {
  rounds: number;
  /** killed with work left to do */
  inTheMiddle: number;
  /** files that are no dataset, or not with the archiver, after the next start */
  lost: number;
  /** calibrations in force of a synchronisation that did not come to its end */
  halfInForce: number;
  notGood: number;
}

const files = 12;
const mostMs = 60;

/** Twelve files of an archiver and twelve of the agent, each time of another exposure. */
async function handover(root: string, folder: string, round: number, afterMs: number) {
  const folders = ['in', 'out', 'spool', 'archive'].map((name) => join(folder, name));
  const [incoming = '', outgoing = '', spool = '', archive = ''] = folders;
  for (const one of folders) mkdirSync(one, { recursive: true });
  const write = (into: string, seqNum: number) =>
    detectors
      .slice(0, files)
      .map(({ raft, nameInRaft }) =>
        writeRaw(into, at(numbered(cameraHeader, seqNum), raft ?? '', nameInRaft), String(round)),
      );
  const theirs = write(archive, 2 * round + 1);
  for (const file of theirs) linkSync(file, join(incoming, basename(file)));
  const ours = write(spool, 2 * round + 2);
  const { ended } = await killed('handover', root, folder, afterMs);
  const work = new RepositoryWork({
    ...{ root, create: false, shared: false, spools: [spool], taiMinusUtcS: 37 },
    ...{ keepHours: null, diskShare: null, keepShare: null },
    handover: { incoming, outgoing, everyS: 1 },
  });
  work.reconcile();
  work.handOver();
  work.close();
  const repository = new Repository(root);
  const there = new Set(
    listDatasets(repository, { type: 'raw', limit: 2 * files }).map(({ uri }) =>
      checksum(new URL(uri).pathname),
    ),
  );
  const isGood = checkRepository(repository, false).good;
  repository.close();
  const lost = [
    ...[...theirs, ...ours].filter((file) => !there.has(checksum(file))),
    ...ours.filter((file) => !existsSync(join(outgoing, basename(file)))),
    ...readdirSync(incoming),
  ];
  for (const one of folders) rmSync(one, { recursive: true });
  return { ended, lost: lost.length, isGood };
}

async function calibrations(root: string, folder: string, round: number, afterMs: number) {
  const label = `delivery-${round}`;
  const source = join(folder, label);
  for (const { raft, nameInRaft } of detectors.slice(0, files)) {
    const name = `${raft}_${nameInRaft}`;
    const header = { OBSTYPE: 'bias', DETNAME: name };
    writeFits(join(source, name, 'bias.fits'), header, `${round}`.repeat(100_000));
  }
  const { ended } = await killed('calibs', root, source, afterMs);
  const repository = new Repository(root);
  const collection = `LSSTCam/calib/${label}`;
  const inForce = () => {
    if (!repository.db.read(() => repository.registry.collection(collection))) return 0;
    const all = { collections: [collection], type: null, detector: null, filter: null, at: null };
    return listCalibrations(repository, all).length;
  };
  const before = inForce();
  const isGood = checkRepository(repository, true).good;
  await syncCalibrationFolder(
    repository,
    source,
    {
      ...{ begin: null, end: null, filters: [], detectors: [], label, runLabel: 'again' },
      ...{ nowMs: Date.now(), taiNs: 1n },
    },
    async () => false,
  );
  const lost = files - inForce();
  const isGoodAfter = checkRepository(repository, false).good;
  repository.close();
  rmSync(source, { recursive: true });
  return { ended, lost, halfInForce: before === files ? 0 : before, isGood: isGood && isGoodAfter };
}

export async function measureHandKills(
  folder: string,
  rounds: number,
  random: () => number,
): Promise<{ readonly handover: HandKills; readonly calibrations: HandKills }> {
  const none = { rounds: 0, inTheMiddle: 0, lost: 0, halfInForce: 0, notGood: 0 };
  const sums = { handover: { ...none }, calibrations: { ...none } };
  const root = join(folder, 'hand-kills');
  createRepository(root);
  for (let i = 0; i < rounds; i++) {
    const what = i % 2 === 0 ? 'handover' : 'calibrations';
    const once = what === 'handover' ? handover : calibrations;
    const result = { halfInForce: 0, ...(await once(root, join(folder, what), i, random() * mostMs)) };
    const sum = sums[what];
    sum.rounds++;
    if (!result.ended) sum.inTheMiddle++;
    sum.lost += result.lost;
    sum.halfInForce += result.halfInForce;
    if (!result.isGood) sum.notGood++;
  }
  return sums;
}
