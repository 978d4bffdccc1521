// SPDX-License-Identifier: Apache-2.0
// A disk that is full in the middle: nothing half done stays, nothing is lost, and with more room it goes on.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import t, { type Test } from 'tap';
import { listCalibrations } from './calibration-listing.js';
import { syncCalibrationFolder } from './calibration-sync.js';
import { checkRepository } from './check.js';
import { createRepository } from './create.js';
import { Repository } from './repository.js';
import { RepositoryWork } from './repository-work.js';
import { cameraHeader, numbered, writeFits, writeRaw } from './testing/headers.js';
import { smallDisk } from './testing/small-disk.js';

const content = 'x'.repeat(400_000);

function folderOf(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'beside-small-disk-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return folder;
}

const roomy = 20_000;
const everything = { collections: ['LSSTCam/calib'], type: null, detector: null, filter: null, at: null };

t.test('calibrations that do not all fit: none is in force, none lies there, and then all', async (t) => {
  const disk = smallDisk(t, roomy);
  const root = join(disk.folder, 'repo');
  createRepository(root);
  const source = folderOf(t);
  for (const detector of ['R00_SW0', 'R04_SW0', 'R40_SW0', 'R44_SW0'])
    writeFits(join(source, detector, 'bias.fits'), { OBSTYPE: 'bias', DETNAME: detector }, content);
  const repository = new Repository(root);
  t.teardown(() => repository.close());
  const files = () => readdirSync(root, { recursive: true }).filter((name) => /bias/.test(String(name)));
  const sync = (runLabel: string) =>
    syncCalibrationFolder(
      repository,
      source,
      {
        ...{ begin: null, end: null, filters: [], detectors: [], label: 'DM-1', runLabel },
        ...{ nowMs: 1_795_000_000_000, taiNs: 1n },
      },
      async () => false,
    );
  disk.leave(1000);
  await t.rejects(sync('one'), { message: /ENOSPC/ });
  t.same(
    files().filter((name) => /\.fits/.test(String(name))),
    [],
  );
  t.same(listCalibrations(repository, everything), []);
  t.match(checkRepository(repository, false), { good: true, orphans: [] });
  disk.resize(2 * roomy);
  t.equal((await sync('two')).added.length, 4);
  t.match(checkRepository(repository, false), { good: true, datasets: 4, orphans: [] });
});

function handoverOn(t: Test, root: string, shared: string) {
  const [incoming, outgoing, spool] = [join(shared, 'in'), join(shared, 'out'), join(shared, 'spool')];
  for (const one of [incoming, outgoing, spool]) mkdirSync(one);
  const work = new RepositoryWork({
    ...{ root, create: true, shared: false, spools: [spool], taiMinusUtcS: 37 },
    ...{ keepHours: null, diskShare: null, keepShare: null },
    handover: { incoming, outgoing, everyS: 1 },
  });
  t.teardown(() => work.close());
  return { incoming, outgoing, spool, work };
}

t.test('what an archiver hands over and finds no room stays where it is, and is taken later', async (t) => {
  const disk = smallDisk(t, roomy);
  const root = join(disk.folder, 'repo');
  const { incoming, work } = handoverOn(t, root, folderOf(t));
  const others = disk.leave(300);
  const files = [51, 52].map((seqNum) => writeRaw(incoming, numbered(cameraHeader, seqNum), content));
  // They have been whole for long.
  for (const file of files) utimesSync(file, 1, 1);
  const arrived = () => readdirSync(incoming).sort();
  t.match(work.handOver().files, [
    { outcome: 'failed', problem: /ENOSPC|disk is full/ },
    { outcome: 'failed', problem: /ENOSPC|disk is full/ },
  ]);
  t.same(
    arrived(),
    files.map((file) => basename(file)),
  );
  const parts = () =>
    readdirSync(root, { recursive: true }).filter((name) => /\.part$|\.fits$/.test(String(name)));
  t.same(parts(), [], 'no part of one lies there');
  rmSync(others);
  t.match(work.handOver().files, [{ outcome: 'ingested' }, { outcome: 'ingested' }]);
  t.same(arrived(), []);
});

t.test('what an archiver has no room for is owed to it', async (t) => {
  const disk = smallDisk(t, 300);
  const own = folderOf(t);
  const spool = join(own, 'spool');
  const outgoing = join(disk.folder, 'out');
  mkdirSync(outgoing);
  const work = new RepositoryWork({
    ...{ root: join(own, 'repo'), create: true, shared: false, spools: [spool], taiMinusUtcS: 37 },
    ...{ keepHours: 1e-9, diskShare: null, keepShare: null },
    handover: { incoming: null, outgoing, everyS: 1 },
  });
  t.teardown(() => work.close());
  const file = writeRaw(spool, cameraHeader, content);
  const { files, handover } = work.ingest([file]);
  t.match(files, [{ outcome: 'ingested' }]);
  t.match(handover, /ENOSPC/);
  t.same(readdirSync(outgoing), [], 'and no part of it lies there');
  await work.expire([], async () => undefined);
  t.ok(existsSync(file), 'it stays until the archiver has it');
  disk.resize(2000);
  t.equal(work.handOver().handover, null);
  t.same(readFileSync(join(outgoing, basename(file))), readFileSync(file));
  await work.expire([], async () => undefined);
  t.notOk(existsSync(file));
});
