// SPDX-License-Identifier: Apache-2.0
// The plug-in over the camera DAQ's library, built against its stand-in, which listens to the simulated DAQ.
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { stringify } from 'yaml';
import type { JsonLine } from '../../scripts/processes/child.js';
import { assertConserved, deadlineMs, type Envelope, Rig, sensorCounters } from './rig.js';

const library = join(process.cwd(), 'build/plugins/gds-test.so');
t.before(() => {
  execFileSync('scripts/build-plugin', ['gds', '--mock', '--output', library]);
});

const small = ['--rows', '50', '--cols', '50', '--rate', '40', '--no-irregular-start'];

function gds(change: JsonLine = {}, options: JsonLine = {}) {
  return (profile: JsonLine): JsonLine => ({
    ...profile,
    daq: { driver: 'plugin', partition: 'guider', plugin: { library, options }, ...change },
  });
}

/** The library finds its DAQ in the environment. */
async function rigAt(t: Test, control: string, wait = ''): Promise<Rig> {
  process.env.MOCK_GDS_DAQ = control;
  process.env.MOCK_GDS_WAIT = wait;
  return new Rig(t);
}

async function linkStats(client: ReturnType<Rig['control']>) {
  return (await client.request('stats')) as {
    link: Record<string, number | bigint>;
    driver_version: string;
  };
}

t.test('an SDK that is not whole is refused before anything is compiled, with what it lacks', async (t) => {
  const include = join(process.cwd(), 'addons/daq/testing/mock-gds/include');
  const sdk = t.testdir({
    bare: { include: { gds: { 'Decoder.hh': '' } } },
    headers: { include: t.fixture('symlink', include) },
    library: { include: t.fixture('symlink', include), lib: { 'libother.so': '' } },
  });
  const refusals: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /expected --sdk DIR or --mock/],
    [['--sdk'], /--sdk: expected a value/],
    [['--sdk', join(sdk, 'nowhere')], /--sdk: expected the folder of the SDK, got/],
    [['--sdk', join(sdk, 'bare')], /bare\/include has no gds\/Client.hh/],
    [['--sdk', join(sdk, 'headers')], /expected the SDK's libraries in .*headers\/lib, which is no folder/],
    [['--sdk', join(sdk, 'library')], /library\/lib has no libgds.so/],
    [['--mock', '--sdk', sdk], /not together with --sdk/],
  ];
  for (const [args, stderr] of refusals) {
    const { status, stderr: told } = spawnSync('scripts/build-plugin', ['gds', ...args], {
      encoding: 'utf8',
    });
    t.equal(status, 2, args.join(' '));
    t.match(told, stderr);
  }
});

t.test('a series from the first command to STOP, and commands that the DAQ refuses', async (t) => {
  const bench = new Rig(t);
  const simulator = await bench.simulator([...small, '--stamps', '40', '--linger']);
  const rig = await rigAt(t, simulator.control);
  const agent = await rig.agent({}, gds());
  const listener = rig.listener(agent.data);
  const client = rig.control(agent.control);
  const sent = await simulator.end();
  await listener.first('series.end', ({ kind }) => kind === 'series.end');
  assertConserved(t, sent, await sensorCounters(client));
  t.equal((await sensorCounters(client)).R44_SG1?.published, 40);
  const { link, driver_version } = await linkStats(client);
  t.equal(driver_version, 'gds 1, SDK mock, partition guider');
  t.match(link, { sdk_stamps_r44_s11: 40n, sdk_err_xfer_r44_s11: 0n });
  const versions = await client.request('snapshot');
  t.match(
    JSON.stringify(versions, (_, v) => (typeof v === 'bigint' ? String(v) : v)),
    /SDK mock, partition guider/,
  );

  await t.rejects(client.request('resume', {}, deadlineMs), { message: /INVALID_TRANSITION/ });
  t.match(await client.request('initGuiders', {}, deadlineMs), { status: 0 });
  const begun = ({ kind, body }: Envelope) => kind === 'guider.series' && body.seqno !== 1;
  await listener.first('the next series', begun);
  t.match(
    await client.request('stats'),
    { sensor_errors: { R44_SG1: { unsettled: 1n } } },
    'the SDK does not tell',
  );
  simulator.process.kill('SIGSTOP');
  await t.rejects(client.request('stop', {}, deadlineMs), { message: /COMMAND_TIMEOUT/ });
  await listener.first('link_down', ({ body }) => body.name === 'link_down' && body.active === true);
  simulator.process.kill('SIGCONT');
  await listener.first('link_up', ({ body }) => body.name === 'link_down' && body.active === false);
  t.match(await client.request('status', {}, deadlineMs), {});
  agent.process.kill('SIGTERM');
  t.equal(await agent.process.exited, 0);
});

t.test(
  'who joins late has the ROIs of the running series, and a stamp without a slot is dropped',
  async (t) => {
    const bench = new Rig(t);
    const simulator = await bench.simulator([...small, '--seconds', '600'], 'at once');
    const rig = await rigAt(t, simulator.control);
    const agent = await rig.agent({}, gds());
    const listener = rig.listener(agent.data);
    const { body } = await listener.first('a result', ({ kind }) => kind === 'guider.result');
    t.match(body, { sensor: String, nrows: 50, ncols: 50, segment: Number });
    agent.process.kill('SIGTERM');
    t.equal(await agent.process.exited, 0);

    const cramped = await rig.agent({}, (profile) => {
      const guider = { ...(profile.guider as JsonLine), roiSpec: null };
      return { ...gds({ slotBytes: 4096 })(profile), guider };
    });
    const client = rig.control(cramped.control);
    const end = Date.now() + deadlineMs;
    let counters = await sensorCounters(client);
    while ((counters.R00_SG0?.dropped ?? 0) < 5 && Date.now() < end) counters = await sensorCounters(client);
    t.ok((counters.R00_SG0?.dropped ?? 0) >= 5, 'each stamp is dropped');
    t.equal(counters.R00_SG0?.complete, 0);
  },
);

t.test('stamps that are decoded as their bytes come, with some bytes lost', async (t) => {
  const bench = new Rig(t);
  const large = ['--rows', '200', '--cols', '200', '--rate', '20', '--no-irregular-start', '--stamps', '40'];
  const losses = ['--fault', 'drop:at=10,unit=packet', '--fault', 'reorder:p=0.2,unit=packet'];
  const simulator = await bench.simulator([...large, ...losses, '--linger']);
  process.env.MOCK_GDS_DECODE = 'coming';
  t.teardown(() => delete process.env.MOCK_GDS_DECODE);
  const rig = await rigAt(t, simulator.control);
  const agent = await rig.agent({}, gds());
  const listener = rig.listener(agent.data);
  const sent = await simulator.end();
  await listener.first('series.end', ({ kind }) => kind === 'series.end');
  const counters = await sensorCounters(rig.control(agent.control));
  assertConserved(t, sent, counters);
  const all = Object.values(counters);
  t.ok(
    all.some(({ complete = 0, lost = 0 }) => complete > 20 && lost > 0),
    JSON.stringify(all),
  );
});

t.test('a board that does not deliver, and a DAQ that is full', async (t) => {
  const bench = new Rig(t);
  const path = join(bench.directory, 'bdi.yaml');
  const events = [{ event: 'START', fate: 'bdi-error', sensors: 'R04_SG0' }];
  writeFileSync(path, stringify({ rate: 40, stamps: 20, linger: true, events }));
  const simulator = await bench.simulator(['--scenario', path]);
  const rig = await rigAt(t, simulator.control);
  const agent = await rig.agent({}, gds());
  const listener = rig.listener(agent.data);
  const bdi = await listener.first('daq_bdi_error', ({ body }) => body.name === 'daq_bdi_error');
  t.match(bdi.body, { severity: 'serious', message: /a board does not deliver/ });
  agent.process.kill('SIGTERM');
  await agent.process.exited;

  const [host = '', port = ''] = simulator.control.split(':');
  for (let n = 0; n < 8; n++) {
    const socket = connect(Number(port), host);
    t.teardown(() => socket.destroy());
    socket.on('error', () => undefined);
    const answered = new Promise((resolve) => socket.once('data', resolve));
    socket.write(`${JSON.stringify({ id: 1, command: 'subscribe', port: 40_000 + n })}\n`);
    await answered;
  }
  const ninth = await rig.agent({}, gds());
  const client = rig.control(ninth.control);
  const end = Date.now() + deadlineMs;
  let alarms = '';
  // It may be told before anyone listens: it stays on.
  while (!alarms.includes('daq_max_subscribers') && Date.now() < end) {
    const snapshot = (await client.request('snapshot')) as { alarms: { name: string }[] };
    alarms = snapshot.alarms.map(({ name }) => name).join(' ');
  }
  t.match(alarms, /daq_max_subscribers/);
});

t.test('a library that throws is told, one that never returns is left behind', async (t) => {
  const bench = new Rig(t);
  const simulator = await bench.simulator([...small, '--stamps', '10']);
  const throwing = await (await rigAt(t, simulator.control, 'throw')).agent({}, gds());
  await throwing.process.event(
    'what it threw',
    (line) => /the multicast socket is gone/.test(String(line.message)),
    deadlineMs,
  );
  throwing.process.kill('SIGTERM');
  t.equal(await throwing.process.exited, 0);

  const stuck = await (await rigAt(t, simulator.control, 'forever')).agent({}, gds());
  stuck.process.kill('SIGTERM');
  t.equal(await stuck.process.exited, 0, 'SIGTERM does not wait for it');

  const other = await bench.simulator([...small, '--stamps', '40', '--start-delay-ms', '1500', '--linger']);
  process.env.MOCK_GDS_CONFIG = 'forever';
  const silent = await (await rigAt(t, other.control)).agent({}, gds());
  const listener = bench.listener(silent.data);
  await listener.first('a result though it does not say what runs', ({ kind }) => kind === 'guider.result');
  silent.process.kill('SIGTERM');
  t.equal(await silent.process.exited, 0);
  delete process.env.MOCK_GDS_CONFIG;

  const rig = await rigAt(t, simulator.control);
  const nowhere = rig.agent({}, gds({ partition: 'nowhere' }));
  await t.rejects(nowhere, { message: /partition nowhere: the DAQ library says: no partition of this name/ });
});
