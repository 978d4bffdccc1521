// SPDX-License-Identifier: Apache-2.0
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { OutFile } from './out-file.js';

const directory = mkdtempSync(join(tmpdir(), 'summit-out-'));
t.teardown(() => rmSync(directory, { recursive: true }));

function fresh(name: string): string {
  const own = join(directory, name);
  mkdirSync(own);
  return own;
}

t.test('nothing but the whole result is ever seen at its place', async (t) => {
  const own = fresh('whole');
  const path = join(own, 'out.json');
  writeFileSync(path, 'former');
  const out = new OutFile(path);
  t.equal(readFileSync(path, 'utf8'), 'former', 'until it is finished the former one stays');
  out.publish('new');
  t.equal(readFileSync(path, 'utf8'), 'new');
  out.discard();
  t.equal(readFileSync(path, 'utf8'), 'new', 'what was published stays');
  t.same(readdirSync(own), ['out.json']);
});

t.test('a result that is given up leaves nothing behind', async (t) => {
  const own = fresh('given-up');
  const out = new OutFile(join(own, 'out.json'));
  out.discard();
  t.same(readdirSync(own), []);
});

t.test('a link stays a link to the result', async (t) => {
  const own = fresh('link');
  writeFileSync(join(own, 'real.json'), '');
  symlinkSync('real.json', join(own, 'out.json'));
  new OutFile(join(own, 'out.json')).publish('new');
  t.ok(lstatSync(join(own, 'out.json')).isSymbolicLink());
  t.equal(readFileSync(join(own, 'real.json'), 'utf8'), 'new');
});

t.test('a device is written as it is', async () => {
  new OutFile('/dev/null').publish('gone');
});

t.test('a place that cannot be written is refused before anything is measured', async (t) => {
  t.throws(() => new OutFile(join(directory, 'none', 'out.json')), {
    code: 'usage',
    message: /^--out: .*ENOENT/,
  });
  t.throws(() => new OutFile(directory), {
    code: 'usage',
    message: /^--out: .*expected a file, got a directory/,
  });
});
