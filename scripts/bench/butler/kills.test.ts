// SPDX-License-Identifier: Apache-2.0
// The kills of the bench, in short.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { measureHandKills } from './hand-kills.js';
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

t.test(
  'kill -9 during a hand-over and a synchronisation loses no file and leaves no half of one',
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'butler-hand-kills-'));
    t.teardown(() => rmSync(folder, { recursive: true }));
    const moments = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.8, 0.9];
    const { handover, calibrations } = await measureHandKills(
      folder,
      moments.length,
      () => moments.shift() ?? 0.5,
    );
    t.match(handover, { rounds: 4, lost: 0, notGood: 0 });
    t.match(calibrations, { rounds: 4, lost: 0, halfInForce: 0, notGood: 0 });
    t.ok(
      handover.inTheMiddle > 0 && calibrations.inTheMiddle > 0,
      JSON.stringify({ handover, calibrations }),
    );
  },
);
