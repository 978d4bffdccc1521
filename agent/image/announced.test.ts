// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { wavefrontBoards } from '../model/image-detectors.js';
import { AnnouncedFiles } from './announced.js';
import { recoveredMessage } from './recovery.js';

const name = (n: number) => `MC_O_20261102_00000${n}_R44_SW1.fits`;

t.test('files without a message are found, also after a crash; others are no concern', async (t) => {
  const directory = t.testdir({ [name(1)]: 'a', [name(2)]: 'b', 'notes.fits': '', '.x.part': '' });
  const first = new AnnouncedFiles(directory);
  t.same(first.open(), [name(1), name(2)]);
  first.add(name(1));
  t.same(new AnnouncedFiles(directory).open(), [name(1), name(2)], 'it may not have left yet');
  first.flush();
  t.same(new AnnouncedFiles(directory).open(), [name(2)]);
  rmSync(join(directory, name(1)));
  new AnnouncedFiles(directory).open();
  writeFileSync(join(directory, name(1)), 'again');
  t.same(new AnnouncedFiles(directory).open(), [name(1), name(2)], 'one that was gone is forgotten');
  t.throws(() => new AnnouncedFiles(join(directory, name(1), 'x')).open(), /ENOTDIR/);
});

t.test('the message of a file is made from what lies there', async (t) => {
  const header = { GROUPID: 'g1', IMAGETAG: 'd9018e', 'DATE-TRG': '2026-11-03T03:26:32.398' };
  const sidecar = name(1).replace('.fits', '.json');
  const directory = t.testdir({ [name(1)]: 'pixels', [name(2)]: '', [sidecar]: JSON.stringify(header) });
  t.match(await recoveredMessage(directory, name(1), wavefrontBoards), {
    sensor: 'R44_SW1',
    detector: 204,
    location: 216,
    exposureId: 2026110200001,
    group: 'g1',
    imageTag: 'd9018e',
    recovered: true,
    bytes: 6,
    sha256: createHash('sha256').update('pixels').digest('hex'),
    triggerTaiNs: 1_793_676_392_398_000_000n,
  });
  await t.rejects(recoveredMessage(directory, name(2), wavefrontBoards), /ENOENT/, 'no sidecar');
  t.equal(await recoveredMessage(directory, name(1), []), null, 'a board of another profile');
});
