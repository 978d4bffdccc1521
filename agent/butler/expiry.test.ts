// SPDX-License-Identifier: Apache-2.0
// The oldest go where the disk is too full, but not all of them where somebody else fills it.
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { createRepository } from './create.js';
import { Expiry } from './expiry.js';
import { Ingest } from './ingest.js';
import { Repository } from './repository.js';
import { cameraHeader, numbered, writeRaw } from './testing/headers.js';
import { smallDisk } from './testing/small-disk.js';

const kilobyte = 1024;
const diskKilobytes = 20_000;

/** A repository that has ten files of 200 kB, the first the oldest, on a disk of 20 MB. */
function setUp(t: Test) {
  const { folder } = smallDisk(t, diskKilobytes);
  const [root, spool] = [join(folder, 'repo'), join(folder, 'spool')];
  createRepository(root);
  const repository = new Repository(root);
  t.teardown(() => repository.close());
  let now = 0n;
  const ingest = new Ingest(root, repository.db, repository.registry, {
    ...{ transfer: 'link', exposures: 'create', taiNs: () => ++now },
  });
  const content = 'x'.repeat(200 * kilobyte - 5760);
  const files = [51, 52, 53, 54, 55, 56, 57, 58, 59, 60].map((seqNum) =>
    writeRaw(spool, numbered(cameraHeader, seqNum), content),
  );
  for (const file of files) ingest.files([file]);
  const expiry = (diskShare: number, keepShare: number | null) =>
    new Expiry(repository, {
      ...{ olderThanNs: null, diskShare, keepShare },
      ...{ batch: 3, spools: [spool], spared: [] },
    });
  const foreign = join(folder, 'core');
  const fill = (share: number) => writeFileSync(foreign, Buffer.alloc(share * diskKilobytes * kilobyte));
  const left = () => files.filter((file) => existsSync(file));
  return { expiry, fill, foreign, files, left };
}

function run(expiry: Expiry): Expiry {
  while (expiry.step() !== null);
  return expiry;
}

t.test('the oldest go until the disk is no fuller than it should be, and not one more', async (t) => {
  const { expiry, files, left } = setUp(t);
  const share = 0.12;
  const would = expiry(share, 0).preview();
  t.equal(run(expiry(share, 0)).filledByOthers, null);
  t.ok(left().length > 0 && left().length < files.length, `${left().length} of 10`);
  t.same(left(), files.slice(files.length - left().length), 'the newest');
  t.equal(would, files.length - left().length, 'as was foretold');
  t.equal(run(expiry(share, 0)).left, left().length, 'nothing more goes the next time');
});

t.test('what somebody else fills the disk with costs no more than the share that stays', async (t) => {
  const { expiry, fill, foreign, files, left } = setUp(t);
  fill(0.8);
  t.match(
    run(expiry(0.5, null)).filledByOthers,
    /is filled to \d\d %, 50 % are allowed; .* are 10 % of it and stay: du -xh/,
  );
  t.same(left(), files, 'a tenth of the disk is less than half of what is allowed');
  const { filledByOthers } = run(expiry(0.5, 0.06));
  t.match(filledByOthers, /are 6 % of it and stay/);
  t.same(left(), files.slice(4), 'six of 1 %');
  rmSync(foreign);
  t.equal(run(expiry(0.5, 0.06)).filledByOthers, null);
  t.same(left(), files.slice(4));
});

t.test('who wants it has everything go', async (t) => {
  const { expiry, fill, left } = setUp(t);
  fill(0.8);
  t.match(run(expiry(0.5, 0)).filledByOthers, /are 0 % of it and stay/);
  t.same(left(), []);
});
