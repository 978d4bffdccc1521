// SPDX-License-Identifier: Apache-2.0
// A process at work in a repository, to be killed or to have a rival: node victim.js WHAT ROOT FOLDER
//   ingest    the files of FOLDER by exposure; says the UUIDs of each answer, as an agent would announce them
//   expire    removes everything; says the UUIDs of each step
//   handover  files of FOLDER/spool, then what lies in FOLDER/in; says the UUIDs
//   calibs    synchronises FOLDER; says nothing
//   rival     at each line of stdin the next file of FOLDER; says its outcome
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { syncCalibrationFolder } from '../../../agent/butler/calibration-sync.js';
import { Repository } from '../../../agent/butler/repository.js';
import { type Ingested, RepositoryWork } from '../../../agent/butler/repository-work.js';

const [, , what = '', root = '', folder = ''] = process.argv;
const say = (words: readonly string[]) => process.stdout.write(`${words.join(' ')}\n`);

function open(): RepositoryWork {
  const handover = { incoming: join(folder, 'in'), outgoing: join(folder, 'out'), everyS: 1 };
  return new RepositoryWork({
    root,
    create: false,
    shared: false,
    spools: what === 'handover' ? [join(folder, 'spool')] : [],
    taiMinusUtcS: 37,
    keepHours: what === 'expire' ? 1e-6 : null,
    diskShare: null,
    keepShare: null,
    handover: what === 'handover' ? handover : null,
  });
}

const filesIn = (path: string) =>
  readdirSync(path)
    .sort()
    .map((name) => join(path, name));

function announce({ files }: Ingested): void {
  const done = files.filter(({ outcome }) => outcome === 'ingested' || outcome === 'unchanged');
  say(done.map(({ uuid }) => uuid ?? ''));
}

async function synchronise(): Promise<void> {
  const repository = new Repository(root);
  const label = basename(folder);
  say(['ready']);
  await syncCalibrationFolder(
    repository,
    folder,
    {
      ...{ begin: null, end: null, filters: [], detectors: [], label, runLabel: String(process.pid) },
      ...{ nowMs: Date.now(), taiNs: 1n },
    },
    async () => false,
  );
  repository.close();
}

async function work(): Promise<void> {
  const work = open();
  say(['ready']);
  if (what === 'expire') await work.expire([], async ({ uuids }) => void say(uuids));
  if (what === 'ingest') for (const exposure of filesIn(folder)) announce(work.ingest(filesIn(exposure)));
  if (what === 'handover') {
    for (const file of filesIn(join(folder, 'spool'))) announce(work.ingest([file]));
    announce(work.handOver());
  }
  if (what === 'rival') {
    const files = filesIn(folder);
    for await (const _ of createInterface(process.stdin))
      say([work.ingest(files.splice(0, 1)).files[0]?.outcome ?? '']);
  }
  work.close();
}

await (what === 'calibs' ? synchronise() : work());
