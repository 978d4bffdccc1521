// SPDX-License-Identifier: Apache-2.0
// The main job: stamps leave the simulated DAQ, centroids and offsets reach a subscriber.
import t from 'tap';
import type { JsonLine } from '../../scripts/processes/child.js';
import { guideSensors } from '../model/location.js';
import { assertConserved, type Envelope, Rig, sensorCounters, type TruthLine } from './rig.js';

const names = guideSensors.map((sensor) => sensor.detectorName);
// A stamp is one packet: a DAQ that this machine holds up between two would leave it incomplete.
const scenario = [
  '--pixel',
  'uint16',
  '--stamps',
  '25',
  '--exposures',
  '2',
  '--rate',
  '20',
  '--snr',
  '60',
  '--seed',
  '3',
];

function rms(values: readonly number[]): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}

/** Camera-frame displacement of the truth between two stamps of a series, px. */
function truthBetween(
  truth: readonly TruthLine[],
  sequence: number,
  stamp: number,
  reference: number,
): { x: number; y: number } {
  const at = (n: number): TruthLine => {
    const line = truth.find((one) => one.sequence === sequence && one.stamp === n);
    if (line === undefined) throw new Error(`the truth has no stamp ${sequence}/${n}`);
    return line;
  };
  return {
    x: (at(stamp).dx_mm - at(reference).dx_mm) / 0.01,
    y: (at(stamp).dy_mm - at(reference).dy_mm) / 0.01,
  };
}

async function runScenario(rig: Rig, args: readonly string[]) {
  const simulator = await rig.simulator([...scenario, ...args]);
  // Acquisitions wait for the last sensor, however busy this machine is.
  const agent = await rig.agent({ daqControl: simulator.control }, (profile) => ({
    ...profile,
    guider: { ...(profile.guider as JsonLine), deadlineMs: 10_000 },
  }));
  const listener = rig.listener(agent.data);
  const sent = await simulator.end();
  await listener.first('series.end', (message) => message.kind === 'series.end');
  const counters = await sensorCounters(rig.control(agent.control));
  return { listener, sent, counters, truth: rig.truth() };
}

function position(message: Envelope): { x: number; y: number } {
  return { x: message.body.xroi as number, y: message.body.yroi as number };
}

t.test('every stamp of eight sensors is published and lies where the star was', async (t) => {
  const { listener, sent, counters, truth } = await runScenario(new Rig(t), []);
  assertConserved(t, sent, counters);
  for (const name of names) {
    t.equal(sent[name], 50, `${name}: the DAQ sent 25 stamps in each of 2 exposures`);
    t.equal(counters[name]?.published, 50, `${name}: all were published`);
    t.equal(counters[name]?.lost, 0, `${name}: none was lost`);
  }
  const results = listener.of('guider.result').filter((message) => message.body.flagged === false);
  t.ok(
    results.length > 350,
    `the subscriber joined early enough to see most stamps (${results.length} of 400)`,
  );
  const errors = results.flatMap((message) => {
    const line = truth.find(
      (one) => one.sensor === message.body.sensor && one.stamp === Number(message.body.stamp),
    );
    if (line === undefined) return [Number.POSITIVE_INFINITY];
    return [position(message).x - line.x, position(message).y - line.y];
  });
  t.ok(rms(errors) < 0.08, `rms against truth is that of stars of SNR 60: ${rms(errors).toFixed(4)} px`);
});

t.test('offsets follow the sky and are relative to the reference stamp they name', async (t) => {
  const { listener, truth, counters } = await runScenario(new Rig(t), []);
  const offsets = listener.of('guider.offsets').filter((message) => Number.isFinite(message.body.x));
  t.ok(offsets.length > 40, `offsets of most acquisitions: ${offsets.length} of 50`);
  const errors = offsets.flatMap(({ body }) => {
    const want = truthBetween(truth, body.seqno as number, Number(body.stamp), Number(body.reference_stamp));
    return [(body.x as number) / 0.01 - want.x, (body.y as number) / 0.01 - want.y];
  });
  t.ok(rms(errors) < 0.05, `rms against truth ${rms(errors).toFixed(4)} px`);
  const fewer = offsets.filter((message) => message.body.n_sensors !== 8);
  const why = listener
    .of('guider.acquisition')
    .filter(({ body }) => fewer.some((message) => message.body.stamp === body.stamp))
    .map(({ body }) => `stamp ${String(body.stamp)}: ${(body.excluded as string[]).join(',')}`);
  t.same(why, [], `every offset is made from all eight sensors: ${JSON.stringify(counters)}`);
});

t.test('messages carry identity, times in order, and a sequence without gaps', async (t) => {
  const { listener } = await runScenario(new Rig(t), []);
  const results = listener.of('guider.result');
  const exposures = new Set(results.map((message) => message.body.obsid));
  t.equal(exposures.size, 2, `two exposures: ${[...exposures].join(', ')}`);
  for (const obsid of exposures) t.match(obsid, /^MC_O_\d{8}_\d{6}$/);
  const first = results.find((message) => Number(message.body.stamp) === 0);
  if (first !== undefined)
    t.ok((first.body.flags as string[]).includes('first_stamp'), 'stamp 0 is flagged first_stamp');
  for (const { body, receivedNs } of results) {
    const times = [body.t_first_ns, body.t_last_ns, body.t_measured_ns, body.t_published_ns, receivedNs].map(
      (time) => BigInt(time as bigint),
    );
    const sorted = [...times].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    if (times.some((time, i) => time !== sorted[i])) t.fail(`times out of order: ${times.join(' ')}`);
  }
  const byTopic = new Map<string, number[]>();
  for (const message of listener.messages) {
    byTopic.set(message.topic, [...(byTopic.get(message.topic) ?? []), Number(message.seq)]);
  }
  for (const [topic, seqs] of byTopic) {
    t.ok(
      seqs.every((seq, i) => i === 0 || seq === (seqs[i - 1] ?? 0) + 1),
      `${topic}: no sequence number is missing among ${seqs.length}`,
    );
    t.ok(topic.endsWith('/'), `${topic} ends with a slash`);
  }
});

t.test('larger stamps and other pixel types are measured the same', async (t) => {
  for (const args of [
    ['--rows', '400', '--cols', '400'],
    ['--pixel', 'uint16'],
    ['--pixel', 'raw18x16'],
  ]) {
    const rig = new Rig(t);
    const { counters, sent, listener, truth } = await runScenario(rig, [
      ...args,
      '--rate',
      '9',
      '--stamps',
      '8',
      '--exposures',
      '1',
    ]);
    assertConserved(t, sent, counters);
    const results = listener.of('guider.result').filter((message) => message.body.flagged === false);
    t.ok(results.length > 0, `${args.join(' ')}: ${results.length} good results`);
    const errors = results.map((message) => {
      const line = truth.find(
        (one) => one.sensor === message.body.sensor && one.stamp === Number(message.body.stamp),
      );
      return line === undefined
        ? Number.POSITIVE_INFINITY
        : Math.hypot(position(message).x - line.x, position(message).y - line.y);
    });
    t.ok(Math.max(...errors) < 0.5, `${args.join(' ')}: largest error ${Math.max(...errors).toFixed(3)} px`);
  }
});
