// SPDX-License-Identifier: Apache-2.0
// The demonstration as a process: what it refuses, and that nothing outlives it.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import t from 'tap';
import { childrenOf, isRunning } from '../processes/proc.js';
import { butlerPython } from '../processes/python.js';
import { until } from '../processes/until.js';

const script = 'dist/scripts/demonstration/main.js';

t.test('a wrong option of the simulator is refused in its words, with exit code 2', async (t) => {
  const wrong: readonly [string, string, RegExp][] = [
    ['--rows', '3', /--rows: expected a whole number 10\.\.400, got "3"/],
    ['--rate', 'fast', /--rate: expected a number .*, got "fast"/],
    ['--fault', 'fire:p=1', /--fault fire:p=1: expected one of drop/],
  ];
  for (const [option, value, sentence] of wrong) {
    const { status, stderr } = spawnSync(process.execPath, [script, option, value], { encoding: 'utf8' });
    t.equal(status, 2, option);
    t.match(stderr, sentence);
  }
});

t.test('simulator and agent end when the demonstration is killed', async (t) => {
  const demo = spawn(process.execPath, [script, '--seconds', '600'], { stdio: ['ignore', 'ignore', 'pipe'] });
  t.teardown(() => demo.kill('SIGKILL'));
  // Its first line comes when both are ready.
  await once(createInterface({ input: demo.stderr }), 'line');
  const children = childrenOf(demo.pid ?? 0);
  t.equal(children.length, 2);
  t.teardown(() => {
    for (const pid of children.filter(isRunning)) process.kill(pid, 'SIGKILL');
  });
  demo.kill('SIGKILL');
  await until(() => !children.some(isRunning), 20_000);
  t.same(children.filter(isRunning), []);
});

t.test('an image role takes images until its time is over, and accounts for them', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'demo-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const repo = join(folder, 'repo');
  const short = ['--seconds', '1', '--exposure', '0.1', '--speed', '20', '--json'];
  const options = ['--role', 'auxtel', ...short, '--repo', repo];
  const demo = spawnSync(process.execPath, [script, ...options], { encoding: 'utf8', timeout: 120_000 });
  t.equal(demo.status, 0, demo.stderr);
  const report = JSON.parse(demo.stdout) as Record<string, unknown>;
  t.match(report, { role: 'auxtel', failed: 0, conserved: true, durableMs: { p50: Number } });
  t.ok(Number(report.images) >= 1 && report.images === report.files, demo.stdout);
  t.same(report.repository, { path: repo, announced: report.files, found: report.files });
  const python = butlerPython();
  if (python.path === null) t.comment(`without the third party: ${python.problem}`);
  else {
    const args = ['agent/test/daf_butler_client.py', 'look', repo];
    const seen = JSON.parse(spawnSync(python.path, args, { encoding: 'utf8' }).stdout);
    t.equal(seen.datasets.length, report.files, 'lsst.daf.butler finds each');
    t.ok(seen.datasets.every(({ stored }: { stored: boolean }) => stored));
  }
  const again = spawnSync(process.execPath, [script, ...options], { encoding: 'utf8' });
  t.match(again, { status: 1, stderr: /--repo: expected a folder for a new repository/ });
});
