// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { appendFileSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { validatorFrom } from './validator.js';

const schema = 'hw-profiles/schema.json';
const folder = t.testdir();
const built = join(folder, 'profile-validator.cjs');
execFileSync(process.execPath, ['scripts/profile-validator.mjs', built]);

const good = parse(readFileSync('hw-profiles/sim-guider.yaml', 'utf8')) as Record<string, object>;
const profiles: readonly unknown[] = [
  good,
  null,
  { ...good, agent: { name: 'no blanks please', role: 'cook' } },
  { ...good, health: { disks: [{ folder: 7 }], prometheuz: null } },
  { ...good, daq: { driver: 'wire', slots: 0.5, wire: { control: 5 } }, guider: undefined },
];

t.test('the built validator says what the compiled one says', async (t) => {
  const ours = validatorFrom(schema, built);
  const theirs = validatorFrom(schema, join(folder, 'nothing'));
  t.not(ours, theirs);
  for (const profile of profiles) {
    t.equal(ours(profile), theirs(profile));
    t.same(ours.errors, theirs.errors);
  }
  t.equal(ours(good), true);
});

t.test('a schema that has changed since the build is the one that counts', async (t) => {
  const changed = join(folder, 'schema.json');
  copyFileSync(schema, changed);
  writeFileSync(changed, JSON.stringify({ ...JSON.parse(readFileSync(schema, 'utf8')), required: ['moon'] }));
  t.equal(validatorFrom(changed, built)(good), false);
  copyFileSync(schema, changed);
  appendFileSync(changed, '\n');
  t.equal(validatorFrom(changed, built)(good), true);
});
