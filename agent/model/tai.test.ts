// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { chooseTaiOffset, parseLeapTable } from './tai.js';

const table = [
  '#$ 3676924800',
  '#@ 3991766400',
  '3550089600 35 # 1 Jul 2012',
  '3692217600 37 # 1 Jan 2017',
].join('\n');
const in2026 = 1_780_000_000;

t.test('the kernel offset is used when it was set', async (t) => {
  t.match(chooseTaiOffset(37, table, in2026), { seconds: 37, source: 'kernel', suspect: false });
});

t.test('a kernel that says 0 is not believed: the table is used and results are suspect', async (t) => {
  const offset = chooseTaiOffset(0, table, in2026);
  t.match(offset, { seconds: 37, source: 'leap_table', suspect: true });
  t.match(offset.detail, /the kernel says 0 s/);
  t.match(chooseTaiOffset(null, table, 1_400_000_000), { seconds: 35 });
});

t.test('an expired table is still used and says so', async (t) => {
  t.equal(parseLeapTable(table).expiresUnixS, 3991766400 - 2208988800);
  t.match(chooseTaiOffset(0, table, 1_900_000_000), { seconds: 37, detail: /expired/ });
});

t.test('without kernel and table there is no offset and it is said', async (t) => {
  t.match(chooseTaiOffset(0, null, in2026), { seconds: 0, source: 'none', suspect: true });
  t.match(chooseTaiOffset(null, 'rubbish', in2026), { source: 'none', suspect: true });
});

t.test('the profile counts where the kernel knows nothing, and is vouched for', async (t) => {
  t.match(chooseTaiOffset(0, null, in2026, 37), { seconds: 37, source: 'profile', suspect: false });
  t.match(chooseTaiOffset(0, table, in2026, 37), { seconds: 37, source: 'profile', suspect: false });
  t.match(chooseTaiOffset(37, table, in2026, 37), { seconds: 37, source: 'kernel', suspect: false });
});

t.test('who knows it and does not agree makes it suspect; an expired table is not heard', async (t) => {
  t.match(chooseTaiOffset(38, table, in2026), {
    seconds: 38,
    source: 'kernel',
    suspect: true,
    detail: /the kernel says 38 s, .*leap-seconds.list says 37 s; 38 s is used/,
  });
  t.match(chooseTaiOffset(37, null, in2026, 36), {
    seconds: 37,
    suspect: true,
    detail: /the profile says 36 s/,
  });
  t.match(chooseTaiOffset(0, table, in2026, 36), { seconds: 36, source: 'profile', suspect: true });
  t.match(chooseTaiOffset(38, table, 1_900_000_000), { seconds: 38, suspect: false });
});
