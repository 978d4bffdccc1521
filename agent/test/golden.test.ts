// SPDX-License-Identifier: Apache-2.0
// Committed recordings through a whole agent, against what the simulator knows of them (golden/README.md).
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { Child, type JsonLine } from '../../scripts/processes/child.js';
import { simGuiderProfile } from '../../scripts/processes/profile.js';
import { deadlineMs, type Envelope, Rig } from './rig.js';

const folder = join('agent', 'test', 'golden');

interface Expected {
  readonly sensor: string;
  readonly stamp: number;
  readonly x: number;
  readonly y: number;
  readonly faults: readonly string[];
}

/** Every message of one pass as fast as possible. */
async function play(rig: Rig, t: Test, name: string): Promise<readonly Envelope[]> {
  const free = 'tcp://127.0.0.1:0';
  const base = simGuiderProfile({ udpPort: 5580, daqControl: null, data: free, control: free });
  const profile = rig.profile({
    ...base,
    guider: { sensors: ['R00_SG0', 'R44_SG1'] },
    publish: { ...(base.publish as JsonLine), highWaterMark: 100_000 },
  });
  const child = new Child({
    name: 'replay',
    script: 'dist/agent/main.js',
    args: [
      'replay',
      '--profile',
      profile,
      '--file',
      join(folder, name),
      '--speed',
      'max',
      '--wait',
      '--stay',
    ],
  });
  t.teardown(() => child.stop(2000));
  const ready = await child.event('ready', ({ event }) => event === 'ready', deadlineMs);
  const listener = rig.listener(String(ready.data));
  await listener.first('the end of the series', (m) => m.kind === 'series.end');
  return listener.messages;
}

t.test('a recorded stream with faults: every star where it was, every loss told', async (t) => {
  const expected = JSON.parse(readFileSync(join(folder, 'faults.json'), 'utf8')) as Expected[];
  const messages = await play(new Rig(t), t, 'faults.smtrec');
  const results = messages.filter((m) => m.kind === 'guider.result').map((m) => m.body);
  const of = (sensor: string, stamp: number) =>
    results.filter((body) => body.sensor === sensor && Number(body.stamp) === stamp);
  const pulls: number[] = [];
  let measured = 0;
  let lost = 0;
  for (const { sensor, stamp, x, y, faults } of expected) {
    const [result, ...more] = of(sensor, stamp);
    const name = `${sensor} ${stamp} ${faults.join()}`;
    t.same(more, [], `${name}: at most once`);
    if (result === undefined) {
      lost++;
      t.ok(faults.includes('drop') || faults.includes('corrupt_packet'), `${name}: it did not come`);
      continue;
    }
    if (result.outcome !== 'measured') {
      t.ok(faults.includes('corrupt_packet'), `${name}: it came damaged`);
      continue;
    }
    measured++;
    t.equal(result.flagged, false, `${name}: usable`);
    const pullX = (Number(result.xroi) - x) / Number(result.xroi_err);
    const pullY = (Number(result.yroi) - y) / Number(result.yroi_err);
    t.ok(
      Math.hypot(pullX, pullY) < 5,
      `${name}: ${pullX.toFixed(2)}, ${pullY.toFixed(2)} sigma from the truth`,
    );
    pulls.push(pullX, pullY);
  }
  t.ok(measured > expected.length * 0.8, `${measured} of ${expected.length} measured`);
  t.ok(lost > 0, 'some were lost');
  const rms = Math.sqrt(pulls.reduce((sum, pull) => sum + pull * pull, 0) / pulls.length);
  t.ok(rms > 0.7 && rms < 1.3, `pulls have an rms of ${rms.toFixed(2)}`);

  const [end] = messages.filter((m) => m.kind === 'series.end');
  const sensors = end?.body.sensors as Record<string, Record<string, number>>;
  for (const [name, s] of Object.entries(sensors)) {
    const told = Number(s.complete) + Number(s.incomplete) + Number(s.dropped) + Number(s.lost);
    t.equal(told, expected.filter((e) => e.sensor === name).length, `${name}: every stamp is accounted for`);
  }
  const offsets = messages.filter((m) => m.kind === 'guider.offsets');
  t.ok(offsets.length >= 28, `${offsets.length} offsets`);
  t.equal(new Set(offsets.map((m) => m.body.obsid)).size, 2, 'of two exposures');
});
