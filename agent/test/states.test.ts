// SPDX-License-Identifier: Apache-2.0
// The states of a real agent with the simulated DAQ: nothing of stamps leaves outside ENABLED, every stamp is counted.
import t from 'tap';
import type { ControlClient } from '../../scripts/processes/control-client.js';
import { freeTcpPort } from '../../scripts/processes/ports.js';
import { assertConserved, deadlineMs, type Envelope, Rig, sensorCounters } from './rig.js';

const inState = (state: string) => (message: Envelope) =>
  message.kind === 'state' && message.body.summary_state === state;

t.test('an agent that is driven: STANDBY, DISABLED, ENABLED, and back while stamps come', async (t) => {
  const rig = new Rig(t);
  const control = `127.0.0.1:${await freeTcpPort()}`;
  const agent = await rig.agent({ daqControl: control }, (profile) => ({
    ...profile,
    agent: { ...(profile.agent as object), startState: 'STANDBY' },
  }));
  const listener = rig.listener(agent.data);
  await listener.first('heartbeat', ({ body }) => body.summary_state === 'STANDBY');
  const simulator = await rig.simulator([
    ...['--stamps', '40', '--exposures', '1', '--rate', '20', '--seed', '5'],
    ...['--control', control],
  ]);
  const client = rig.control(agent.control);
  await t.rejects(client.request('initGuiders'), {
    message: /expected state ENABLED, the agent is in STANDBY; send start, enable first/,
  });
  await client.request('start', {}, deadlineMs);
  await listener.first(
    'a resume of the DAQ',
    ({ kind, body }) => kind === 'guider.state' && body.status === 5,
  );
  t.equal(listener.of('guider.result').length, 0, 'in DISABLED the DAQ is heard, results are withheld');
  await client.request('enable');
  await listener.first('an offset', ({ kind }) => kind === 'guider.offsets');
  await client.request('disable');
  await listener.first('DISABLED', inState('DISABLED'));
  const sent = await simulator.end();
  await listener.first('the end of the series', ({ kind }) => kind === 'series.end');

  const counters = await sensorCounters(client);
  assertConserved(t, sent, counters);
  for (const [name, c] of Object.entries(counters)) {
    const heard = listener.messages.filter(
      ({ kind, body }) => kind === 'guider.result' && body.sensor === name && body.outcome === 'measured',
    );
    t.equal(heard.length, c.published, `${name}: published is what a subscriber got`);
    t.ok((c.withheld ?? 0) > 0, `${name}: ${c.withheld} of ${sent[name]} withheld`);
  }
  await client.request('standby', {}, deadlineMs);
  await client.request('exitControl');
  t.equal(
    await agent.process.exited,
    3,
    'exitControl ends the process, and says so to who would start it again',
  );
  await listener.first('OFFLINE', inState('OFFLINE'));
});

t.test('a command that comes twice acts once, also on another connection', async (t) => {
  const rig = new Rig(t);
  const agent = await rig.agent();
  const [one, two] = [rig.control(agent.control), rig.control(agent.control)];
  const listener = rig.listener(agent.data);
  await listener.first('heartbeat', ({ kind }) => kind === 'heartbeat');
  const send = (client: ControlClient) =>
    client.exchange({ v: 1, id: 'a-uuid', verb: 'setLogLevel', args: { level: 10 } });
  t.match(await send(one), { ack: 303, result: { level: 10 } });
  t.match(await send(two), { ack: 303, result: { level: 10 }, repeated: true });
  await one.request('setLogLevel', { level: 30 });
  await listener.first('the second change', ({ body }) => body.event === 'logLevel' && body.level === 30);
  const levels = listener.messages
    .filter(({ body }) => body.event === 'logLevel')
    .map(({ body }) => body.level);
  t.same(levels, [10, 30]);
  t.match(await one.exchange({ v: 1, id: 'old', verb: 'pause', expires: Date.now() / 1000 - 1 }), {
    ack: -302,
    code: 'expired',
  });
});
