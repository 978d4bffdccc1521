// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { parseObsId } from './obs-id.js';

t.test('an OBSID gives the exposure id of obs_lsst', async (t) => {
  t.match(parseObsId('MC_O_20260714_000123'), {
    source: 'MC',
    controller: 'O',
    dayObs: 20260714,
    seqNum: 123,
    exposureId: 2026071400123,
  });
});

t.test('test controllers moved the year until they joined the common numbering', async (t) => {
  t.equal(parseObsId('MC_C_20230616_000104')?.exposureId, 3023061600104);
  t.equal(parseObsId('MC_C_20231004_000001')?.exposureId, 3023100400001);
  t.equal(parseObsId('MC_C_20231005_000001')?.exposureId, 2023100500001);
  t.equal(parseObsId('MC_S_20250417_000007')?.exposureId, 7025041700007);
  t.equal(parseObsId('MC_S_20250418_000007')?.exposureId, 2025041800007);
  t.equal(parseObsId('MC_H_20260101_000007')?.exposureId, 4026010100007);
});

t.test('text that is not an OBSID gives null', async (t) => {
  for (const text of [
    '',
    'UNKNOWN',
    'MC_X_20260714_000123',
    'MC_O_20261314_000123',
    'MC_O_20260714_100000',
  ]) {
    t.equal(parseObsId(text), null, text);
  }
});
