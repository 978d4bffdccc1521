// SPDX-License-Identifier: Apache-2.0
// A generated set is one that `summit-agent measure` reads.
import t from 'tap';
import { readStampSet } from '../../../agent/measure/stamp-set.js';
import { parseStampsOptions } from '../../../sim-hw/stamps/options.js';
import { writeStampSet } from '../../../sim-hw/stamps/stamp-set.js';
import { byClass, readTruth } from './stamps.js';

t.test('a generated set is accepted, group by group and stamp by stamp', async (t) => {
  const directory = t.testdir();
  const options = parseStampsOptions(['--out', directory, '--cell', '2', '--class', '1']);
  await writeStampSet(directory, options?.plans ?? [], () => undefined);
  const sets = readStampSet(directory);
  const truth = readTruth(directory);
  t.same(
    sets.map(({ name }) => name),
    truth.map(({ name }) => name),
  );
  t.equal(sets.filter(({ series }) => series).length, 8);
  for (const [i, set] of sets.entries()) {
    t.equal(set.stamps, truth[i]?.rows.length);
    t.equal(set.open()(set.stamps - 1).length, set.rows * set.cols, set.name);
  }
});

t.test('truth is read by class', async (t) => {
  const directory = t.testdir();
  const options = parseStampsOptions(['--out', directory, '--cell', '2', '--groups', 'acc_u16_50']);
  await writeStampSet(directory, options?.plans ?? [], () => undefined);
  const [group] = readTruth(directory);
  t.ok(group);
  if (group === undefined) return;
  const cells = byClass(group, { acc_u16_50: [null, null, null, null, null, null] });
  t.same([...cells.keys()], ['snr20', 'snr100', 'snr500']);
  t.match(cells.get('snr100')?.[0]?.truth, { snr: 100, fwhmPx: 4, gain: 1.46, star: true, want: 'measure' });
  t.equal(byClass(group, {}).size, 0);
});
