// SPDX-License-Identifier: Apache-2.0
import { connect } from 'node:net';
import { Unpackr } from 'msgpackr';
import t, { type Test } from 'tap';
import { Context, Subscriber } from 'zeromq';
import type { Clock } from '../model/clock.js';
import type { AgentMessage, HeartbeatMessage, LogMessage } from '../model/messages.js';
import { Publisher, type PublisherSettings } from './publisher.js';

const clock: Clock = {
  monotonicNs: () => process.hrtime.bigint(),
  taiNs: () => 1_784_079_261_500_000_000n,
  at: () => ({ cancel() {} }),
};
const settings: PublisherSettings = {
  endpoint: 'tcp://127.0.0.1:0',
  highWaterMark: 1000,
  agent: 'bench',
  instrument: 'LSSTCam',
  simulated: true,
};
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true });
const log = (message: string): LogMessage => ({ kind: 'log', level: 'info', message, fields: { n: 2 } });
const beat: HeartbeatMessage = {
  kind: 'heartbeat',
  summaryState: 'ENABLED',
  simulationMode: 1,
  uptimeS: 1.5,
  version: '0',
  linkUp: true,
  links: null,
  nativeHeartbeat: 7n,
  taiOffsetS: 37,
  taiSource: 'kernel',
  timeSuspect: false,
  subscriptions: 1,
  sendFailures: 0,
};

/** A publisher and one subscriber whose subscription has arrived. */
async function connected(t: Test, topic = '') {
  const context = new Context({ blocky: false });
  const publisher = new Publisher(settings, clock, context);
  const address = await publisher.start();
  const socket = new Subscriber({ context, linger: 0, receiveTimeout: 10_000 });
  socket.connect(address);
  socket.subscribe(topic);
  const deadline = Date.now() + 10_000;
  while (publisher.subscriptionCount === 0) {
    if (Date.now() > deadline) throw new Error('the subscription did not arrive');
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.teardown(async () => {
    socket.close();
    await publisher.stop();
  });
  const receive = async () => {
    const [name, frame] = await socket.receive();
    return { topic: String(name), ...(unpackr.unpack(frame ?? Buffer.alloc(0)) as Record<string, unknown>) };
  };
  return { publisher, receive, address };
}

t.test('a message is an envelope of plain msgpack under a topic that ends with a slash', async (t) => {
  const { publisher, receive } = await connected(t);
  publisher.publish(log('first'));
  publisher.publish(log('second'));
  const first = await receive();
  t.match(first, {
    topic: 'log/LSSTCam/bench/',
    schema: 'log/1',
    agent: 'bench',
    boot: /^[0-9a-f]{16}$/,
    seq: 1n,
    tai_ns: 1_784_079_261_500_000_000n,
    sim: true,
    body: { level: 20, message: 'first', fields: { n: 2 } },
  });
  t.match(await receive(), { seq: 2n, body: { message: 'second' } });
});

t.test('the heartbeat repeats the last sequence number of each topic', async (t) => {
  const { publisher, receive } = await connected(t, 'heartbeat/');
  publisher.publish(log('one'));
  publisher.publish(log('two'));
  publisher.publish(beat);
  const { body } = (await receive()) as unknown as { body: Record<string, unknown> };
  t.match(body, { native_heartbeat: 7n, simulation_mode: 1 });
  t.equal((body.last_seq as Record<string, bigint>)['log/LSSTCam/bench/'], 2n);
});

t.test('the subscription gauge follows subscribers', async (t) => {
  const { publisher } = await connected(t, 'guider.offsets/');
  t.same(publisher.subscriptions(), { 'guider.offsets/': 1 });
});

t.test('a topic that somebody asks for later goes on with its number', async (t) => {
  const { publisher, address } = await connected(t, 'heartbeat/');
  publisher.publish(log('one'));
  publisher.publish(log('two'));
  const late = new Subscriber({ linger: 0, receiveTimeout: 10_000 });
  t.teardown(() => late.close());
  late.connect(address);
  late.subscribe('log/LSSTCam/');
  const deadline = Date.now() + 10_000;
  while (publisher.subscriptionCount < 2 && Date.now() < deadline)
    await new Promise((resolve) => setImmediate(resolve));
  publisher.publish(log('three'));
  const [, frame] = await late.receive();
  t.match(unpackr.unpack(frame ?? Buffer.alloc(0)), { seq: 3n, body: { message: 'three' } });
});

/** A subscriber by hand, which may say what ZeroMQ's own never says. */
async function rawSubscriber(t: Test, address: string) {
  const socket = connect(Number(address.split(':').at(-1)), '127.0.0.1');
  t.teardown(() => socket.destroy());
  const greeting = Buffer.alloc(64);
  greeting.set([0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3, 0]);
  greeting.write('NULL', 12);
  const ready = Buffer.from('\x05READY\x0bSocket-Type\0\0\0\x03SUB', 'latin1');
  let received = 0;
  const answered = new Promise<void>((resolve) => {
    socket.on('data', (bytes: Buffer) => {
      received += bytes.length;
      if (received > greeting.length) resolve();
    });
  });
  socket.write(Buffer.concat([greeting, Buffer.from([4, ready.length]), ready]));
  await answered;
  return {
    say: (subscribe: boolean, prefix: string) =>
      socket.write(Buffer.from([0, prefix.length + 1, subscribe ? 1 : 0, ...Buffer.from(prefix)])),
  };
}

t.test('who takes back what others asked for silences nobody', async (t) => {
  const { publisher, receive, address } = await connected(t, 'log/');
  const foe = await rawSubscriber(t, address);
  for (let k = 0; k < 3; k++) foe.say(false, 'log/');
  // What comes after it has been read, so has that.
  foe.say(true, 'heartbeat/');
  const deadline = Date.now() + 10_000;
  while (publisher.subscriptions()['heartbeat/'] === undefined && Date.now() < deadline)
    await new Promise((resolve) => setImmediate(resolve));
  publisher.publish(log('still here'));
  t.match(await receive(), { body: { message: 'still here' } });
});

t.test('publishing without a subscriber costs nothing and forgets nothing', async (t) => {
  const publisher = new Publisher(settings, clock, new Context({ blocky: false }));
  await publisher.start();
  for (let k = 0; k < 2000; k++) publisher.publish(log(String(k)));
  t.equal(publisher.seqs()['log/LSSTCam/bench/'], 2000n);
  t.match(publisher.last()['log/LSSTCam/bench/'], { seq: 2000n, body: { message: '1999' } });
  await publisher.stop();
  publisher.publish(log('after the end'));
  t.equal(publisher.sendFailures, 0);
});

t.test('what is published just before the end still arrives', async (t) => {
  const { publisher, receive } = await connected(t);
  publisher.publish(log('last words'));
  await publisher.stop();
  t.match(await receive(), { body: { message: 'last words' } });
});

t.test('a busy port is a refusal that names the port and what to do', async (t) => {
  const { address } = await connected(t);
  const second = new Publisher({ ...settings, endpoint: address }, clock, new Context({ blocky: false }));
  await t.rejects(second.start(), {
    code: 'port_busy',
    message: new RegExp(`${address} is in use.*another port`),
  });
  await second.stop();
});

t.test('an address that is not of this machine is a refusal', async (t) => {
  const second = new Publisher(
    { ...settings, endpoint: 'tcp://192.0.2.1:5570' },
    clock,
    new Context({ blocky: false }),
  );
  await t.rejects(second.start(), { code: 'publish' });
  await second.stop();
});

t.test('no body holds a typed array: msgpack would send heap for it', async (t) => {
  const { publisher, receive } = await connected(t);
  const message: AgentMessage = { ...beat };
  publisher.publish(message);
  const walk = (value: unknown): void => {
    t.notOk(ArrayBuffer.isView(value));
    if (typeof value === 'object' && value !== null) Object.values(value).forEach(walk);
  };
  walk((await receive()).topic);
  walk(publisher.last());
});
