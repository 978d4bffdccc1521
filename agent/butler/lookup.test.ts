// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Calibration } from './certify.js';
import { findDataset } from './lookup.js';
import { CollectionType } from './registry.js';
import { nsOfIso } from './tai-times.js';
import { certify } from './testing/certified.js';
import { cameraHeader, writeFits } from './testing/headers.js';
import { newRepository } from './testing/new-repository.js';

const day = (text: string) => nsOfIso(text) ?? 0n;
const span = (begin: string, end: string) => ({ begin: day(begin), end: day(end) });

function setUp(t: Test) {
  const { folder, repository } = newRepository(t);
  const one = (
    type: string,
    begin: string,
    end: string,
    filter: string | null = null,
  ): Omit<Calibration, 'sha256'> => ({
    file: writeFits(join(folder, `${type}-${begin}.fits`), cameraHeader, begin),
    type,
    instrument: 'LSSTCam',
    detector: 'R44_SW0',
    filter,
    span: span(begin, end),
  });
  const add = (collection: string, run: string, ...calibrations: readonly Omit<Calibration, 'sha256'>[]) =>
    certify(repository, calibrations, { run, collection, nowMs: 1_795_000_000_000, taiNs: 1n });
  const dataId = { instrument: 'LSSTCam', detector: 203 };
  const find = (type: string, begin: string, end: string, more = {}) =>
    findDataset(repository, type, { ...dataId, ...more }, ['LSSTCam/defaults'], span(begin, end));
  return { repository, one, add, find };
}

t.test('a calibration is the one that is valid, its end excluded', async (t) => {
  const { repository, one, add, find } = setUp(t);
  const first = one('bias', '2025-01-01', '2026-01-01');
  const second = one('bias', '2026-01-01', '2027-01-01');
  const [a] = add('LSSTCam/calib/DM-1', 'LSSTCam/calib/DM-1/a', first);
  const [b] = add('LSSTCam/calib/DM-1', 'LSSTCam/calib/DM-1/b', second);
  t.equal(
    find('bias', '2025-12-31T23:59:59', '2026-01-01T00:00:00'),
    a,
    'an exposure that ends where the next begins',
  );
  t.equal(find('bias', '2026-01-01T00:00:00', '2026-01-01T00:00:15'), b);
  t.equal(find('bias', '2027-01-01T00:00:00', '2027-01-01T00:00:15'), null);
  t.throws(() => find('bias', '2025-12-31T23:59:50', '2026-01-01T00:00:05'), {
    code: 'butler_conflict',
    message: /expected one in LSSTCam\/calib\/DM-1, got more/,
  });
  t.equal(find('dark', '2026-01-01', '2026-01-02'), null, 'a type that is not there');
  const anyTime = findDataset(repository, 'bias', { instrument: 'LSSTCam', detector: 203 }, [
    'LSSTCam/defaults',
  ]);
  t.equal(anyTime, null, 'calibration collections are searched for a time only');
  t.same(repository.db.pragma('foreign_key_check'), []);
});

t.test('the collection that comes first in the chain wins', async (t) => {
  const { repository, one, add, find } = setUp(t);
  add('LSSTCam/calib/DM-1', 'LSSTCam/calib/DM-1/a', one('bias', '2025-01-01', '2027-01-01'));
  const [newer] = add('LSSTCam/calib/DM-2', 'LSSTCam/calib/DM-2/a', one('bias', '2025-06-01', '2027-01-01'));
  t.equal(find('bias', '2026-01-01', '2026-01-02'), newer);
  const tagged = repository.db.write(() =>
    repository.registry.ensureCollection('u/one', CollectionType.tagged),
  );
  t.equal(tagged.type, CollectionType.tagged);
  t.throws(() => findDataset(repository, 'bias', { instrument: 'LSSTCam', detector: 203 }, ['absent']), {
    message: /expected a collection, got absent/,
  });
});

t.test('two that are valid at once are refused, and none of their kind stays', async (t) => {
  const { repository, one, add, find } = setUp(t);
  const [first] = add('LSSTCam/calib/DM-1', 'LSSTCam/calib/DM-1/a', one('bias', '2025-01-01', '2026-01-01'));
  const overlapping = one('bias', '2025-12-01', '2027-01-01');
  const dark = one('dark', '2025-01-01', '2026-01-01');
  t.throws(() => add('LSSTCam/calib/DM-1', 'LSSTCam/calib/DM-1/b', dark, overlapping), {
    code: 'butler_conflict',
    message: /bias {instrument=LSSTCam, detector=203}/,
  });
  t.equal(find('dark', '2025-06-01', '2025-06-02'), null);
  t.equal(repository.registry.collection('LSSTCam/calib/DM-1/b'), null);
  t.equal(find('bias', '2025-06-01', '2025-06-02'), first);
});

t.test('a flat belongs to its filter', async (t) => {
  const { one, add, find } = setUp(t);
  const [flat] = add(
    'LSSTCam/calib/DM-1',
    'LSSTCam/calib/DM-1/f',
    one('flat', '2025-01-01', '2027-01-01', 'i_39'),
  );
  t.equal(find('flat', '2026-01-01', '2026-01-02', { physical_filter: 'i_39' }), flat);
  t.equal(find('flat', '2026-01-01', '2026-01-02', { physical_filter: 'r_57' }), null);
  t.throws(() => find('flat', '2026-01-01', '2026-01-02'), {
    message: /expected physical_filter in the data ID/,
  });
});
