// SPDX-License-Identifier: Apache-2.0
// The rig's contract suite on loopback, and its report on one page; scripts/rig runs it on other places too.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { parse, stringify } from 'yaml';
import { curveKeyPair } from 'zeromq';
import { htmlReport } from '../../scripts/contract/html.js';
import { obsIdOf } from '../../scripts/contract/obs-id.js';
import { parseRigOptions } from '../../scripts/contract/options.js';
import { loopback } from '../../scripts/contract/place.js';
import { ofProfile } from '../../scripts/contract/profile-place.js';
import { runSuite } from '../../scripts/contract/suite.js';
import { Child } from '../../scripts/processes/child.js';
import { childrenOf, isRunning } from '../../scripts/processes/proc.js';
import { until } from '../../scripts/processes/until.js';
import { parseObsId } from '../model/obs-id.js';

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

t.test('a site runs it on its own profile: with keys, in STANDBY, without an ROI', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'summit-rig-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const daq = await loopback({ rate: 20, size: 50, folder });
  t.teardown(() => daq.close());
  const [server, own] = [curveKeyPair(), curveKeyPair()];
  const [serverKey, clients, key] = ['server.key', 'clients', 'own.key'].map((name) => join(folder, name));
  if (serverKey === undefined || clients === undefined || key === undefined) throw new Error('three names');
  const secret = { mode: 0o600 };
  writeFileSync(serverKey, JSON.stringify({ name: 'agent', role: 'server', ...server }), secret);
  writeFileSync(key, JSON.stringify({ name: 'rig', role: 'command', ...own }), secret);
  writeFileSync(clients, `command ${own.publicKey} rig\n`, { mode: 0o644 });
  const simulated = parse(readFileSync(daq.profile, 'utf8'));
  const path = join(folder, 'site.yaml');
  const site = {
    ...simulated,
    agent: { ...simulated.agent, startState: 'STANDBY' },
    guider: { ...simulated.guider, roiSpec: null },
    publish: { data: 'tcp://127.0.0.1:0', control: 'tcp://127.0.0.1:0' },
    security: { serverKey, clients },
  };
  writeFileSync(path, stringify(site));
  t.throws(() => ofProfile(path, null, 60), { message: /--key with your key file/ });
  const report = await runSuite(ofProfile(path, key, 60), { seconds: 1, patient: true });
  for (const { name, verdict, detail } of report.cases) t.not(verdict, 'fail', `${name}: ${detail}`);
  t.equal(report.cases.filter(({ verdict }) => verdict === 'pass').length, 7);
  writeFileSync(path, stringify({ ...site, agent: { ...site.agent, startState: '<fill in: STANDBY>' } }));
  t.throws(() => ofProfile(path, key, 60), { message: /to be filled in: STANDBY/ });
});

t.test('options that make no sense are refused with a sentence', async (t) => {
  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [['--seconds', 'abc'], /--seconds: expected a number 1..3600, got "abc"/],
    [['--seconds', '0'], /--seconds/],
    [['--rate=-3'], /--rate: expected a number/],
    [['--size', '401'], /--size: expected a number 10..400/],
    [['--size', '50.5'], /--size: expected a whole number/],
    [['--only', 'moon'], /--only: expected loopback or veth, got "moon"/],
    [['--only', 'veth', '--profile', 'x'], /not together with --profile/],
    [['--key', 'x'], /--key belongs to --profile/],
    [['--bogus'], /Unknown option/],
  ];
  for (const [args, message] of wrong) t.throws(() => parseRigOptions(args), { message }, args.join(' '));
  t.match(parseRigOptions(['--size', '400']), { seconds: 5, rate: 9, size: 400, profile: null });
});

t.test('an exposure of a rig has a name that no observation has', async (t) => {
  t.equal(obsIdOf(new Date('2026-11-27T11:59:59Z'), 1), 'MC_S_20261126_098635');
  t.equal(obsIdOf(new Date('2026-11-27T12:00:00Z'), 4), 'MC_S_20261127_090004');
  t.match(parseObsId(obsIdOf(new Date('2026-11-27T11:59:59Z'), 6)), { controller: 'S', seqNum: 98_640 });
});

t.test('Ctrl-C leaves neither files nor processes', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'summit-rig-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const rig = new Child({
    name: 'rig',
    script: 'dist/scripts/contract/main.js',
    args: ['--only', 'loopback', '--seconds', '600', '--out', join(folder, 'out')],
    environment: { TMPDIR: folder },
  });
  const made = () => readdirSync(folder).find((name) => name.startsWith('summit-rig-'));
  const running = () => existsSync(join(folder, made() ?? '', 'control'));
  t.ok(await until(running, 60_000), 'the agent listens');
  const children = childrenOf(rig.pid);
  t.equal(children.length, 2);
  rig.kill('SIGINT');
  t.equal(await rig.exited, 130);
  t.ok(await until(() => !children.some(isRunning), 60_000), 'DAQ and agent have ended');
  t.same(readdirSync(folder), ['out']);
});
