// SPDX-License-Identifier: Apache-2.0
// Links that die, restart or are flooded with rubbish, and how the agent ends.
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { freeTcpPort, freeUdpPort } from '../../scripts/processes/ports.js';
import { assertConserved, deadlineMs, Rig, sensorCounters } from './rig.js';

const endless = ['--seconds', '600', '--rate', '20', '--snr', '60'];

t.test('a killed DAQ is reported within 1 s, and its successor is measured without a restart', async (t) => {
  const rig = new Rig(t);
  const control = `127.0.0.1:${await freeTcpPort()}`;
  const first = await rig.simulator([...endless, '--control', control]);
  const agent = await rig.agent({ daqControl: control });
  const listener = rig.listener(agent.data);
  await listener.first('an offset', (message) => message.kind === 'guider.offsets');
  first.process.kill('SIGKILL');
  const killedNs = process.hrtime.bigint();
  await first.process.exited;
  const down = await listener.first(
    'link down',
    (m) => m.kind === 'alarm' && m.body.name === 'link_down' && m.body.active === true,
  );
  const afterMs = Number(down.receivedNs - killedNs) / 1e6;
  t.ok(afterMs < 1500, `link_down was raised ${afterMs.toFixed(0)} ms after the kill`);

  const count = listener.messages.length;
  const second = await rig.simulator([
    '--control',
    control,
    '--stamps',
    '20',
    '--exposures',
    '1',
    '--rate',
    '20',
    '--snr',
    '60',
  ]);
  const sent = await second.end();
  const later = (wanted: string) => (m: { kind: string }) =>
    m.kind === wanted && listener.messages.indexOf(m as never) >= count;
  await listener.first('an offset of the new series', later('guider.offsets'));
  const up = await listener.first(
    'link up',
    (m) => m.kind === 'alarm' && m.body.name === 'link_down' && m.body.active === false,
  );
  t.ok(listener.messages.indexOf(up) >= count, 'the alarm cleared with the new DAQ');
  const ended = await listener.first(
    'the end of the new series',
    (m) => m.kind === 'series.end' && m.body.reason === 'stop',
  );
  for (const [name, account] of Object.entries(
    ended.body.sensors as Record<string, Record<string, unknown>>,
  )) {
    t.equal(Number(account.complete), sent[name], `${name}: every stamp of the new DAQ arrived`);
  }
  const firstEnd = listener.of('series.end')[0];
  t.not(
    firstEnd?.body.reason,
    'stop',
    `the interrupted series was closed as ${String(firstEnd?.body.reason)}`,
  );
});

t.test('SIGTERM ends the agent within 1 s with exit code 0, streaming or idle', async (t) => {
  for (const args of [endless, null]) {
    const rig = new Rig(t);
    const simulator = args === null ? null : await rig.simulator(args);
    const agent = await rig.agent({ daqControl: simulator?.control ?? null });
    const listener = rig.listener(agent.data);
    await listener.first(
      'a message',
      (message) => message.kind === (args === null ? 'heartbeat' : 'guider.offsets'),
    );
    const before = process.hrtime.bigint();
    t.equal(await agent.process.stop(deadlineMs), 0, 'exit code 0');
    const ms = Number(process.hrtime.bigint() - before) / 1e6;
    t.ok(ms < 3000, `ended ${ms.toFixed(0)} ms after SIGTERM`);
  }
});

t.test('garbage, short, oversized and foreign datagrams are counted and change nothing', async (t) => {
  const rig = new Rig(t);
  const udpPort = await freeUdpPort();
  const simulator = await rig.simulator([
    '--stamps',
    '60',
    '--exposures',
    '1',
    '--rate',
    '20',
    '--snr',
    '60',
  ]);
  const agent = await rig.agent({ udpPort, daqControl: simulator.control });
  const listener = rig.listener(agent.data);
  const noise = createSocket('udp4');
  t.teardown(() => noise.close());
  const header = Buffer.concat([Buffer.from('SDAQ'), Buffer.from([9, 72]), randomBytes(66)]);
  const kinds = [
    randomBytes(5),
    randomBytes(72),
    randomBytes(9000),
    randomBytes(60_000),
    header,
    Buffer.alloc(0),
  ];
  let posted = 0;
  const end = simulator.end();
  let over = false;
  const ended = end.finally(() => {
    over = true;
  });
  while (!over) {
    for (let i = 0; i < 100; i++) {
      const datagram = kinds[posted % kinds.length] ?? header;
      await new Promise<void>((resolve, reject) =>
        noise.send(datagram, udpPort, '127.0.0.1', (error) => (error === null ? resolve() : reject(error))),
      );
      posted++;
    }
    await delay(5);
  }
  const sent = await ended;
  await listener.first('series.end', (message) => message.kind === 'series.end');
  const client = rig.control(agent.control);
  const counters = await sensorCounters(client);
  assertConserved(t, sent, counters);
  const { link } = (await client.request('stats')) as { link: Record<string, number | bigint> };
  const counted = Number(link.bad_magic) + Number(link.bad_version) + Number(link.bad_header);
  t.ok(counted > 0.9 * posted, `${counted} of ${posted} rubbish datagrams were counted`);
  t.equal(
    Object.values(counters).reduce((sum, sensor) => sum + (sensor.published ?? 0), 0),
    480,
    'all 480 stamps were published all the same',
  );
});
