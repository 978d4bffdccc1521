// SPDX-License-Identifier: Apache-2.0
// The kills of the bench, in short.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { measureKills } from './kills.js';

t.test('kill -9 during ingest and expiry leaves nothing that is not told or repaired', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'butler-kills-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  // Early, in the middle, late.
  const moments = [0.1, 0.3, 0.5, 0.7, 0.2, 0.9, 0.4, 0.6];
  const kills = await measureKills(folder, moments.length, () => moments.shift() ?? 0.5);
  t.match(kills, { rounds: 8, announcedWithout: 0, rowsWithoutFile: 0, repairedNotGood: 0 });
  t.ok(kills.inTheMiddle > 0 && kills.announced > 0, JSON.stringify(kills));
});
