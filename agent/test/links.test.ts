// SPDX-License-Identifier: Apache-2.0
// Several links in one agent: sensors split over two DAQs, and the same sensors from two.
import t, { type Test } from 'tap';
import type { JsonLine } from '../../scripts/processes/child.js';
import type { ControlClient } from '../../scripts/processes/control-client.js';
import { freeTcpPort, freeUdpPort } from '../../scripts/processes/ports.js';
import { type Counters, deadlineMs, type Envelope, type Listener, Rig, sensorCounters } from './rig.js';

const left = ['R00_SG0', 'R00_SG1', 'R04_SG0', 'R04_SG1'];
const right = ['R40_SG0', 'R40_SG1', 'R44_SG0', 'R44_SG1'];
const small = ['--rows', '50', '--cols', '50', '--rate', '40', '--snr', '60', '--no-irregular-start'];

async function linkOf(name: string, control: string, sensors?: string[]): Promise<JsonLine> {
  return { name, wire: { port: await freeUdpPort(), control }, ...(sensors && { sensors }) };
}

function over(...links: JsonLine[]) {
  return ({ daq, ...profile }: JsonLine): JsonLine => ({
    ...profile,
    daq: { ...(daq as JsonLine), wire: { address: '127.0.0.1' }, links },
  });
}

type LinkStats = Record<string, { up: boolean; in_step: boolean; conserved: boolean; stamps: Counters }>;

async function linkStats(client: ControlClient): Promise<LinkStats> {
  return ((await client.request('stats', {}, deadlineMs)) as { links: LinkStats }).links;
}

/** At rest: every law of every sensor and link. */
async function assertAllConserved(t: Test, client: ControlClient): Promise<void> {
  const stats = (await client.request('stats', {}, deadlineMs)) as JsonLine;
  t.equal(
    stats.conserved,
    true,
    JSON.stringify(stats.conservation, (_, v) => (typeof v === 'bigint' ? `${v}` : v)),
  );
  for (const [name, c] of Object.entries(await sensorCounters(client))) {
    const of = (...keys: string[]) => keys.reduce((sum, key) => sum + (c[key] ?? Number.NaN), 0);
    t.equal(of('seen'), of('complete', 'incomplete', 'bad', 'duplicate', 'dropped'), `${name}: seen`);
    t.equal(of('complete'), of('published', 'withheld', 'superseded', 'rejected'), `${name}: complete`);
  }
  for (const [name, { stamps }] of Object.entries(await linkStats(client))) {
    const of = (...keys: string[]) => keys.reduce((sum, key) => sum + Number(stamps[key] ?? Number.NaN), 0);
    const handedOn = of('used', 'spare', 'foreign', 'superseded');
    t.equal(of('complete', 'incomplete', 'dropped'), handedOn, `link ${name}: what arrived was handed on`);
    t.ok(handedOn > 0, `link ${name} brought stamps`);
  }
}

const alarm = (name: string, active: boolean) => (m: Envelope) =>
  m.kind === 'alarm' && m.body.name === name && m.body.active === active;

function offsetsOf(listener: Listener, sensors: number, since = 0) {
  return listener.first(
    `offsets of ${sensors} sensors`,
    (m) =>
      m.kind === 'guider.offsets' && m.body.n_sensors === sensors && listener.messages.indexOf(m) >= since,
  );
}

t.test(
  'sensors split over two DAQs: one is killed, the other goes on, and both begin the next series',
  async (t) => {
    const rig = new Rig(t);
    const idle = [...small, '--idle'];
    const controls = [`127.0.0.1:${await freeTcpPort()}`, `127.0.0.1:${await freeTcpPort()}`] as const;
    const first = await rig.simulator([...idle, '--control', controls[0]], 'at once');
    const second = await rig.simulator([...idle, '--control', controls[1]], 'at once');
    const links = over(await linkOf('a', controls[0], left), await linkOf('b', controls[1], right));
    const agent = await rig.agent({}, links);
    const listener = rig.listener(agent.data);
    const client = rig.control(agent.control);
    await listener.first('both links', ({ kind, body }) => kind === 'heartbeat' && body.link_up === true);
    const { links: answers } = (await client.request('initGuiders', {}, deadlineMs)) as { links: JsonLine };
    t.match(answers, { a: { status: 0 }, b: { status: 0 } }, 'each DAQ began its part of the series');
    await client.request('resume', { comment: 'MC_O_20261127_000001' }, deadlineMs);
    await offsetsOf(listener, 8);

    second.process.kill('SIGKILL');
    await second.process.exited;
    t.match((await listener.first('link b down', alarm('link_down:b', true))).body, { message: /^b: / });
    await offsetsOf(listener, 4, listener.messages.length);
    t.match(await client.request('snapshot', {}, deadlineMs), {
      links: { a: { up: true }, b: { up: false } },
    });
    const beat = await listener.first('one down', ({ body }) => (body.links_up as JsonLine)?.b === false);
    t.match(beat.body, { link_up: false, links_up: { a: true, b: false } });
    t.notOk(listener.messages.some(alarm('link_down:a', true)), 'the other link is well');

    await rig.simulator([...idle, '--control', controls[1]], 'at once');
    await listener.first('link b up', alarm('link_down:b', false));
    const count = listener.messages.length;
    await client.request('initGuiders', {}, deadlineMs);
    await client.request('resume', { comment: 'MC_O_20261127_000002' }, deadlineMs);
    await offsetsOf(listener, 8, count);
    t.match(await linkStats(client), { a: { in_step: true }, b: { in_step: true } });
    await client.request('stop', {}, deadlineMs);
    const ends = (m: Envelope) =>
      m.kind === 'series.end' && listener.messages.indexOf(m) >= count && m.body.reason === 'stop';
    const end = await listener.first('series.end', ends);
    for (const [name, account] of Object.entries(end.body.sensors as Record<string, JsonLine>))
      t.equal(
        Number(account.complete),
        Number(account.sent),
        `${name}: every stamp of the new series arrived`,
      );
    await assertAllConserved(t, client);
    const metrics = await (await fetch(agent.prometheus)).text();
    t.match(metrics, /^summit_links_stamps_used_total\{link="b",.*\} \d+$/m);
    first.process.kill('SIGTERM');
    agent.process.kill('SIGTERM');
    t.equal(await agent.process.exited, 0);
  },
);

t.test(
  'the same sensors from two DAQs: each stamp is used once, and what one link lost the other brings',
  async (t) => {
    const rig = new Rig(t);
    const once = [...small, '--stamps', '30', '--linger', '--start-delay-ms', '300'];
    const one = await rig.simulator([...once, '--fault', 'drop:at=7']);
    const two = await rig.simulator([...once, '--fault', 'drop:at=15,sensor=R04_SG0']);
    const agent = await rig.agent({}, over(await linkOf('a', one.control), await linkOf('b', two.control)));
    const listener = rig.listener(agent.data);
    const client = rig.control(agent.control);
    const sent = await one.end();
    await two.end();
    await listener.first('series.end', ({ kind }) => kind === 'series.end');
    // The other DAQ is some ms behind.
    const inHand = async () =>
      Object.values(await linkStats(client)).reduce(
        (sum, { stamps }) => sum + Number(stamps.used) + Number(stamps.spare),
        0,
      );
    for (const end = Date.now() + deadlineMs; (await inHand()) < 480 - 9 && Date.now() < end; );
    for (const [name, produced] of Object.entries(sent)) {
      const c = (await sensorCounters(client))[name];
      t.match(c, { complete: produced, published: produced, lost: 0, superseded: 0 }, name);
    }
    await assertAllConserved(t, client);
    const { a, b } = await linkStats(client);
    t.match([a?.stamps.lost, b?.stamps.lost].map(Number), [8, 1]);
    t.equal(Number(a?.stamps.used) + Number(b?.stamps.used), 240);
    t.equal(Number(a?.stamps.spare) + Number(b?.stamps.spare), 240 - 8 - 1);
    const stamps = listener.of('guider.result').map(({ body }) => `${body.sensor} ${body.stamp}`);
    t.equal(new Set(stamps).size, stamps.length, 'no stamp left twice');
    t.equal(stamps.length, 240);
  },
);
