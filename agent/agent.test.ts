// SPDX-License-Identifier: Apache-2.0
// The agent with all its rooms and sockets over a link made by hand.
import { Packr, Unpackr } from 'msgpackr';
import t, { type Test } from 'tap';
import { stringify } from 'yaml';
import { Context, Dealer, Subscriber } from 'zeromq';
import { type Addresses, Agent } from './agent.js';
import { parseProfile } from './config/load.js';
import { all, halt, record, resume, stampOf, start } from './guider/testing-records.js';
import { systemClocks } from './health/host-clock.js';
import {
  type DaqLink,
  type DaqRecord,
  EventType,
  type LinkCounters,
  type SensorCounters,
} from './model/daq.js';
import { AgentError } from './model/errors.js';
import { logTo } from './model/log.js';

const packr = new Packr({ useRecords: false });
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true });
const obsid = 'MC_O_20260714_000123';

/** No thread: readings of the machine are tested with the host. */
const startHostThread = () => ({ stop: async () => undefined });

function sensorCounters(location: number, complete: bigint): SensorCounters {
  const none = { incomplete: 0n, bad: 0n, duplicate: 0n, dropped: 0n, lost: 0n, refused: 0n, superseded: 0n };
  const errors = { reordered: 0n, errXfer: 0n, errSize: 0n, errMissBeg: 0n, errMissEnd: 0n, unsettled: 0n };
  return { location, seen: complete, complete, ...none, ...errors };
}

class HandLink implements DaqLink {
  onRecords: ((records: readonly DaqRecord[]) => void) | null = null;
  complete = 0n;
  driverError = 0;
  starts = 0;
  refuse: AgentError | null = null;
  readonly commands: unknown[] = [];
  readonly released: bigint[] = [];

  start(onRecords: (records: readonly DaqRecord[]) => void): void {
    if (this.refuse) throw this.refuse;
    this.onRecords = onRecords;
    this.starts++;
    this.complete = 0n;
  }
  look(): void {}
  busySinceNs(): bigint {
    return 0n;
  }
  async stop(): Promise<void> {
    this.onRecords = null;
  }
  give(records: readonly DaqRecord[]): void {
    this.complete += records.some((r) => r.eventType === EventType.stamp) ? 1n : 0n;
    this.onRecords?.(records);
  }
  counters(): LinkCounters {
    return {
      driver: 'hand',
      driverVersion: '1',
      linkUp: true,
      heartbeat: 1n,
      driverError: this.driverError,
      link: { packets: 0n },
      pool: { slots: 64n },
      outcomes: {},
      sensors: all.map((s) => sensorCounters(s.location, this.complete)),
      recording: {},
      images: {},
    };
  }
  async control(command: Readonly<Record<string, unknown>>) {
    this.commands.push(command);
    return { status: 0, reply: 'SUCCESS' };
  }
  async calibrate() {
    return { missing: [], gain: 0, readNoise: 0 };
  }
  predict(): void {}
  wantPixels(): void {}
  takePixels(): Uint8Array {
    return new Uint8Array();
  }
  releasePixels(lease: bigint): void {
    this.released.push(lease);
  }
  writeImage(): void {}
  lookAtImage() {}
  releaseImage(): void {}
}

function profile(data = 'tcp://127.0.0.1:0', startState = 'ENABLED') {
  return parseProfile(
    stringify({
      agent: { name: 'bench', role: 'guider', startState },
      simulationMode: 1,
      daq: { driver: 'wire' },
      guider: { sensors: all.map((s) => s.detectorName) },
      health: { prometheus: '127.0.0.1:0' },
      publish: { data, control: 'tcp://127.0.0.1:0' },
    }),
    '/nowhere/p.yaml',
  );
}

interface Message {
  readonly topic: string;
  readonly seq: bigint;
  readonly body: Readonly<Record<string, unknown>>;
}

async function running(t: Test, startState = 'ENABLED', clocks = systemClocks) {
  const link = new HandLink();
  const lines: string[] = [];
  const log = logTo((_level, message) => lines.push(message));
  const agent = new Agent(profile(undefined, startState), {
    log,
    version: '0',
    createLink: () => link,
    kernelTaiSeconds: () => 37,
    startHostThread,
    clocks,
  });
  const addresses: Addresses = await agent.start();
  const context = new Context({ blocky: false });
  const socket = new Subscriber({ context, linger: 0, receiveTimeout: 10_000 });
  const client = new Dealer({ context, linger: 0, receiveTimeout: 10_000 });
  socket.connect(addresses.data);
  socket.subscribe();
  client.connect(addresses.control);
  t.teardown(async () => {
    socket.close();
    client.close();
    await agent.stop();
  });
  const messages: Message[] = [];
  const until = async (wanted: (m: Message) => boolean): Promise<Message> => {
    for (;;) {
      const [topic, frame] = await socket.receive();
      const message = {
        topic: String(topic),
        ...(unpackr.unpack(frame ?? Buffer.alloc(0)) as Omit<Message, 'topic'>),
      };
      messages.push(message);
      if (wanted(message)) return message;
    }
  };
  let asked = 0;
  const ask = async (verb: string, args = {}) => {
    await client.send(packr.pack({ v: 1, id: ++asked, verb, args }));
    for (;;) {
      const [frame] = await client.receive();
      const reply = unpackr.unpack(frame ?? Buffer.alloc(0)) as {
        ack: number;
        error?: string;
        result: Record<string, unknown>;
      };
      if (reply.ack !== 300 && reply.ack !== 301) return reply;
    }
  };
  // The heartbeat shows that the subscription has arrived.
  await until((m) => m.topic.startsWith('heartbeat/'));
  return { agent, link, messages, until, ask, lines };
}

t.test('a series becomes messages of every kind, with sequence numbers that count', async (t) => {
  const { link, messages, until, ask } = await running(t);
  let now = process.hrtime.bigint();
  link.give(all.map((s) => start(s, 1, now)));
  link.give(all.map((s) => resume(s, 1, now, obsid)));
  for (let stamp = 0; stamp < 3; stamp++) {
    now = process.hrtime.bigint();
    link.give(all.map((s) => stampOf(s, { series: 1, stamp, lastNs: now })));
  }
  const stats = await ask('stats');
  t.match(stats.result, {
    conserved: true,
    driver: 'hand',
    sensors: { R00_SG0: { published: 3n, complete: 3n } },
  });
  const snapshot = await ask('snapshot');
  t.match(snapshot.result, { role: 'guider', summary_state: 'ENABLED', guider: { running: true } });
  link.give(all.map((s) => halt(s, EventType.stop, 1, now, 3n)));
  await until((m) => m.topic.startsWith('series.end/'));
  const count = (kind: string) => messages.filter((m) => m.topic.startsWith(`${kind}/`)).length;
  t.equal(count('guider.result'), 24);
  t.same([count('guider.offsets'), count('guider.summary'), count('guider.acquisition')], [3, 3, 3]);
  t.equal(count('guider.series'), 1);
  t.equal(count('guider.state'), 6);
  const results = messages.filter((m) => m.topic === 'guider.result/LSSTCam/R00_SG0/');
  t.same(
    results.map((m) => m.seq),
    [1n, 2n, 3n],
  );
  const offsets = messages.find((m) => m.topic === 'guider.offsets/LSSTCam/all/');
  t.match(offsets?.body, { n_sensors: 8, obsid, closed_by: 'complete', flagged: false });
  t.match(offsets?.body.covariance, { length: 6 });
});

t.test('a pointing puts offsets on the sky; without one the reason is told', async (t) => {
  const { link, until, ask } = await running(t);
  const now = process.hrtime.bigint();
  link.give([...all.map((s) => start(s, 1, now)), ...all.map((s) => resume(s, 1, now, obsid))]);
  const next = (kind: string) => until((m) => m.topic.startsWith(`${kind}/`));
  const give = (stamp: number) => {
    const lastNs = process.hrtime.bigint();
    link.give(all.map((s) => stampOf(s, { series: 1, stamp, lastNs })));
  };
  give(0);
  const nothing = { dalt: Number.NaN, daz_err: Number.NaN, sky_fault: 'no_pointing' };
  t.match((await next('guider.offsets')).body, nothing);
  t.match((await next('guider.result')).body, { ...nothing, e1_altaz: Number.NaN, e1: 0 });
  t.match((await next('guider.acquisition')).body, { sky_fault: 'no_pointing' });
  t.match(await ask('pointing', { alt_deg: 70, az_deg: 180, rotator_deg: -90 }), { ack: 303 });
  t.match((await ask('snapshot')).result, { pointing: { alt_deg: 70, rotator_deg: -90 } });
  give(1);
  const { body } = await next('guider.offsets');
  t.match(body, { sky_fault: '', n_sensors: 8 });
  t.match((await next('guider.result')).body, { dalt: Number, daz_err: Number, sky_fault: '' });
  t.ok(Math.abs(Number(body.dalt)) < 1e-9 && Number(body.dalt_err) > 0, 'nothing has moved');
  t.match((await next('guider.acquisition')).body, { sky_fault: '', dalt: { length: 8 } });
});

t.test('link events raise and clear the alarm, leases are given back', async (t) => {
  const { link, until } = await running(t);
  const [sensor] = all;
  if (!sensor) throw new Error('eight sensors');
  const event = (eventType: number, text: string) => record(sensor, { eventType, text, location: 255 });
  link.give([event(EventType.linkDown, 'silent for 750 ms')]);
  t.match((await until((m) => m.topic.startsWith('alarm/'))).body, { name: 'link_down', active: true });
  link.give([event(EventType.linkUp, '')]);
  t.match((await until((m) => m.topic.startsWith('alarm/'))).body, { name: 'link_down', active: false });
  link.give([stampOf(sensor, { series: 1, stamp: 0, lastNs: 1n }, undefined, { lease: 9n })]);
  t.same(link.released, [9n]);
});

t.test('commands reach the DAQ through the link', async (t) => {
  const { link, ask } = await running(t);
  t.match(await ask('resume', { comment: obsid }), { ack: 303, result: { reply: 'SUCCESS' } });
  t.same(link.commands, [{ command: 'resume', comment: obsid }]);
});

t.test('a start that fails leaves nothing running', async (t) => {
  const { addresses, first } = await (async () => {
    const link = new HandLink();
    const agent = new Agent(profile(), {
      log: logTo(() => {}),
      version: '0',
      createLink: () => link,
      kernelTaiSeconds: () => 37,
      startHostThread,
      clocks: systemClocks,
    });
    return { addresses: await agent.start(), first: agent };
  })();
  t.teardown(() => first.stop());
  const make = (data: string, refuse: AgentError | null) => {
    const link = new HandLink();
    link.refuse = refuse;
    return new Agent(profile(data), {
      log: logTo(() => {}),
      version: '0',
      createLink: () => link,
      kernelTaiSeconds: () => null,
      startHostThread,
      clocks: systemClocks,
    });
  };
  await t.rejects(make(addresses.data, null).start(), { code: 'port_busy' });
  const refusal = new AgentError('daq_resource', 'wire: port 5580 is in use');
  await t.rejects(make('tcp://127.0.0.1:0', refusal).start(), { code: 'daq_resource' });
});

t.test('the TAI offset is told once, and flagged when the kernel does not know it', async (t) => {
  const lines: string[] = [];
  const log = logTo((_level, message) => lines.push(message));
  const agent = new Agent(profile(), {
    log,
    version: '0',
    createLink: () => new HandLink(),
    kernelTaiSeconds: () => 0,
    startHostThread,
    clocks: systemClocks,
  });
  await agent.start();
  await agent.stop();
  t.equal(lines.filter((line) => line.includes('TAI - UTC')).length, 1);
  t.match(lines.join('\n'), /the kernel says 0 s/);
});

t.test('through the states: the link is open from DISABLED on, results leave in ENABLED only', async (t) => {
  const { link, messages, until, ask } = await running(t, 'STANDBY');
  t.equal(link.starts, 0, 'no link in STANDBY');
  t.match(await ask('pause'), { ack: -302, error: /in STANDBY; send start, enable first/ });
  t.match(await ask('start'), { ack: 303, result: { summary_state: 'DISABLED' } });
  t.equal(link.starts, 1);
  const now = process.hrtime.bigint();
  link.give(all.map((s) => start(s, 1, now)));
  link.give(all.map((s) => resume(s, 1, now, obsid)));
  const stamp = (n: number) =>
    link.give(all.map((s) => stampOf(s, { series: 1, stamp: n, lastNs: process.hrtime.bigint() })));
  stamp(0);
  stamp(1);
  t.match(await ask('stats'), {
    result: {
      summary_state: 'DISABLED',
      conserved: true,
      sensors: { R00_SG0: { published: 0n, withheld: 2n } },
    },
  });
  t.match(await ask('enable'), { ack: 303 });
  stamp(2);
  t.match(await ask('disable'), { ack: 303 });
  stamp(3);
  link.give(all.map((s) => halt(s, EventType.stop, 1, now, 4n)));
  const { body } = await until((m) => m.topic.startsWith('series.end/'));
  t.match((body.sensors as Record<string, unknown>).R00_SG0, {
    complete: 4,
    published: 1,
    withheld: 3,
    rejected: 0,
  });
  const topics = messages.map((m) => m.topic);
  t.equal(
    topics.filter((topic) => topic.startsWith('guider.result/')).length,
    8,
    'one stamp of eight sensors',
  );
  t.equal(topics.filter((topic) => topic === 'guider.offsets/LSSTCam/all/').length, 1);
  t.equal(topics.filter((topic) => topic === 'guider.series/LSSTCam/all/').length, 1, 'the DAQ is told of');
  t.match(await ask('standby'), { ack: 303 });
  t.equal(link.onRecords, null);
  t.match(await ask('start'), { ack: 303 });
  t.equal(link.starts, 2);
  t.match(await ask('stats'), {
    result: { conserved: true, sensors: { R00_SG0: { complete: 4n, published: 1n, withheld: 3n } } },
  });
});

t.test('a late joiner learns the state and everything that was told about it from snapshot', async (t) => {
  const { ask } = await running(t);
  const { result } = await ask('snapshot');
  t.match(result, {
    summary_state: 'ENABLED',
    last: {
      'state/LSSTCam/bench/summaryState/': {
        schema: 'state/1',
        body: { event: 'summaryState', summary_state: 'ENABLED', code: 2 },
      },
      'state/LSSTCam/bench/simulationMode/': { body: { event: 'simulationMode', mode: 1 } },
      'state/LSSTCam/bench/softwareVersions/': { body: { csc_version: '0', xml_version: '28.0.1' } },
      'state/LSSTCam/bench/configurationApplied/': {
        body: { configurations: 'p.yaml', url: 'file:///nowhere/p.yaml', schema_version: 'v1' },
      },
      'state/LSSTCam/bench/configurationsAvailable/': { body: { overrides: '' } },
      'state/LSSTCam/bench/logLevel/': { body: { level: 20 } },
    },
  });
});

t.test(
  'a driver that ends with an error is a fault: errorCode, then FAULT; standby and start recover',
  async (t) => {
    const { link, messages, until, ask } = await running(t);
    link.driverError = -3;
    await until((m) => m.body.event === 'summaryState' && m.body.summary_state === 'FAULT');
    const told = messages.filter((m) => m.topic.startsWith('state/')).map(({ body }) => body.event);
    t.same(told.slice(-2), ['errorCode', 'summaryState']);
    t.match(messages.find((m) => m.body.event === 'errorCode')?.body, {
      error_code: 1,
      error_report: /delivers no more: driver hand fails with error -3/,
    });
    const beat = await until((m) => m.topic.startsWith('heartbeat/'));
    t.match(beat.body, { summary_state: 'FAULT', link_up: false }, 'the heart beats on');
    t.match(await ask('enable'), { ack: -302, error: /in FAULT; send standby, start first/ });
    link.driverError = 0;
    t.match(await ask('standby'), { ack: 303 });
    t.match(await ask('start'), { ack: 303 });
    t.match(await ask('enable'), { ack: 303, result: { summary_state: 'ENABLED' } });
  },
);

t.test('the log level changes while the agent runs and is told', async (t) => {
  const { until, ask, lines } = await running(t);
  t.match(await ask('setLogLevel', { level: 40 }), { ack: 303, result: { level: 40 } });
  t.match((await until((m) => m.body.event === 'logLevel')).body, { level: 40 });
  const before = lines.length;
  await ask('pause');
  t.equal(lines.length, before, 'info is silent now');
  t.match(await ask('setLogLevel', { level: 'loud' }), { ack: -302, error: /10 \(debug\).*got "loud"/ });
});

t.test('exitControl leaves OFFLINE behind and asks the process to end', async (t) => {
  const { agent, until, ask } = await running(t, 'STANDBY');
  t.match(await ask('exitControl'), { ack: 303, result: { summary_state: 'OFFLINE' } });
  t.match(await until((m) => m.body.event === 'summaryState'), {
    body: { summary_state: 'OFFLINE', code: 4 },
  });
  t.equal(agent.exit.aborted, true);
});

t.test(
  'a system clock that is set back and forth changes no interval and no order; it is flagged',
  async (t) => {
    let shiftMs = 0;
    const clocks = { ...systemClocks, wallMs: () => Date.now() + shiftMs };
    const { link, messages, until } = await running(t, 'ENABLED', clocks);
    const now = process.hrtime.bigint();
    link.give([...all.map((s) => start(s, 1, now)), ...all.map((s) => resume(s, 1, now, obsid))]);
    let stamp = 0;
    const give = (sensors: typeof all) => {
      const lastNs = process.hrtime.bigint();
      link.give(sensors.map((s) => stampOf(s, { series: 1, stamp, lastNs })));
      return stamp++;
    };
    const offsetsOf = (n: number) =>
      until((m) => m.topic.startsWith('guider.offsets/') && m.body.stamp === n);
    give(all);
    const told = (text: RegExp) =>
      until((m) => m.topic.startsWith('log/') && text.test(String(m.body.message)));
    for (const [stepMs, words] of [
      [37_000, /set forward by 3[67]\./],
      [-74_000, /set back by 7[34]\./],
      [-3_600_000, /set back by 3(600|599)\./],
    ] as const) {
      // The step comes while an acquisition waits for its last sensor: half a period later it closes all the same.
      const waiting = give(all.slice(1));
      shiftMs += stepMs;
      t.match((await offsetsOf(waiting)).body, { closed_by: 'timeout', n_sensors: 7 });
      await told(words);
      t.match((await offsetsOf(give(all))).body, { closed_by: 'complete', flags: ['time_suspect'] });
    }
    link.give(all.map((s) => halt(s, EventType.stop, 1, now, BigInt(stamp))));
    await until((m) => m.topic.startsWith('series.end/'));
    const results = messages.filter((m) => m.topic === 'guider.result/LSSTCam/R44_SG1/').map((m) => m.body);
    t.same(
      results.map((body) => body.stamp),
      Array.from({ length: stamp }, (_, i) => i),
    );
    const times = results.map((body) => body.t_published_ns as bigint);
    t.ok(times.every((time, i) => i === 0 || time > (times[i - 1] ?? 0n)));
    t.ok(results.every((body) => (body.t_published_ns as bigint) >= (body.t_last_ns as bigint)));
    const suspect = results.map((body) => (body.flags as string[]).includes('time_suspect'));
    t.equal(suspect[0], false);
    t.equal(suspect.at(-1), true);
  },
);
