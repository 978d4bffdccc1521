// SPDX-License-Identifier: Apache-2.0
// summit-agent doctor on the machine that runs the tests, whatever it lacks: text, JSON and exit code say the same.
import { spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import t from 'tap';
import { freeTcpPort } from '../../scripts/processes/ports.js';
import { simGuiderProfile } from '../../scripts/processes/profile.js';
import { deadlineMs, Rig } from './rig.js';

const doctor = (...args: readonly string[]) =>
  spawnSync(process.execPath, ['dist/agent/main.js', 'doctor', ...args], {
    encoding: 'utf8',
    timeout: deadlineMs,
  });

t.test('the doctor looks at this machine', async (t) => {
  const rig = new Rig(t);
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  t.teardown(() => taken.close());
  const address = taken.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const profile = rig.profile(
    simGuiderProfile({
      udpPort: await freeTcpPort(),
      daqControl: null,
      data: `tcp://127.0.0.1:${port}`,
      control: 'tcp://127.0.0.1:0',
    }),
  );
  const json = doctor('--json', '--profile', profile);
  const report = JSON.parse(json.stdout) as {
    ok: boolean;
    checks: string[];
    findings: { check: string; found: string; remedy: string }[];
  };
  t.equal(json.status, 1);
  t.equal(report.ok, false);
  t.match(
    report.findings.filter(({ check }) => check === 'port'),
    [{ found: new RegExp(`publish.data: expected tcp port ${port} to be free, process ${process.pid} `) }],
    'this test is in the way, and named',
  );
  const text = doctor('--profile', profile);
  t.equal(text.status, 1);
  for (const { check, remedy } of report.findings) {
    t.ok(text.stdout.includes(` ${check}: `) && text.stdout.includes(remedy), check);
  }
});

t.test('a wrong profile is refused before anything is looked at', async (t) => {
  const { status, stderr } = doctor('--profile', '/nonexistent.yaml');
  t.equal(status, 2);
  t.match(stderr, /expected a readable YAML file/);
});
