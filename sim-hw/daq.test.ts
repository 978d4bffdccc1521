// SPDX-License-Identifier: Apache-2.0
// The DAQ's state machine and its control channel, on the real process.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import t, { type Test } from 'tap';
import {
  Bench,
  type ControlConnection,
  type Receiver,
  type Reply,
  roiSpec,
  type Simulator,
} from './testing/bench.js';
import { daqState, eventType, reassemble, wholeDaq } from './testing/datagram.js';

const one = { roiSpec: roiSpec(20, 20, 'R00SG0') };

async function idle(
  t: Test,
  ...args: readonly string[]
): Promise<{ bench: Bench; simulator: Simulator; control: ControlConnection }> {
  const bench = new Bench(t);
  const simulator = await bench.simulator('--idle', '--rate', '20', ...args);
  return { bench, simulator, control: await bench.connect(simulator) };
}

/** Asks until the DAQ has seen connections come and go. */
async function subscribersAre(control: ControlConnection, expected: number): Promise<void> {
  const end = Date.now() + 10_000;
  for (;;) {
    const { subscribers } = await control.must('status');
    if (subscribers === expected) return;
    if (Date.now() > end) throw new Error(`expected ${expected} subscribers, got ${subscribers}`);
  }
}

/** Types of the messages for a location, STATUS aside. */
function typesFor(receiver: Receiver, location: number): number[] {
  return reassemble(receiver.datagrams)
    .filter(({ header }) => header.location === location && header.eventType !== eventType.STATUS)
    .map(({ header }) => header.eventType);
}

type State = 'IDLECLEARING' | 'PAUSED' | 'RUNNING' | 'SLEEPING';

const commands = ['initGuiders', 'resume', 'pause', 'stop', 'wake', 'sleep', 'clear'] as const;
const ways: Readonly<Record<State, readonly string[]>> = {
  IDLECLEARING: [],
  PAUSED: ['initGuiders'],
  RUNNING: ['initGuiders', 'resume'],
  SLEEPING: ['sleep'],
};
/** Where a command leads; every other one is refused. */
const allowed: Readonly<Record<State, Readonly<Record<string, State>>>> = {
  IDLECLEARING: { initGuiders: 'PAUSED', sleep: 'SLEEPING', clear: 'IDLECLEARING' },
  PAUSED: { initGuiders: 'PAUSED', resume: 'RUNNING', stop: 'IDLECLEARING' },
  RUNNING: { initGuiders: 'PAUSED', pause: 'PAUSED', stop: 'IDLECLEARING' },
  SLEEPING: { wake: 'IDLECLEARING' },
};
const wayBack: Readonly<Record<string, string>> = { PAUSED: 'stop', RUNNING: 'stop', SLEEPING: 'wake' };

t.test('grants every documented transition and refuses every other', async (t) => {
  const { control } = await idle(t);
  for (const state of Object.keys(ways) as State[]) {
    for (const command of commands) {
      for (const step of ways[state]) await control.must(step, one);
      const before = await control.must('status');
      const reply = await control.request(command, one);
      const to = allowed[state][command];
      const name = `${command} in ${state}`;
      t.equal(before.state, state, name);
      if (to === undefined) {
        t.match(reply, { status: 2, reply: 'INVALID_TRANSITION', state, sequence: before.sequence }, name);
        t.match(reply.message, `the state is ${state}`);
      } else {
        const sequence = before.sequence + (command === 'initGuiders' ? 1 : 0);
        t.match(reply, { status: 0, reply: 'SUCCESS', state: to, sequence }, name);
      }
      const back = wayBack[reply.state];
      if (back !== undefined) await control.must(back);
    }
  }
});

t.test('refuses commands that do not exist and goes on', async (t) => {
  const { control } = await idle(t);
  for (const command of ['start', 'INITGUIDERS', '', 'toString', 'constructor', '__proto__']) {
    const reply = await control.request(command);
    t.match(reply, { status: 3, reply: 'INVALID_COMMAND', state: 'IDLECLEARING' }, command);
    t.match(reply.message, /^expected initGuiders, .*, got /);
  }
  await control.must('status');
});

t.test('answers lines that are no request with INVALID, in order, and goes on', async (t) => {
  const { control } = await idle(t);
  const lines = ['{"id": 1, "command"', 'status', '[]', 'null', '7', '{"id": 1}', '{"id": 2, "command": 5}'];
  control.write(`\n${lines.join('\n')}\n\r\n{"id": "last", "command": "status"}\n`);
  for (const line of lines) {
    t.match(await control.reply(), { id: null, status: 5, reply: 'INVALID', message: /JSON object/ }, line);
  }
  t.match(await control.reply(), { id: 'last', status: 0 });
});

t.test('reads a request that arrives in pieces, and several that arrive at once', async (t) => {
  const { bench, simulator, control } = await idle(t);
  const other = await bench.connect(simulator);
  control.write('{"id": 1, "comm');
  await other.must('status');
  control.write('and": "status"}\n{"id": 2, "command": "pause"}\n{"id": 3, "command": "sleep"}\n');
  const replies: Reply[] = [await control.reply(), await control.reply(), await control.reply()];
  t.same(
    replies.map(({ id, status }) => [id, status]),
    [
      [1, 0],
      [2, 2],
      [3, 0],
    ],
  );
});

t.test('takes a line of 64 KiB and closes the connection of a longer one', async (t) => {
  const { bench, simulator, control } = await idle(t);
  const lineOf = (bytes: number) => `{"id":1,"command":"status"}`.padEnd(bytes, ' ');
  control.write(`${lineOf(65_536)}\n`);
  t.match(await control.reply(), { id: 1, status: 0 });
  const endless = await bench.connect(simulator);
  endless.write(lineOf(200_000));
  await endless.closed();
  t.same(endless.replies, []);
  const long = await bench.connect(simulator);
  long.write(`${lineOf(65_537)}\n`);
  await long.closed();
  t.same(long.replies, []);
  await control.must('status');
});

t.test('a bad roiSpec is refused with everything wrong in it, and changes nothing', async (t) => {
  const { control } = await idle(t);
  const spec = {
    common: { rows: 9, cols: 50, integrationTimeMillis: 500 },
    R00SG0: { segment: 8, startRow: 0, startCol: 0 },
    R22S11: { segment: 1, startRow: 0, startCol: 0 },
  };
  const reply = await control.request('initGuiders', { roiSpec: spec });
  t.match(reply, { status: 1, reply: 'INVALID_PARAMETER', state: 'IDLECLEARING', sequence: 0 });
  for (const path of ['common.rows', 'common.integrationTimeMillis', 'R00SG0.segment', 'R22S11'])
    t.match(reply.message, `${path}: expected`);
  t.match(await control.request('initGuiders'), { status: 1, message: /expected an object/ });
  await control.must('initGuiders', one);
  await control.must('resume');
  t.match(await control.request('initGuiders', { roiSpec: spec }), {
    status: 1,
    state: 'RUNNING',
    sequence: 1,
  });
});

t.test('refuses a subscription without a good port, address or locations', async (t) => {
  const { control } = await idle(t);
  const bad: readonly (readonly [Readonly<Record<string, unknown>>, RegExp])[] = [
    [{}, /^port: expected 1\.\.65535, got/],
    [{ port: 0 }, /^port: .* got 0$/],
    [{ port: '5580' }, /^port: .* got "5580"$/],
    [{ port: 5580, address: 'localhost' }, /^address: expected IPv4, got "localhost"$/],
    [{ port: 5580, address: 7 }, /^address: expected IPv4, got 7$/],
    [{ port: 5580, locations: 3 }, /^locations: expected an array/],
    [{ port: 5580, locations: ['R00_SG0'] }, /^locations: expected an array/],
  ];
  for (const [args, message] of bad) {
    const reply = await control.request('subscribe', args);
    t.match(reply, { status: 1, reply: 'INVALID_PARAMETER', message }, JSON.stringify(args));
  }
  t.equal((await control.must('status')).subscribers, 0);
});

t.test('two clients share one DAQ, each with its own stamps', async (t) => {
  const { bench, simulator, control } = await idle(t);
  const other = await bench.connect(simulator);
  const [all, some] = [await bench.receiver(), await bench.receiver()];
  await control.must('subscribe', { port: all.port });
  await other.must('subscribe', { port: some.port, address: '127.0.0.1', locations: [220] });
  await control.must('initGuiders', { roiSpec: roiSpec(20, 20, 'R00SG0', 'R44SG1') });
  t.match(await other.request('initGuiders', { roiSpec: {} }), { status: 1, state: 'PAUSED', sequence: 1 });
  await other.must('resume', { comment: 'from the other' });
  const { STAMP, START, RESUME, PAUSE, STOP } = eventType;
  await some.until('stamps', () =>
    typesFor(some, 220).filter((type) => type === STAMP).length > 2 ? true : undefined,
  );
  await control.must('pause');
  t.match(await other.request('pause'), { status: 2, state: 'PAUSED' });
  await other.must('stop');
  const { sensors = {} } = await control.must('status');
  await Promise.all([all.settled(), some.settled()]);
  t.same(typesFor(some, 3), []);
  const lives = [typesFor(all, 3), typesFor(all, 220), typesFor(some, 220)];
  for (const life of lives) {
    t.same(
      life.filter((type) => type !== STAMP),
      [START, RESUME, PAUSE, STOP],
    );
  }
  const stamps = lives.map((life) => life.filter((type) => type === STAMP).length);
  t.same(stamps, [sensors.R00_SG0?.sent, sensors.R44_SG1?.sent, sensors.R44_SG1?.sent]);
});

t.test('a new series while RUNNING pauses the old one first', async (t) => {
  const { bench, control } = await idle(t);
  const receiver = await bench.receiver();
  await control.must('subscribe', { port: receiver.port });
  await control.must('initGuiders', one);
  await control.must('resume');
  await control.must('initGuiders', { roiSpec: roiSpec(10, 30, 'R00SG0') });
  await receiver.settled();
  const { STAMP, START, RESUME, PAUSE } = eventType;
  t.same(
    typesFor(receiver, 3).filter((type) => type !== STAMP),
    [START, RESUME, PAUSE, START],
  );
  const starts = reassemble(receiver.datagrams).filter(({ header }) => header.eventType === START);
  t.match(starts.at(-1)?.header, { sequence: 2, rows: 10, cols: 30, daqState: daqState.PAUSED });
});

t.test('counts the stamps of the whole run, of sensors of earlier series too', async (t) => {
  const { bench, control } = await idle(t);
  const receiver = await bench.receiver();
  await control.must('subscribe', { port: receiver.port });
  for (const key of ['R00SG0', 'R44SG1', 'R44SG1']) {
    const before = receiver.datagrams.length;
    await control.must('initGuiders', { roiSpec: roiSpec(20, 20, key) });
    await control.must('resume');
    await receiver.until('stamps', (all) => (all.length > before + 6 ? true : undefined));
    await control.must('stop');
  }
  const { sensors = {} } = await control.must('status');
  await receiver.settled();
  const stampsOf = (location: number) =>
    typesFor(receiver, location).filter((type) => type === eventType.STAMP).length;
  t.same(sensors, {
    R00_SG0: { location: 3, sent: stampsOf(3) },
    R44_SG1: { location: 220, sent: stampsOf(220) },
  });
});

t.test('the ninth subscriber is refused, on both channels, until one goes away', async (t) => {
  const { bench, simulator, control } = await idle(t);
  const leaving = await bench.connect(simulator);
  const [gone, ninth] = [await bench.receiver(), await bench.receiver()];
  for (let i = 0; i < 7; i++) {
    const staying = await bench.receiver();
    await control.must('subscribe', { port: staying.port, locations: [3] });
  }
  await leaving.must('subscribe', { port: gone.port });
  const refused = await control.request('subscribe', { port: ninth.port });
  t.match(refused, { status: -2, reply: 'NOSPACE', message: 'at most 8 subscribers' });
  await ninth.settled();
  t.match(
    reassemble(ninth.datagrams).map(({ header }) => header),
    [{ eventType: eventType.STATUS, eventStatus: 2, location: wholeDaq, totalBytes: 0 }],
  );
  leaving.close();
  await subscribersAre(control, 7);
  await control.must('subscribe', { port: ninth.port });
  await control.must('initGuiders', one);
  await Promise.all([gone.settled(), ninth.settled()]);
  t.same(typesFor(ninth, 3), [eventType.START]);
  t.same(typesFor(gone, 3), [], 'a subscription lives as long as its connection');
});

t.test('subscribing the same address again replaces the subscription of that connection', async (t) => {
  const { bench, simulator, control } = await idle(t);
  const receiver = await bench.receiver();
  await control.must('subscribe', { port: receiver.port });
  await control.must('subscribe', { port: receiver.port, locations: [220] });
  t.equal((await control.must('status')).subscribers, 1);
  await control.must('initGuiders', { roiSpec: roiSpec(20, 20, 'R00SG0', 'R44SG1') });
  await receiver.settled();
  t.same(typesFor(receiver, 3), []);
  t.same(typesFor(receiver, 220), [eventType.START]);
  const other = await bench.connect(simulator);
  await other.must('subscribe', { port: receiver.port });
  t.equal((await control.must('status')).subscribers, 2, 'another connection has its own');
});

t.test('a destination that cannot be sent to is said once and counted; the others get theirs', async (t) => {
  const { bench, simulator, control } = await idle(t, '--to', '255.255.255.255:9');
  const receiver = await bench.receiver();
  // Not a broadcast socket: the system refuses these.
  await control.must('subscribe', { port: 10, address: '255.255.255.255' });
  await control.must('subscribe', { port: receiver.port });
  for (const command of ['initGuiders', 'resume', 'stop']) await control.must(command, one);
  await receiver.settled();
  t.match(typesFor(receiver, 3), [eventType.START, eventType.RESUME]);
  simulator.process.kill('SIGTERM');
  const { code, end } = await simulator.ended();
  t.equal(code, 0);
  const refused = { messages: Number, error: 'permission denied' };
  t.match(end.sendErrors, { '255.255.255.255:9': refused, '255.255.255.255:10': refused });
  t.same(
    simulator.sentences,
    ['9', '10'].map(
      (port) =>
        `sim-daq: cannot send to 255.255.255.255:${port}: permission denied; said once, counted in the event "end"`,
    ),
  );
});

/** The most memory the process ever had, MiB. */
function peakMiB(pid: number): number {
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

t.test('a client that asks and never reads is not read from until it does', async (t) => {
  const { simulator, control } = await idle(t);
  const before = peakMiB(simulator.process.pid);
  const [host = '', port] = simulator.control.split(':');
  const flood = connect({ host, port: Number(port) });
  t.teardown(() => flood.destroy());
  await once(flood, 'connect');
  // More than the sockets of both sides hold, and refusals longer than requests.
  const request = `{"id":1,"command":"${'x'.repeat(500)}"}\n`;
  const requests = 80_000;
  flood.write(request.repeat(requests));
  for (let left = -1, still = 0; still < 500 && flood.writableLength > 0; ) {
    await control.must('status');
    still = flood.bytesWritten - flood.writableLength === left ? still + 1 : 0;
    left = flood.bytesWritten - flood.writableLength;
  }
  t.ok(flood.writableLength > 0, 'its requests wait on its own side');
  t.ok(peakMiB(simulator.process.pid) - before < 64, 'its replies are not piled up');
  let replies = 0;
  for await (const chunk of flood) {
    replies += (chunk as Buffer).toString('latin1').split('\n').length - 1;
    if (replies === requests) break;
  }
  t.equal(replies, requests, 'all are answered when it reads');
});
