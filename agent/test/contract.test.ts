// SPDX-License-Identifier: Apache-2.0
// The rig's contract suite on loopback, and its report on one page; scripts/rig runs it on other places too.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { htmlReport } from '../../scripts/contract/html.js';
import { loopback } from '../../scripts/contract/place.js';
import { runSuite } from '../../scripts/contract/suite.js';

t.setTimeout(120_000);

t.test('an agent keeps its contract, and the report says so to who was not there', async (t) => {
  // Short enough for a socket's path.
  const folder = mkdtempSync(join(tmpdir(), 'summit-rig-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const place = await loopback({ rate: 20, size: 50, folder });
  t.teardown(() => place.close());
  const report = await runSuite(place, { seconds: 1, patient: true });
  for (const { name, verdict, detail } of report.cases) t.not(verdict, 'fail', `${name}: ${detail}`);
  t.equal(report.cases.length, 10);
  t.match(
    report.doors.map(({ door, count }) => [door, count > 100]),
    [
      ['first to last packet', true],
      [String, true],
      [String, true],
      [String, true],
      ['trigger to published', true],
    ],
  );
  const page = htmlReport([report]);
  for (const word of ['loopback', 'R44_SG1', 'not here', '<svg', report.machine.kernel])
    t.ok(page.includes(word), word);
});
