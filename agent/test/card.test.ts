// SPDX-License-Identifier: Apache-2.0
// A whole agent on a fibre card: the `datadev` driver as it is, its six system calls answered by the card of its tests, which
// the simulated DAQ feeds.
import { join } from 'node:path';
import t from 'tap';
import type { JsonLine } from '../../scripts/processes/child.js';
import { assertConserved, deadlineMs, Rig, sensorCounters } from './rig.js';

const library = join(process.cwd(), 'build/Release/card_plugin.so');

function onCard(daq: string, more: JsonLine) {
  return (profile: JsonLine): JsonLine => ({
    ...profile,
    daq: { driver: 'plugin', plugin: { library, options: { daq, linkTimeoutMs: 750, ...more } } },
  });
}

t.test('stamps, wrong bytes, error bits and a card that goes away: all accounted for', async (t) => {
  const rig = new Rig(t);
  const size = ['--rows', '50', '--cols', '50', '--rate', '40', '--snr', '60', '--no-irregular-start'];
  const simulator = await rig.simulator([...size, '--stamps', '60', '--exposures', '1', '--linger']);
  const faults = { corruptEvery: 50, errorEvery: 70, pullOutAt: 240, pulledOutMs: 50 };
  const agent = await rig.agent({}, onCard(simulator.control, faults));
  const listener = rig.listener(agent.data);
  const client = rig.control(agent.control);
  const sent = await simulator.end();
  const end = await listener.first('series.end', ({ kind }) => kind === 'series.end');
  t.equal(end.body.reason, 'stop');
  const counters = await sensorCounters(client);
  assertConserved(t, sent, counters);
  const all = (key: string) => Object.values(counters).reduce((sum, one) => sum + (one[key] ?? 0), 0);
  // Until the card is opened again, 250 ms, it throws away what comes.
  t.ok(all('published') > 280, `${all('published')} of 480 stamps were published`);
  t.ok(all('lost') > 40, `${all('lost')} were lost while it was gone`);
  t.ok(all('incomplete') + all('lost') + all('bad') >= 14, 'those with errors were not');
  const { link, driver_version } = (await client.request('stats')) as {
    link: Record<string, number | bigint>;
    driver_version: string;
  };
  t.match(driver_version, /datadev|1/);
  t.ok(Number(link.bad_payload) >= 4, `${link.bad_payload} wrong bytes were counted`);
  t.match(
    listener.of('guider.offsets').at(-1)?.body,
    { n_sensors: 8 },
    'the last acquisition is whole again',
  );
  t.match(await client.request('status', {}, deadlineMs), { status: 0 });
  agent.process.kill('SIGTERM');
  t.equal(await agent.process.exited, 0);
});
