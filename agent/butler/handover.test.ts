// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { RepositoryWork } from './repository-work.js';
import { at, cameraHeader, numbered, writeRaw } from './testing/headers.js';

function setUp(t: Test, parent = tmpdir()) {
  const folder = mkdtempSync(join(tmpdir(), 'handover-'));
  const shared = mkdtempSync(join(parent, 'handover-shared-'));
  t.teardown(() => {
    for (const one of [folder, shared]) rmSync(one, { recursive: true });
  });
  const [incoming, outgoing, spool] = [join(shared, 'in'), join(shared, 'out'), join(folder, 'spool')];
  for (const one of [incoming, outgoing, spool]) mkdirSync(one);
  const open = () => {
    const work = new RepositoryWork({
      root: join(folder, 'repo'),
      create: true,
      shared: false,
      spools: [spool],
      taiMinusUtcS: 37,
      keepHours: 1e-9,
      diskShare: null,
      keepShare: null,
      handover: { incoming, outgoing, everyS: 1 },
    });
    return work;
  };
  return { folder, incoming, outgoing, spool, open };
}

const namesIn = (folder: string) => readdirSync(folder).sort();

t.test('what an archiver puts there becomes datasets, and is taken out', async (t) => {
  const { folder, incoming, open } = setUp(t);
  const work = open();
  t.teardown(() => work.close());
  const own = writeRaw(join(folder, 'archive'), at(cameraHeader, 'R44', 'SW0'));
  linkSync(own, join(incoming, basename(own)));
  const guider = writeRaw(join(folder, 'archive'), at(numbered(cameraHeader, 52), 'R00', 'SG0'));
  linkSync(guider, join(incoming, basename(guider)));
  const { files, handover } = work.handOver();
  t.equal(handover, null);
  t.match(files, [{ outcome: 'ingested', type: 'raw' }, { outcome: 'waiting' }]);
  const [raw] = files;
  t.same(raw?.told, {
    ...raw?.told,
    kind: 'image.available',
    datasetType: 'raw',
    sensor: 'R44_SW0',
    detector: 203,
    location: 216,
    path: new URL(raw?.uri ?? '').pathname,
    sha256: createHash('sha256').update(readFileSync(own)).digest('hex'),
    obsid: 'MC_O_20260315_000051',
    exposureId: 2026031500051,
    recovered: true,
  });
  t.equal(statSync(new URL(raw?.uri ?? '')).ino, statSync(own).ino, 'no byte is copied');
  t.same(namesIn(incoming), [basename(guider)], 'who waits stays');

  const again = writeRaw(join(folder, 'again'), at(cameraHeader, 'R44', 'SW0'), 'other pixels');
  renameSync(again, join(incoming, basename(again)));
  linkSync(join(incoming, basename(again)), `${again}.kept`);
  const late = writeRaw(join(folder, 'archive'), at(numbered(cameraHeader, 52), 'R44', 'SW1'));
  linkSync(late, join(incoming, basename(late)));
  const next = work.handOver().files;
  t.same(next.map(({ outcome, file }) => `${outcome} ${basename(file)}`).sort(), [
    'conflict MC_O_20260315_000051_R44_SW0.fits',
    'ingested MC_O_20260315_000052_R00_SG0_guider.fits',
    'ingested MC_O_20260315_000052_R44_SW1.fits',
  ]);
  t.match(next.find(({ type }) => type === 'guider_raw')?.told, {
    datasetType: 'guider_raw',
    sensor: 'R00_SG0',
  });
  t.same(namesIn(incoming), ['refused']);
  t.same(namesIn(join(incoming, 'refused')), [basename(again)]);
});

t.test('what the agent wrote is given to the archiver, also later', async (t) => {
  const { incoming, outgoing, spool, open } = setUp(t);
  const work = open();
  const first = writeRaw(spool, cameraHeader);
  t.match(work.ingest([first]), { files: [{ outcome: 'ingested', told: null }], handover: null });
  t.equal(statSync(join(outgoing, basename(first))).ino, statSync(first).ino);
  renameSync(outgoing, `${outgoing}.away`);
  // A file where the folder was: nothing can be put there.
  linkSync(first, outgoing);
  const second = writeRaw(spool, numbered(cameraHeader, 52));
  const failed = work.ingest([second]);
  t.match(failed.files, [{ outcome: 'ingested' }]);
  t.match(failed.handover, /000052_R01_S01\.fits: /);

  await work.expire([], async () => undefined);
  t.notOk(existsSync(first), 'it is too old');
  t.ok(existsSync(second), 'the archiver has not got it');
  rmSync(incoming, { recursive: true });
  t.match(work.handOver().handover, /expected a folder of the archiver, got none|000052_R01_S01/);
  work.close();
  rmSync(outgoing);
  renameSync(`${outgoing}.away`, outgoing);
  const later = open();
  t.match(later.handOver().handover, /handover-shared-\w+\/in: expected a folder of the archiver, got none/);
  t.teardown(() => later.close());
  later.handOver();
  t.ok(existsSync(join(outgoing, basename(second))), 'after a restart');
  await later.expire([second], async () => undefined);
  t.ok(existsSync(second), 'somebody reads it');
  await later.expire([], async () => undefined);
  t.notOk(existsSync(second));
  t.ok(existsSync(join(outgoing, basename(second))), 'the archiver keeps what it has');
});

t.test(
  'between file systems files are copied',
  { skip: !existsSync('/dev/shm') && 'there is no other' },
  async (t) => {
    const { folder, incoming, outgoing, spool, open } = setUp(t, '/dev/shm');
    if (statSync(incoming).dev === statSync(folder).dev) t.comment('it is the same one here');
    const work = open();
    t.teardown(() => work.close());
    const own = writeRaw(spool, cameraHeader);
    const [first] = work.ingest([own]).files;
    t.same(readFileSync(join(outgoing, basename(own))), readFileSync(own));
    // Where the next one goes lies what a crash left before its row.
    const left = fileURLToPath(first?.uri ?? '').replaceAll('R01_S01', 'R44_SW0');
    writeFileSync(left, 'a part of it');
    const theirs = writeRaw(join(folder, 'archive'), at(cameraHeader, 'R44', 'SW0'));
    const content = readFileSync(theirs);
    const handed = writeRaw(incoming, at(cameraHeader, 'R44', 'SW0'));
    linkSync(handed, join(incoming, 'complete'));
    const [one] = work.handOver().files;
    t.match(one, { outcome: 'ingested' });
    t.same(readFileSync(new URL(one?.uri ?? '')), content);
    t.notOk(existsSync(handed));
  },
);

t.test('a guider file that waited over a restart is told of', async (t) => {
  const { spool, outgoing, open } = setUp(t);
  rmSync(outgoing, { recursive: true });
  const guider = writeRaw(spool, at({ ...cameraHeader, N_STAMPS: 30 }, 'R00', 'SG0'));
  const before = open();
  t.match(before.ingest([guider]).files, [{ outcome: 'waiting', told: null }]);
  before.close();
  const after = open();
  t.teardown(() => after.close());
  after.reconcile();
  const raw = writeRaw(spool, at(cameraHeader, 'R44', 'SW0'));
  const { files } = after.ingest([raw]);
  t.match(files, [
    { type: 'raw', told: null },
    {
      type: 'guider_raw',
      told: {
        datasetType: 'guider_raw',
        sensor: 'R00_SG0',
        detector: 189,
        location: 3,
        stamps: 30,
        complete: 30,
      },
    },
  ]);
});
