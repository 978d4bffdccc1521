// SPDX-License-Identifier: Apache-2.0
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { ipcPlaceProblems, pathProblem } from './ipc.js';

const places = (path: string, beforeStart = false) =>
  ipcPlaceProblems({ 'publish.data': `ipc://${path}` }, { beforeStart });

/** Short, wherever the tests are: a socket's address has little room. */
function folderOf(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'ipc-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return folder;
}

t.test('a path is absolute and has room in a socket address', async (t) => {
  t.equal(pathProblem(`/${'a'.repeat(106)}`), null);
  t.match(pathProblem(`/${'a'.repeat(107)}`), /expected a path of at most 107 bytes .*, got 108: "ipc:/);
  t.match(pathProblem(`/${'\u00e4'.repeat(60)}`), /got 121/, 'bytes, not letters');
  for (const path of ['data', './data', '@name', '*'])
    t.match(pathProblem(path), /expected .* absolute path/);
});

t.test('a place where nothing can listen is told with what to do', async (t) => {
  const folder = folderOf(t);
  writeFileSync(join(folder, 'file'), 'x');
  mkdirSync(join(folder, 'within'));
  t.same(places(join(folder, 'data')), []);
  t.match(places(join(folder, 'none', 'data')), [
    /^publish\.data: expected an existing folder for .*, got ENOENT for .*none; mkdir .*none/,
  ]);
  t.match(places(join(folder, 'file', 'data')), [/expected a folder .*, got a file at .*; name another/]);
  t.match(places(join(folder, 'file')), [/got a file that is no socket at .*; remove it or name/]);
  t.match(places(join(folder, 'within')), [/got a folder at /]);
  t.same(ipcPlaceProblems({ a: null, b: 'tcp://127.0.0.1:0' }, { beforeStart: false }), []);
});

t.test('the socket of an earlier agent is no obstacle', async (t) => {
  const path = join(folderOf(t), 's');
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.teardown(() => server.close());
  t.same(places(path), []);
});

t.test('a folder that this user may not write in is no place', async (t) => {
  const folder = folderOf(t);
  chmodSync(folder, 0o555);
  // Root may write everywhere.
  const closed = process.getuid?.() === 0 ? [] : [/expected a folder that this user may write in/];
  t.match(places(join(folder, 'data')), closed);
  chmodSync(folder, 0o755);
});

t.test('what systemd makes for the unit may be missing before it starts', async (t) => {
  const path = '/run/summit-agent/no-such-instance/data';
  t.same(places(path, true), []);
  t.match(places(path), [/under systemd \/run\/summit-agent\/NAME is there by itself/]);
});
