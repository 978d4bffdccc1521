// SPDX-License-Identifier: Apache-2.0
// A DAQ stream with faults is recorded while it happens, and played again: the same results, bit for bit.
import { existsSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { stringify } from 'yaml';
import { Child, type JsonLine } from '../../scripts/processes/child.js';
import { freeUdpPort } from '../../scripts/processes/ports.js';
import { simGuiderProfile } from '../../scripts/processes/profile.js';
import { deadlineMs, type Envelope, Rig } from './rig.js';

const kinds = [
  'guider.series',
  'guider.state',
  'guider.result',
  'guider.offsets',
  'guider.summary',
  'guider.acquisition',
  'guider.event',
  'series.end',
];

/** What tells how fast this machine was, and nothing of the sky. */
const agentTimes = new Set(['t_measured_ns', 't_published_ns', 'latency_ms', 'measure_us']);

/** Everything that was published about the stream, in order of each topic, without this machine's own times. */
function told(messages: readonly Envelope[]): Record<string, string[]> {
  const out: Record<string, string[]> = {};
  for (const { kind, topic, body } of messages) {
    if (!kinds.includes(kind)) continue;
    const text = JSON.stringify(body, (key, value: unknown) => {
      if (agentTimes.has(key)) return undefined;
      if (typeof value === 'bigint') return String(value);
      return Number.isNaN(value) ? 'NaN' : value;
    });
    out[topic] ??= [];
    out[topic].push(text);
  }
  return out;
}

function command(t: Test, name: string, args: readonly string[]): Child {
  const child = new Child({ name, script: 'dist/agent/main.js', args });
  t.teardown(() => child.stop(2000));
  return child;
}

const isReady = ({ event }: JsonLine): boolean => event === 'ready';

/** Records a whole scenario of the simulated DAQ. */
async function recordScenario(t: Test, rig: Rig, file: string, args: readonly string[]) {
  const simulator = await rig.simulator(args);
  const profile = simGuiderProfile({
    udpPort: await freeUdpPort(),
    daqControl: simulator.control,
    data: 'tcp://127.0.0.1:0',
    control: 'tcp://127.0.0.1:0',
  });
  const recorder = command(t, 'record', [
    'record',
    '--profile',
    rig.profile(profile),
    '--out',
    file,
    '--compress',
  ]);
  await recorder.event('ready', isReady, deadlineMs);
  const sent = await simulator.end();
  recorder.kill('SIGINT');
  const summary = await recorder.event('the summary', ({ event }) => event === 'recorded', deadlineMs);
  t.equal(await recorder.exited, 0);
  return { summary, sent };
}

/** Plays it once; resolves with everything a subscriber heard until the series ended. */
async function play(t: Test, rig: Rig, file: string, speed: string) {
  const base = simGuiderProfile({
    udpPort: await freeUdpPort(),
    daqControl: null,
    data: 'tcp://127.0.0.1:0',
    control: 'tcp://127.0.0.1:0',
  });
  const profile = rig.profile({
    ...base,
    publish: { ...(base.publish as JsonLine), highWaterMark: 100_000 },
  });
  const player = command(t, 'replay', [
    ...['replay', '--profile', profile, '--file', file, '--speed', speed, '--wait', '--stay'],
  ]);
  const ready = await player.event('ready', isReady, deadlineMs);
  const listener = rig.listener(String(ready.data));
  await listener.first('the end of the recording', (m) => {
    return m.kind === 'log' && m.body.message === 'the source has delivered everything';
  });
  await listener.first('the end of the series', (m) => m.kind === 'series.end');
  player.kill('SIGINT');
  t.equal(await player.exited, 0);
  return { messages: listener.messages, player };
}

t.test('a stream with faults is played again with the same results, at any speed', async (t) => {
  const rig = new Rig(t);
  const file = join(rig.directory, 'night.smtrec');
  const faults = [
    'drop:p=0.05',
    'drop:p=0.02,unit=packet',
    'duplicate:p=0.03',
    'reorder:p=0.03',
    'corrupt:p=0.03',
  ];
  const { summary, sent } = await recordScenario(t, rig, file, [
    ...[
      '--stamps',
      '30',
      '--exposures',
      '2',
      '--rate',
      '40',
      '--snr',
      '50',
      '--seed',
      '7',
      '--cosmic-rays',
      '0.1',
    ],
    ...faults.flatMap((fault) => ['--fault', fault]),
  ]);
  t.equal(summary.left_out, 0);
  t.ok(Number(summary.stamps) > 300);
  t.equal(summary.bytes, statSync(file).size);

  const first = told((await play(t, rig, file, 'max')).messages);
  const second = told((await play(t, rig, file, 'max')).messages);
  const third = told((await play(t, rig, file, '3')).messages);
  t.same(Object.keys(second).sort(), Object.keys(first).sort());
  for (const [topic, bodies] of Object.entries(first)) {
    t.ok(bodies.length > 0);
    t.strictSame(second[topic], bodies, `${topic}: as fast as possible, twice`);
    t.strictSame(third[topic], bodies, `${topic}: three times as fast as it was`);
  }
  t.equal(first['guider.offsets/LSSTCam/all/']?.length, 60);
  const end = JSON.parse(first['series.end/LSSTCam/all/']?.[0] ?? '{}') as {
    sensors: Record<string, Record<string, number>>;
  };
  let lost = 0;
  for (const [name, s] of Object.entries(end.sensors)) {
    const { complete = 0, incomplete = 0, dropped = 0 } = s;
    lost += s.lost ?? 0;
    t.equal(
      complete + incomplete + dropped + (s.lost ?? 0),
      sent[name],
      `${name}: every stamp is accounted for`,
    );
  }
  t.ok(lost > 0, 'the faults are in the recording');
});

t.test(
  'an agent that records beside its guiding is played again with the same results, deadlines included',
  async (t) => {
    const rig = new Rig(t);
    const file = join(rig.directory, 'night.smtrec');
    const scenario = join(rig.directory, 'scenario.yaml');
    const plan = {
      ...{ rate: 30, snr: 40, seed: 3, 'cosmic-rays': 0.2, stamps: 24, plan: [{}] },
      // Brighter than the guide star: where the kernel looks decides which of them it finds.
      happenings: [
        { what: 'star', sensors: ['R04_SG0', 'R44_SG1'], from: 6, 'offset-px': [-9, 7], ratio: 3 },
      ],
    };
    writeFileSync(scenario, stringify(plan));
    const faults = [
      '--fault',
      'drop:p=0.05',
      '--fault',
      'drop:p=0.03,unit=packet',
      '--fault',
      'reorder:p=0.02',
    ];
    const simulator = await rig.simulator(['--scenario', scenario, ...faults]);
    const base = simGuiderProfile({
      udpPort: await freeUdpPort(),
      daqControl: simulator.control,
      data: 'tcp://127.0.0.1:0',
      control: 'tcp://127.0.0.1:0',
    });
    const agent = command(t, 'agent', ['run', '--profile', rig.profile(base), '--record', file]);
    const ready = await agent.event('ready', isReady, deadlineMs);
    const listener = rig.listener(String(ready.data));
    await listener.first('the end of the series', (m) => m.kind === 'series.end');
    const control = rig.control(String(ready.control));
    for (const verb of ['disable', 'standby', 'start']) await control.request(verb);
    t.ok(
      existsSync(join(rig.directory, 'night-2.smtrec')),
      'a link that is opened again has a file of its own',
    );
    agent.kill('SIGINT');
    t.equal(await agent.exited, 0);
    const events = listener.of('guider.event').map(({ body }) => body.name);
    t.ok(events.includes('jump_rejected'), 'the kernel was told where stars are');

    const again = (await play(t, rig, file, 'max')).messages;
    const [live, played] = [told(listener.messages), told(again)];
    t.ok(listener.of('guider.result').length > 100);
    const closedBy = new Set(listener.of('guider.offsets').map(({ body }) => body.closed_by));
    t.ok(closedBy.has('timeout'), 'deadlines passed');
    t.same(Object.keys(played).sort(), Object.keys(live).sort());
    for (const [topic, bodies] of Object.entries(live)) t.strictSame(played[topic], bodies, topic);
  },
);

t.test('a recording that was cut off is played up to there, and that is told', async (t) => {
  const rig = new Rig(t);
  const file = join(rig.directory, 'night.smtrec');
  await recordScenario(t, rig, file, ['--stamps', '10', '--exposures', '1', '--rate', '40']);
  truncateSync(file, Math.floor(statSync(file).size / 2));
  const base = simGuiderProfile({
    udpPort: await freeUdpPort(),
    daqControl: null,
    data: 'tcp://127.0.0.1:0',
    control: 'tcp://127.0.0.1:0',
  });
  const player = command(t, 'replay', [
    'replay',
    '--profile',
    rig.profile(base),
    '--file',
    file,
    '--speed',
    'max',
  ]);
  t.equal(await player.exited, 0, 'it ends by itself');
  t.ok(player.events.some(({ message }) => /records before it are good/.test(String(message))));
  t.ok(player.events.some(({ message }) => message === 'the source has delivered everything'));
});

t.test('what cannot be recorded or played is refused with a reason', async (t) => {
  const rig = new Rig(t);
  const file = join(rig.directory, 'there.smtrec');
  writeFileSync(file, 'something else');
  const profile = rig.profile(
    simGuiderProfile({
      udpPort: await freeUdpPort(),
      daqControl: null,
      data: 'tcp://127.0.0.1:0',
      control: 'tcp://127.0.0.1:0',
    }),
  );
  const refused = async (args: readonly string[], code: number, reason: RegExp) => {
    const child = command(t, args[0] ?? '', args);
    t.equal(await child.exited, code, args.join(' '));
    const said = child.events.map(({ message }) => String(message));
    t.ok(
      said.some((message) => reason.test(message)),
      `${said.join('; ')}`,
    );
  };
  await refused(['record', '--profile', profile, '--out', file], 1, /a recording replaces nothing/);
  await refused(['record', '--profile', profile], 2, /expected --out/);
  await refused(
    ['replay', '--profile', profile, '--file', file],
    1,
    /expected a recording of summit-agent record/,
  );
  await refused(
    ['replay', '--profile', profile, '--file', join(rig.directory, 'none')],
    1,
    /cannot be opened/,
  );
  await refused(
    ['replay', '--profile', profile, '--file', file, '--speed', '0'],
    2,
    /--speed: expected a number/,
  );
});
