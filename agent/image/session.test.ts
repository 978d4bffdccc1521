// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { lowerSession } from './session.js';

function proc(t: Test, files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(tmpdir(), 'summit-session-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return directory;
}

const autogroup = '/autogroup-17 nice 0\n';
const leader = '42 (a (strange) name) S 1 42 42 0 -1';
const follower = '43 (node) S 42 42 42 0 -1';

t.test('the session of a service is lowered, and one that others are in is left alone', async (t) => {
  const own = proc(t, { autogroup, stat: leader });
  t.equal(lowerSession(10, own), 'nice 10');
  t.equal(readFileSync(join(own, 'autogroup'), 'utf8'), '10');
  const shared = proc(t, { autogroup, stat: follower });
  t.equal(lowerSession(10, shared), 'shared with others');
  t.equal(readFileSync(join(shared, 'autogroup'), 'utf8'), autogroup);
});

t.test('a kernel that does not share by sessions, and one that refuses, are said', async (t) => {
  t.equal(lowerSession(10, proc(t, { stat: leader })), 'none');
  t.equal(lowerSession(10, proc(t, { autogroup: '', stat: leader })), 'none');
  const strange = proc(t, { stat: leader });
  mkdirSync(join(strange, 'autogroup'));
  t.match(lowerSession(10, strange), /^refused: /);
});
