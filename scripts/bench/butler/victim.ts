// SPDX-License-Identifier: Apache-2.0
// A process that is killed: node victim.js ingest|expire ROOT SPOOL. Ingests the files of the spool by exposure and says
// the UUIDs of each answer, as an agent would announce them; or removes everything.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { RepositoryWork } from '../../../agent/butler/repository-work.js';

const [, , what, root = '', spool = ''] = process.argv;
const work = new RepositoryWork({
  root,
  create: false,
  shared: false,
  spools: [],
  taiMinusUtcS: 37,
  keepHours: what === 'expire' ? 1e-6 : null,
  diskShare: null,
  keepShare: null,
  handover: null,
});
const say = (uuids: readonly string[]) => process.stdout.write(`${uuids.join(' ')}\n`);
say(['ready']);
if (what === 'expire') {
  await work.expire([], async ({ uuids }) => {
    say(uuids);
  });
} else {
  for (const folder of readdirSync(spool)) {
    const files = readdirSync(join(spool, folder)).map((name) => join(spool, folder, name));
    const done = work
      .ingest(files)
      .files.filter(({ outcome }) => outcome === 'ingested' || outcome === 'unchanged');
    say(done.map(({ uuid }) => uuid ?? ''));
  }
}
work.close();
