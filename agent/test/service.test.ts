// SPDX-License-Identifier: Apache-2.0
// An agent under a service manager: real sockets, real agents; systemd's side is played by notify_socket.py.
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { Child, type JsonLine } from '../../scripts/processes/child.js';
import { freeTcpPort, freeUdpPort } from '../../scripts/processes/ports.js';
import { simGuiderProfile } from '../../scripts/processes/profile.js';
import { loadNative } from '../daq/native.js';
import { deadlineMs, Rig } from './rig.js';

/** Binds `address` and collects what is sent there. */
async function manager(t: Test, address: string) {
  const args = ['agent/test/notify_socket.py', address];
  const child = new Child({ name: 'notify socket', command: 'python3', args });
  t.teardown(() => child.stop(2000));
  await child.event('ready', ({ event }) => event === 'ready', deadlineMs);
  const datagrams = () =>
    child.events.filter(({ event }) => event === 'datagram').map(({ fields }) => fields as JsonLine);
  const first = async (what: string, wanted: (fields: JsonLine) => boolean) =>
    child.event(what, ({ event, fields }) => event === 'datagram' && wanted(fields as JsonLine), deadlineMs);
  return { child, datagrams, first };
}

/** An agent as a unit with this watchdog would be started. */
async function serviced(
  t: Test,
  rig: Rig,
  address: string,
  edit: (profile: JsonLine) => JsonLine = (p) => p,
) {
  const plain = simGuiderProfile({
    udpPort: await freeUdpPort(),
    daqControl: null,
    data: `tcp://127.0.0.1:${await freeTcpPort()}`,
    control: 'tcp://127.0.0.1:0',
  });
  const agent = new Child({
    name: 'summit-agent',
    script: 'dist/agent/main.js',
    args: ['run', '--profile', rig.profile(edit(plain))],
    environment: { NOTIFY_SOCKET: address, WATCHDOG_USEC: '400000' },
  });
  t.teardown(() => agent.stop(2000));
  return agent;
}

const isPing = (fields: JsonLine) => fields.WATCHDOG === '1';

for (const kind of ['a path', 'an abstract name'] as const) {
  t.test(`a datagram reaches ${kind}`, async (t) => {
    const path = join(new Rig(t).directory, 'notify');
    const address = kind === 'a path' ? path : `@${path}`;
    const { first } = await manager(t, address);
    t.equal(loadNative().notifyServiceManager(address, 'STATUS=é\nREADY=1'), '');
    t.match(await first('the datagram', ({ READY }) => READY === '1'), { text: 'STATUS=é\nREADY=1' });
  });
}

t.test('an address that nobody has is a reason, not an exception', async (t) => {
  const { notifyServiceManager } = loadNative();
  t.equal(notifyServiceManager('/nonexistent/notify', 'READY=1'), 'No such file or directory');
  t.equal(notifyServiceManager('@summit-agent-nobody', 'READY=1'), 'Connection refused');
  t.equal(notifyServiceManager(`/${'x'.repeat(200)}`, 'READY=1'), 'File name too long');
  t.equal(notifyServiceManager('vsock:2:1', 'READY=1'), 'Address family not supported by protocol');
});

t.test('an agent without traffic: READY, signs of life, STATUS at a change, STOPPING', async (t) => {
  const rig = new Rig(t);
  const address = join(rig.directory, 'notify');
  const { datagrams, first } = await manager(t, address);
  const agent = await serviced(t, rig, address);
  await first('READY', ({ READY }) => READY === '1');
  const ready = await agent.event('ready', ({ event }) => event === 'ready', deadlineMs);
  t.match(datagrams()[0], { READY: '1', STATUS: /^ENABLED; DAQ link/ }, 'READY is the first word');
  await first('a silent link', ({ STATUS }) => /alarms: .*link_down/.test(String(STATUS)));
  const pings = () => datagrams().filter(isPing).length;
  await first('ten signs of life on a silent link', () => pings() >= 10);

  const client = rig.control(String(ready.control));
  for (const verb of ['disable', 'standby']) await client.request(verb, {}, deadlineMs);
  await first('STANDBY', ({ STATUS }) => String(STATUS).startsWith('STANDBY; DAQ link closed'));
  const before = pings();
  await first('signs of life go on', () => pings() > before + 4);
  agent.kill('SIGTERM');
  t.equal(await agent.exited, 0);
  await first('STOPPING', ({ STOPPING, STATUS }) => STOPPING === '1' && STATUS === 'stopping: SIGTERM');
});

t.test('an agent whose link thread hangs gives no sign of life while its event loop turns', async (t) => {
  const rig = new Rig(t);
  const address = `@${join(rig.directory, 'notify')}`;
  const { datagrams, first } = await manager(t, address);
  const library = `${process.cwd()}/build/Release/mock_plugin.so`;
  const agent = await serviced(t, rig, address, (profile) => ({
    ...profile,
    daq: { driver: 'plugin', plugin: { library, options: { stuck: true } } },
  }));
  await first('FAULT', ({ STATUS }) => String(STATUS).startsWith('FAULT'));
  const all = datagrams();
  const alive = all.slice(
    0,
    all.findIndex(({ STATUS }) => String(STATUS).startsWith('FAULT')),
  );
  // Five seconds in which a watchdog of 0.4 s would have had fifty.
  t.ok(alive.filter(isPing).length <= 2, `${alive.filter(isPing).length} signs of life before FAULT`);
  t.ok(agent.running, 'the agent itself runs');
});
