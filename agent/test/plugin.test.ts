// SPDX-License-Identifier: Apache-2.0
// A site's library named in a profile: the mock plug-in of the native tests, in pull and in push style.
import t from 'tap';
import { assertConserved, deadlineMs, Rig, sensorCounters } from './rig.js';

for (const symbol of ['summit_driver', 'summit_driver_push']) {
  t.test(`an agent runs on a plug-in (${symbol})`, async (t) => {
    const rig = new Rig(t);
    // Locations 0..4 of the mock: 3 and 4 are R00_SG0 and R00_SG1.
    const options = { symbol, sensors: 5, stamps: 20 };
    const agent = await rig.agent({}, (profile) => ({
      ...profile,
      daq: {
        driver: 'plugin',
        plugin: { library: `${process.cwd()}/build/Release/mock_plugin.so`, options },
      },
    }));
    const client = rig.control(agent.control);
    await agent.process.event(
      'the end of the series',
      (line) => /delivered everything/.test(String(line.message)),
      deadlineMs,
    );
    const counters = await sensorCounters(client);
    assertConserved(t, { R00_SG0: 20, R00_SG1: 20 }, counters);
    t.equal(counters.R00_SG0?.seen, 20, 'all stamps were seen');
  });
}

t.test('a library that ends with an error is a fault, and one that hangs too', async (t) => {
  for (const [option, code] of [
    ['fail', 1],
    ['stuck', 2],
  ] as const) {
    const rig = new Rig(t);
    const agent = await rig.agent({}, (profile) => ({
      ...profile,
      daq: {
        driver: 'plugin',
        plugin: { library: `${process.cwd()}/build/Release/mock_plugin.so`, options: { [option]: true } },
      },
    }));
    const listener = rig.listener(agent.data);
    await listener.first('heartbeat in FAULT', ({ body }) => body.summary_state === 'FAULT');
    const client = rig.control(agent.control);
    const { last } = (await client.request('snapshot')) as {
      last: Record<string, { body: Record<string, unknown> }>;
    };
    t.match(last['state/LSSTCam/sim-guider/errorCode/'], { body: { error_code: code } }, option);
    await t.rejects(client.request('pause'), { message: /in FAULT; send standby, start, enable first/ });
    t.match(await client.request('standby', {}, deadlineMs), { summary_state: 'STANDBY' });
    agent.process.kill('SIGTERM');
    t.equal(await agent.process.exited, 0, 'and the agent still ends in order');
  }
});
