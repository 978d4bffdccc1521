// SPDX-License-Identifier: Apache-2.0
// A short run of what `npm run bench -- crashes` does at length.
import t from 'tap';
import { runCrashes } from '../../scripts/bench/image/crashes.js';

t.test('kills at any moment lose no announced file and leave none that nobody was told of', async (t) => {
  const report = await runCrashes(4, 7);
  t.match(report, { images: 4, kills: 2, missing: [], untold: [], leftovers: [] });
  t.ok(report.files >= 1, `${report.files} files`);
});
