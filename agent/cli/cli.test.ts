// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { toJson } from './message-json.js';
import { readOptions } from './options.js';
import { stderrLog } from './stderr-log.js';
import { call, Text } from './testing/call.js';
import { WatchTable } from './watch-table.js';

t.test('without a command the overview goes to stderr, with --help to stdout', async (t) => {
  t.match(await call(), {
    code: 2,
    out: '',
    err: /run .*\n.*check .*\n.*status .*\n.*watch [\s\S]*doctor .*\n.*measure .*\n.*process .*\n.*butler .*\n.*calibs .*\n.*record .*\n.*replay .*\n.*version/,
  });
  t.match(await call('--help'), { code: 0, out: /usage: summit-agent COMMAND/ });
});

t.test('every command explains itself with an example', async (t) => {
  for (const name of [
    'run',
    'check',
    'status',
    'watch',
    'tail',
    'send',
    'take',
    'roi',
    'keys',
    'doctor',
    'measure',
    'process',
    'record',
    'replay',
  ]) {
    t.match(
      await call(name, '--help'),
      { code: 0, out: /usage: summit-agent \w+[\s\S]*example[^\n]*:\s*(sudo -u summit-agent )?summit-agent/ },
      name,
    );
  }
  t.match(await call('version'), {
    code: 0,
    out: /^summit-agent \d+\.\d+\.\d+ \(addon: driver ABI \d+, records of \d+ bytes; node \d/,
  });
});

t.test('what does not exist is refused with the nearest that does', async (t) => {
  t.match(await call('wacth'), { code: 2, err: /unknown command wacth, did you mean watch\?/ });
  t.match(await call('run', '--profil', 'x'), {
    code: 2,
    err: /unknown option --profil, did you mean --profile\?/,
  });
  t.match(await call('check'), { code: 2, err: /expected --profile/ });
  t.match(await call('check', 'x.yaml'), { code: 2, err: /expected only options, got x\.yaml/ });
  t.match(await call('check', '--profile'), { code: 2, err: /--profile: expected a value/ });
  t.match(await call('watch', '--connect', 'nonsense'), { code: 2, err: /expected an address such as/ });
  t.match(await call('status', '--connect', 'x'), { code: 2, err: /unknown option --connect/ });
  t.match(await call('status', '--control', 'nonsense'), {
    err: /--control: expected an address such as .*, got nonsense/,
  });
});

t.test('options may be given with = or a space', async (t) => {
  const known = { profile: { type: 'string' as const }, json: { type: 'boolean' as const } };
  t.same(readOptions('x', ['--profile=a', '--json'], known), { profile: 'a', json: true });
  t.same(readOptions('x', ['--profile', 'a'], known), { profile: 'a' });
  t.throws(() => readOptions('x', ['--json=1'], known), { code: 'usage' });
});

t.test('check says good or lists every problem with exit code 2', async (t) => {
  const good = t.testdir({
    'p.yaml': 'agent: {name: a, role: guider}\ndaq: {driver: wire}\nguider: {sensors: [R00_SG0]}\n',
  });
  t.match(await call('check', '--profile', `${good}/p.yaml`), {
    code: 0,
    out: /is good: guider a, 1 sensors/,
  });
  const bad = t.testdir({
    'p.yaml': 'agent: {name: a}\ndaq: {driver: wires}\nguider: {sensors: []}\nx: 1\n',
  });
  const { code, err } = await call('check', '--profile', `${bad}/p.yaml`);
  t.equal(code, 2);
  t.equal(err.trim().split('\n').length, 4, err);
  t.match(await call('run', '--profile', `${bad}/p.yaml`), { code: 2, err: /"level":"error"/ });
});

t.test('an ipc endpoint that cannot be bound is refused by check and by run alike', async (t) => {
  // A socket's path must be short.
  const folder = mkdtempSync(join(tmpdir(), 'summit-ipc-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'p.yaml');
  const write = (data: string, control: string) =>
    writeFileSync(
      file,
      `agent: {name: a, role: guider}\ndaq: {driver: wire}\nguider: {sensors: [R00_SG0]}\npublish: {data: '${data}', control: '${control}'}\n`,
    );
  const missing = /publish\.data: expected an existing folder for .*, got ENOENT for .*none; mkdir/;
  write(`ipc://${folder}/none/data`, `ipc:///${'x'.repeat(107)}`);
  t.match(await call('check', '--profile', file), {
    code: 2,
    err: /^publish\.control: expected a path of at most 107 bytes .*, got 108/,
  });
  write(`ipc://${folder}/none/data`, 'tcp://127.0.0.1:0');
  t.match(await call('check', '--profile', file), { code: 2, err: missing });
  t.match(await call('run', '--profile', file), { code: 2, err: missing });
  write('ipc:///run/summit-agent/nobody/data', `ipc://${folder}/control`);
  t.match(await call('check', '--profile', file), { code: 0, out: /is good/ });
  t.match(await call('run', '--profile', file), {
    code: 2,
    err: /run\/summit-agent\/NAME is there by itself/,
  });
});

t.test('a log line is one JSON object with level and fields', async (t) => {
  const stderr = new Text();
  stderrLog(stderr, () => new Date(0)).warning('two\nlines', { n: 5n });
  t.equal(
    stderr.text,
    '{"time":"1970-01-01T00:00:00.000Z","level":"warning","message":"two\\nlines","n":5}\n',
  );
});

t.test('the journal gets the priority before each line', async (t) => {
  const stderr = new Text();
  const log = stderrLog(stderr, () => new Date(0), true);
  log.debug('d');
  log.info('i');
  log.warning('w');
  log.error('e');
  t.match(
    stderr.text.trim().split('\n'),
    [7, 6, 4, 3].map((n) => new RegExp(`^<${n}>\\{"time":`)),
  );
});

t.test('messages become JSON with exact integers and null for NaN', async (t) => {
  t.equal(
    toJson({ t: 1_784_079_261_500_000_123n, x: Number.NaN, s: '5' }),
    '{"t":1784079261500000123,"x":null,"s":"5"}',
  );
});

t.test('the live table shows sensors, offset, link and alarms', async (t) => {
  const table = new WatchTable();
  t.match(table.render('tcp://x', 1500), /waiting for an agent at tcp:\/\/x/);
  const result = {
    sensor: 'R00_SG0',
    stamp: 7,
    xroi: 24.5,
    yroi: 25.25,
    xroi_err: 0.02,
    yroi_err: 0.02,
    fwhm: 0.8,
    snr: 150,
    latency_ms: 1.2,
    gap: 1,
    flags: ['first_stamp'],
  };
  table.take('guider.result', { agent: 'bench', body: result }, 1000);
  table.take('guider.result', { agent: 'bench', body: { ...result, xroi: Number.NaN } }, 1000);
  const offsets = { x: 0.001, y: 0, x_err: 0.0001, y_err: 0.0001, rotation: 1, n_sensors: 8, n_expected: 8 };
  table.take('guider.offsets', { agent: 'bench', body: offsets }, 1000);
  table.take('heartbeat', { agent: 'bench', body: { link_up: false, simulation_mode: 1 } }, 1000);
  table.take('alarm', { agent: 'bench', body: { name: 'link_down', active: true, message: 'silent' } }, 1000);
  const text = table.render('tcp://x', 1500);
  t.match(text, /bench at tcp:\/\/x: LINK DOWN, simulation/);
  t.match(text, /R00_SG0 +7 +- +25\.250 .* 2 +first_stamp/);
  t.match(text, /offset x +20\.0 \+- +2\.0 mas/);
  t.match(text, /ALARM silent/);
  t.match(table.render('tcp://x', 6000), /^NO AGENT: bench at tcp:\/\/x has been silent for 5 s/);
});
