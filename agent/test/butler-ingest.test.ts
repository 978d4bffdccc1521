// SPDX-License-Identifier: Apache-2.0
// A repository whose exposures are somebody else's: this agent refuses, and says who may; scripts/clients/butler_ingest.py
// drives lsst.daf.butler for the same files. What of the Science Pipelines cannot be installed stands in stack/.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { JsonLine } from '../../scripts/processes/child.js';
import { butlerPython } from '../../scripts/processes/python.js';
import { createRepository } from '../butler/create.js';
import { Ingest } from '../butler/ingest.js';
import { Repository } from '../butler/repository.js';
import { at, cameraHeader, numbered, writeFits, writeRaw } from '../butler/testing/headers.js';

const python = butlerPython();
const folder = mkdtempSync(join(tmpdir(), 'butler-ingest-'));
t.teardown(() => rmSync(folder, { recursive: true }));

function sidecar(root: string, files: readonly string[], stack = 'agent/test/stack') {
  const args = ['scripts/clients/butler_ingest.py', root, '-', '--transfer', 'hardlink'];
  const { status, stdout, stderr } = spawnSync(python.path ?? '', args, {
    encoding: 'utf8',
    input: files.join('\n'),
    env: { ...process.env, PYTHONPATH: stack },
  });
  const lines = stdout.split('\n').filter((line) => line !== '');
  return { status, stderr, told: lines.map((line) => JSON.parse(line) as JsonLine) };
}

function native(root: string, files: readonly string[]) {
  const repository = new Repository(root);
  const { db, registry } = repository;
  const taiNs = () => BigInt(Date.now()) * 1_000_000n;
  const ingest = new Ingest(root, db, registry, { transfer: 'link', exposures: 'existing', taiNs });
  const results = ingest.files(files);
  repository.close();
  return results;
}

t.test('files that only the site may ingest', { skip: python.problem ?? false }, async (t) => {
  const root = join(folder, 'repo');
  createRepository(root);
  const header = { ...cameraHeader, FILTER: 'i_39' };
  const raw = writeRaw(join(folder, 'raw'), at(header, 'R44', 'SW0'));
  const guider = writeRaw(join(folder, 'raw'), at(header, 'R00', 'SG0'));
  const lonely = writeRaw(join(folder, 'raw'), at(numbered(header, 52), 'R00', 'SG0'));
  const [refused] = native(root, [raw]);
  t.match(refused, {
    outcome: 'conflict',
    problem: /is not in the repository, .*scripts\/clients\/butler_ingest\.py REPO FILE\.\.\./,
  });

  const first = sidecar(root, [raw, guider, lonely]);
  t.match(first.told, [
    { file: raw, outcome: 'ingested', run: 'LSSTCam/raw/all', data_id: { detector: 203 } },
    { file: guider, outcome: 'ingested', run: 'LSSTCam/raw/guider', data_id: { detector: 189 } },
    { file: lonely, outcome: 'waiting', problem: /MC_O_20260315_000052 is not there/ },
  ]);
  t.equal(first.status, 0, first.stderr);
  const other = writeRaw(join(folder, 'raw'), at({ ...header, OBJECT: 'another' }, 'R44', 'SW1'));
  const broken = writeFits(join(folder, 'raw', 'MC_O_20260315_000051_R44_S22.fits'), { OBSID: 'x' });
  const bad = sidecar(root, [raw, guider, other, broken]);
  t.equal(bad.status, 1);
  t.match(bad.told, [
    { file: raw, outcome: 'unchanged' },
    { file: guider, outcome: 'unchanged' },
    { file: other, outcome: 'conflict', problem: /target_name/ },
    { file: broken, outcome: 'bad_metadata' },
  ]);
  t.match(native(root, [other]), [{ outcome: 'conflict', problem: /target_name.*butler_ingest\.py/ }]);
});

t.test('without the Science Pipelines it says so', { skip: python.problem ?? false }, async (t) => {
  const { status, stderr } = sidecar(folder, ['x'], '/nowhere');
  t.equal(status, 2);
  t.match(stderr, /expected the Python of the site's Science Pipelines: No module named/);
});
