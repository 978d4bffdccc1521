// SPDX-License-Identifier: Apache-2.0
// What an operator sees when something is wrong: exit code, and a sentence that says where, what and what to do.
import { execFile, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { closeSync, fstatSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { simGuiderProfile } from '../../scripts/processes/profile.js';
import { deadlineMs, Rig } from './rig.js';

interface Outcome {
  readonly code: number | string | null;
  readonly out: string;
  readonly err: string;
}

/** Runs the command to its end. */
function summitAgent(...args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const command = ['dist/agent/main.js', ...args];
    execFile(process.execPath, command, { timeout: deadlineMs }, (error, out, err) => {
      resolve({ code: error === null ? 0 : (error.code ?? error.signal ?? null), out, err });
    });
  });
}

/** The log lines on stderr; throws on a line that is none, such as one of a stack trace. */
function logLines(err: string): { level: string; message: string; code?: string }[] {
  return err
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { level: string; message: string; code?: string });
}

/** The simulator's profile with free ports; `edit` says what is wrong with it. */
function profile(edit: { udpPort?: number; data?: string; control?: string } = {}): Record<string, unknown> {
  const free = 'tcp://127.0.0.1:0';
  return simGuiderProfile({ udpPort: 0, daqControl: null, data: free, control: free, ...edit });
}

async function holdTcpPort(t: Test): Promise<number> {
  const server = createServer();
  server.listen({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  t.teardown(() => new Promise((resolve) => server.close(resolve)));
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function holdUdpPort(t: Test): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  t.teardown(() => new Promise<void>((resolve) => socket.close(() => resolve())));
  return socket.address().port;
}

const mistaken = {
  agent: { name: 'bench', role: 'guide' },
  daq: { driver: 'wire', slots: 'many', wire: { port: 70000, control: null } },
  guider: { sensors: ['R00_SG0', 'R99_SG0'] },
  publish: { data: 'tcp://0.0.0.0:5570', control: 'tcp://127.0.0.1:0' },
};

/** Of `mistaken`: key path, what was expected, what came. */
const mistakes = [
  /^agent\.role: expected "guider", "aos", "auxtel", got "guide"$/,
  /^daq\.slots: expected integer, got "many"$/,
  /^daq\.wire\.port: expected at most 65535, got 70000$/,
  /^guider\.sensors\.1: expected one of R00_SG0, .*R44_SG1, got "R99_SG0"$/,
  /^publish\.data: expected a loopback address .*, got "tcp:\/\/0\.0\.0\.0:5570"$/,
];

function assertMistakes(t: Test, problems: readonly string[]): void {
  t.equal(problems.length, mistakes.length, problems.join('\n'));
  for (const mistake of mistakes) {
    t.ok(
      problems.some((problem) => mistake.test(problem)),
      String(mistake),
    );
  }
}

t.test('a profile with five mistakes is refused with five sentences', async (t) => {
  const path = new Rig(t).profile(mistaken);
  const checked = await summitAgent('check', '--profile', path);
  t.equal(checked.code, 2);
  t.equal(checked.out, '', 'check does not call it good');
  assertMistakes(t, checked.err.trim().split('\n'));

  const run = await summitAgent('run', '--profile', path);
  t.equal(run.code, 2);
  const lines = logLines(run.err);
  t.equal(lines.length, 1, 'run says it in one log line and starts nothing');
  t.match(lines[0], { level: 'error', code: 'profile' });
  const [heading, ...problems] = (lines[0]?.message ?? '').split('\n');
  t.equal(heading, `profile ${path}: 5 problems`);
  assertMistakes(
    t,
    problems.map((problem) => problem.trim()),
  );
});

t.test('check calls a good profile good and starts nothing', async (t) => {
  const port = await holdTcpPort(t);
  const path = new Rig(t).profile(profile({ data: `tcp://127.0.0.1:${port}` }));
  const { code, out, err } = await summitAgent('check', '--profile', path);
  t.equal(code, 0, err);
  t.match(out, 'is good: guider sim-guider, 8 sensors, driver wire');
});

t.test('a profile that is not there or is not YAML is refused by name', async (t) => {
  const { directory } = new Rig(t);
  const absent = join(directory, 'absent.yaml');
  const broken = join(directory, 'broken.yaml');
  const empty = join(directory, 'empty.yaml');
  const picture = join(directory, 'picture.yaml');
  writeFileSync(broken, 'agent: {name: bench\ndaq: [wire\n');
  writeFileSync(empty, '');
  writeFileSync(picture, Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 1, 2, 0xff]));
  for (const [path, expected] of [
    [absent, /expected a readable YAML file, got ENOENT/],
    [directory, /expected a readable YAML file, got EISDIR/],
    [broken, /expected YAML, got .* at line \d+, column \d+/],
    [empty, /expected object, got null/],
    [picture, /expected (YAML|object), got /],
  ] as const) {
    const checked = await summitAgent('check', '--profile', path);
    t.equal(checked.code, 2, path);
    t.match(checked.err, expected);
    t.notMatch(checked.err, /^ +at /m, 'no stack trace');
    const run = await summitAgent('run', '--profile', path);
    t.equal(run.code, 2, path);
    const [line] = logLines(run.err);
    t.match(line, { level: 'error', code: 'profile', message: expected });
    t.ok(line?.message.includes(path), 'the message names the file');
  }
});

t.test('a busy port is refused with the port and what to do', async (t) => {
  const tcp = await holdTcpPort(t);
  const udp = await holdUdpPort(t);
  const rig = new Rig(t);
  for (const [what, edit, code, port, todo] of [
    [
      'data',
      { data: `tcp://127.0.0.1:${tcp}` },
      'port_busy',
      tcp,
      /publish\.data.*give publish\.data another port/,
    ],
    [
      'control',
      { control: `tcp://127.0.0.1:${tcp}` },
      'port_busy',
      tcp,
      /publish\.control.*give publish\.control another port/,
    ],
    ['UDP', { udpPort: udp }, 'daq_resource', udp, /UDP port .*choose another port/],
  ] as const) {
    const outcome = await summitAgent('run', '--profile', rig.profile(profile(edit)));
    t.equal(outcome.code, 1, `${what}: exit code`);
    const line = logLines(outcome.err).find(({ level }) => level === 'error');
    t.match(line, { code, message: todo }, what);
    t.match(line?.message, 'is in use by another process: stop it');
    t.match(line?.message, new RegExp(`:${port}\\b`), `${what}: names the port`);
  }
});

t.test('a second agent on the same profile is refused and the first goes on', async (t) => {
  const rig = new Rig(t);
  const first = await rig.agent();
  const second = await summitAgent('run', '--profile', rig.profile(profile({ data: first.data })));
  t.equal(second.code, 1, second.err);
  t.match(await rig.control(first.control).request('snapshot'), { summary_state: 'ENABLED' });
});

t.test('what the command line does not know is refused with the nearest that it knows', async (t) => {
  for (const [args, expected] of [
    [['rum'], /unknown command rum, did you mean run\?; see summit-agent --help/],
    [['run', '--profil', 'x.yaml'], /unknown option --profil, did you mean --profile\?/],
    [['check', 'x.yaml'], /expected only options, got x\.yaml/],
    [['run'], /expected --profile; see summit-agent run --help/],
  ] as const) {
    const { code, out, err } = await summitAgent(...args);
    t.equal(code, 2, args.join(' '));
    t.equal(out, '');
    t.match(logLines(err)[0], { level: 'error', code: 'usage', message: expected });
  }
  const nothing = await summitAgent();
  t.equal(nothing.code, 2, 'without a command');
  t.match(nothing.err, /^usage: summit-agent COMMAND/);
});

t.test('help and version are answers, not refusals', async (t) => {
  const overview = await summitAgent('--help');
  t.match(overview, { code: 0, err: '', out: /^usage: summit-agent COMMAND/ });
  const names = [...overview.out.matchAll(/^ {2}([a-z]+) +\S/gm)].map((match) => match[1] ?? '');
  t.ok(names.length >= 4, `commands in the overview: ${names.join(', ')}`);
  for (const name of names) {
    const usage = new RegExp(`^usage: summit-agent ${name}\\b`);
    t.match(await summitAgent(name, '--help'), { code: 0, err: '', out: usage }, name);
  }
  for (const ask of ['version', '--version']) {
    t.match(
      await summitAgent(ask),
      {
        code: 0,
        err: '',
        out: /^summit-agent \d+\.\d+\.\d+ \(addon: driver ABI \d+, records of \d+ bytes; node \d+\./,
      },
      ask,
    );
  }
});

t.test('a driver that cannot be opened says which file and why', async (t) => {
  const rig = new Rig(t);
  const file = join(rig.directory, 'notes_R00_SG0_guider.fits');
  writeFileSync(file, 'these are notes\n');
  const replay = { ...profile(), daq: { driver: 'replay', replay: { files: [file] } } };
  const { code, err } = await summitAgent('run', '--profile', rig.profile(replay));
  t.equal(code, 1, err);
  t.match(logLines(err).at(-1), { level: 'error', code: 'daq_resource', message: /not a FITS file/ });
  t.ok(logLines(err).at(-1)?.message.includes(file), 'the message names the file');
});

t.test('where stderr is the journal each line has its priority', async (t) => {
  const path = join(new Rig(t).directory, 'journal');
  const fd = openSync(path, 'w');
  const { dev, ino } = fstatSync(fd);
  const command = ['dist/agent/main.js', 'run', '--profile', '/nowhere.yaml'];
  const child = spawn(process.execPath, command, {
    stdio: ['ignore', 'ignore', fd],
    env: { ...process.env, JOURNAL_STREAM: `${dev}:${ino}` },
  });
  const [code] = await once(child, 'exit');
  closeSync(fd);
  t.equal(code, 2);
  t.match(
    readFileSync(path, 'utf8'),
    /^<3>\{"time":"[^"]+","level":"error","message":"profile \/nowhere\.yaml: .*\n$/,
  );
});
