// SPDX-License-Identifier: Apache-2.0
// The operator's commands against a real agent, as real processes: what they print and the exit codes that scripts read.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { freeTcpPort } from '../../scripts/processes/ports.js';
import { type Agent, deadlineMs, Rig } from './rig.js';

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function summitAgent(...args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['dist/agent/main.js', ...args], { timeout: deadlineMs }, (error, out, err) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, out, err }),
    );
  });
}

const at = (agent: Agent) => ['--control', agent.control];
const dataOf = (agent: Agent) => ['--connect', agent.data];

/** An agent that guides on the simulated DAQ, and has sent an offset. */
async function guiding(t: Test) {
  const rig = new Rig(t);
  const control = `127.0.0.1:${await freeTcpPort()}`;
  const agent = await rig.agent({ daqControl: control });
  const listener = rig.listener(agent.data);
  await listener.first('heartbeat', ({ kind }) => kind === 'heartbeat');
  await rig.simulator(['--stamps', '100000', '--exposures', '1', '--rate', '20', '--control', control]);
  await listener.first('an offset', ({ kind }) => kind === 'guider.offsets');
  await listener.first('the link is up', ({ kind, body }) => kind === 'heartbeat' && body.link_up === true);
  return { rig, agent, listener };
}

t.test('status of an agent that guides: state, rates, offset; exit code by health', async (t) => {
  const { agent, listener } = await guiding(t);
  const text = await summitAgent('status', ...at(agent));
  // This machine's kernel may not know TAI, and its socket buffers may be short: both are worth a look.
  const alarms = listener.messages.filter(({ kind, body }) => kind === 'alarm' && body.active === true);
  t.ok(
    text.code <= 1,
    `exit code ${text.code}: ${text.err}${text.out} ${JSON.stringify(alarms.map((a) => a.body))}`,
  );
  t.match(text.out, /^(WELL|WORTH A LOOK): sim-guider is ENABLED, simulation/);
  t.match(text.out, /link {5}up, driver wire/);
  t.match(text.out, /offset {3}x -?\d+\.\d \+- \d+\.\d mas, .* of 8 sensors, stamp \d+ \(\d+\.\d s ago\)/);
  const rows = text.out.split('\n').filter((line) => /^ {2}R\d\d_SG\d/.test(line));
  t.equal(rows.length, 8, text.out);

  const json = await summitAgent('status', '--json', '--over', '2', ...at(agent));
  const report = JSON.parse(json.out) as Record<string, never> & {
    health: number;
    reasons: string[];
    rates: Record<string, { stamps: number; losses: number }>;
  };
  t.equal(json.code, report.health);
  for (const [name, { stamps }] of Object.entries(report.rates)) {
    t.ok(stamps > 5 && stamps < 40, `${name}: ${stamps} stamps/s of 20`);
  }
});

t.test('status says what is wrong: a DAQ that is silent, and an agent that is not there', async (t) => {
  const rig = new Rig(t);
  const agent = await rig.agent();
  const listener = rig.listener(agent.data);
  await listener
    .first('link_down', ({ kind, body }) => kind === 'alarm' && body.name === 'link_down')
    .catch(() => {});
  const down = await summitAgent('status', ...at(agent));
  t.match(down, { code: 2, out: /^NOT WORKING: .*\n {2}! link_down: / });
  const nobody = await summitAgent(
    ...['status', '--timeout', '0.3', '--control', `tcp://127.0.0.1:${await freeTcpPort()}`],
  );
  t.match(nobody, {
    code: 2,
    out: '',
    err: /^NOT WORKING: no agent answered at tcp:.* within 0\.3 s: is it running/,
  });
});

t.test('send: result on stdout, refusal on stderr, exit code 0 or 1', async (t) => {
  const rig = new Rig(t);
  const agent = await rig.agent();
  const send = (...args: readonly string[]) => summitAgent('send', ...args, ...at(agent));
  t.match(await send('disable'), { code: 0, out: '{"summary_state":"DISABLED"}\n', err: '' });
  t.match(await send('resume', '{"comment": "x"}'), {
    code: 1,
    out: '',
    err: /^resume: expected state ENABLED, the agent is in DISABLED; send enable first \(ack -302, state\)/,
  });
  t.match(await send('enabel'), { code: 1, err: /did you mean enable\?/ });
  t.match(await send('enable', '--id', 'mine'), { code: 0, err: '' });
  t.match(await send('enable', '--id', 'mine'), { code: 0, err: /was done before/ });
  t.match(await send('disable', '--expires', '-1'), {
    code: 1,
    err: /expired \d+\.\d+ s ago; nothing was done/,
  });
  const { out } = await send('snapshot', '--json');
  t.match(JSON.parse(out), { ack: 303, result: { summary_state: 'ENABLED' } });
  t.match(await send('setLogLevel', '{level: 10}'), { code: 2, err: /expected ARGS as a JSON object/ });
  t.match(await summitAgent('send'), { code: 2, err: /expected VERB/ });
});

t.test('tail prints what was asked for and ends when told', async (t) => {
  const { agent } = await guiding(t);
  const lines = await summitAgent(
    ...['tail', 'guider.result/', '--where', 'sensor=R44_SG0', '--fields', 'stamp,xroi', '--count', '3'],
    ...dataOf(agent),
  );
  t.equal(lines.code, 0, lines.err);
  t.match(
    lines.out.trim().split('\n'),
    Array.from(
      { length: 3 },
      () => /^\d\d:\d\d:\d\d\.\d{3} guider\.result\/LSSTCam\/R44_SG0\/ stamp=\d+ xroi=\S+$/,
    ),
  );
  const json = await summitAgent(
    'tail',
    'guider.offsets/',
    'heartbeat/',
    '--json',
    '--count',
    '40',
    ...dataOf(agent),
  );
  const topics = json.out
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { topic: string }).topic);
  t.same([...new Set(topics)].sort(), ['guider.offsets/LSSTCam/all/', 'heartbeat/LSSTCam/sim-guider/']);
  const timed = await summitAgent(
    ...['tail', 'guider.offsets/', '--fields', 'timestamp', '--count', '2'],
    ...dataOf(agent),
  );
  const times = [...timed.out.matchAll(/timestamp=(\S+)/g)].map(([, value]) => Number(value));
  const apart = (times[1] ?? Number.NaN) - (times[0] ?? Number.NaN);
  t.ok(apart > 0.001 && apart < 10, `times keep their digits: ${times.join(', ')}`);
  const mistyped = await summitAgent('tail', 'guider.ofsets/', '--for', '0.1', ...dataOf(agent));
  t.match(mistyped, {
    code: 0,
    out: '',
    err: /begins with guider\.ofsets\/: did you mean guider\.offsets\/\?/,
  });
  t.match(await summitAgent('tail', '--where', 'x', ...dataOf(agent)), {
    code: 2,
    err: /expected KEY=VALUE/,
  });
});

t.test('tail says that nobody is there, gives up if told to, and goes on when an agent comes', async (t) => {
  const rig = new Rig(t);
  const data = `tcp://127.0.0.1:${await freeTcpPort()}`;
  t.match(await summitAgent('tail', '--timeout', '0.3', '--connect', data), {
    code: 1,
    out: '',
    err: new RegExp(`^no agent answered at ${data} within 0\\.3 s: is it running there`),
  });
  const tail = spawn(process.execPath, [
    ...['dist/agent/main.js', 'tail', 'heartbeat/', '--count', '1', '--connect', data],
  ]);
  t.teardown(() => tail.kill('SIGKILL'));
  let err = '';
  const told = new Promise<void>((resolve) => {
    tail.stderr.on('data', (chunk: Buffer) => {
      err += chunk.toString();
      if (err.includes('\n')) resolve();
    });
  });
  const ended = once(tail, 'close');
  await told;
  t.match(err, /^no agent answers at tcp:.*: is it running there\?.* Trying on; Ctrl-C ends it\.\n$/);
  await rig.agent({ data });
  t.same(await ended, [0, null]);
  t.match(err, new RegExp(`\nconnected to ${data}\n$`));
});

t.test('what listens but is no agent, or asks for keys, is told from nobody', async (t) => {
  const rig = new Rig(t);
  const agent = await rig.agent();
  // Each endpoint takes the clients of the other for strangers.
  const stranger = /answered at tcp:.* within 1 s: who listens there turned this client away or is no agent/;
  const [tail, sent] = await Promise.all([
    summitAgent('tail', '--connect', agent.control, '--timeout', '1'),
    summitAgent('send', 'stats', '--control', agent.data, '--timeout', '1'),
  ]);
  t.match(tail, { code: 1, err: stranger });
  t.match(sent, { code: 1, err: stranger });
  agent.process.kill('SIGSTOP');
  t.teardown(() => agent.process.kill('SIGCONT'));
  const stopped = await summitAgent('status', '--timeout', '0.5', ...at(agent));
  t.match(stopped, { code: 2, err: /^NOT WORKING: no agent answered at .*: something listens there/ });
});

t.test('roi checks a file, tells everything wrong with it, and passes a good one to the DAQ', async (t) => {
  const { rig, agent } = await guiding(t);
  const good = join(rig.directory, 'roi.yaml');
  writeFileSync(
    good,
    'common: {rows: 50, cols: 50, integrationTimeMillis: 50}\nR00SG0: {segment: 3, startRow: 800, startCol: 56}\n',
  );
  const checked = await summitAgent('roi', good, '--check');
  t.match(checked, {
    code: 0,
    out: /^50 x 50 pixels, 50 ms: \d+\.\d\d stamps\/s from 1 sensors\n {2}R00_SG0 {2}segment C03/,
  });
  const bad = join(rig.directory, 'bad.json');
  writeFileSync(bad, '{"common": {"rows": 5, "cols": 50, "integrationTimeMillis": 50}, "R99SG0": {}}');
  t.match(await summitAgent('roi', bad), { code: 2, out: '', err: /common\.rows.*R99SG0/s });
  // A DAQ that runs takes no new ROI: its refusal is passed on.
  t.match(await summitAgent('roi', good, ...at(agent)), { err: /the DAQ refused initGuiders|^$/ });
});

t.test('keys are made once, for their owner only, and listed with what is wrong', async (t) => {
  const { directory } = new Rig(t);
  const made = await summitAgent('keys', 'new', 'console', '--role', 'command', '--dir', directory);
  t.match(made, { code: 0, out: /^command \S{40} console\n$/ });
  t.equal(statSync(join(directory, 'console.key')).mode & 0o777, 0o600);
  t.equal(readFileSync(join(directory, 'console.pub'), 'utf8'), made.out);
  t.match(await summitAgent('keys', 'new', 'console', '--role', 'observe', '--dir', directory), {
    code: 2,
    err: /expected a new name, got .*console\.key which exists/,
  });
  const { secretKey } = JSON.parse(readFileSync(join(directory, 'console.key'), 'utf8')) as {
    secretKey: string;
  };
  writeFileSync(join(directory, 'loose.key'), readFileSync(join(directory, 'console.key')), { mode: 0o644 });
  const listed = await summitAgent('keys', 'list', directory);
  t.match(listed, { code: 1, out: /loose\.key: WRONG: .*only its owner reads \(chmod 600 .*got mode 0644/ });
  t.notOk(listed.out.includes(secretKey), 'a list tells no secret');
  t.match(await summitAgent('keys', 'new', 'x', '--role', 'admin'), {
    code: 2,
    err: /expected server, command or observe/,
  });
});
