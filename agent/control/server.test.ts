// SPDX-License-Identifier: Apache-2.0
import { Packr, Unpackr } from 'msgpackr';
import t, { type Test } from 'tap';
import { Context, Dealer, Request, type Router } from 'zeromq';
import type { DaqReply } from '../model/daq.js';
import { AgentError } from '../model/errors.js';
import { logTo } from '../model/log.js';
import { CommandDesk } from './desk.js';
import { InitGuiders } from './init-guiders.js';
import { ControlServer } from './server.js';
import { type VerbName, verbTable } from './states.js';
import { makeVerbs, type Verb } from './verbs.js';

const packr = new Packr({ useRecords: false });
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true });
const silent = logTo(() => {});
const roiSpec = {
  common: { rows: 50, cols: 50, integrationTimeMillis: 50 },
  R00SG0: { segment: 3, startRow: 800, startCol: 56 },
};

interface Reply {
  readonly id: unknown;
  readonly ack: number;
  readonly code?: string;
  readonly error?: string;
  readonly result?: unknown;
}

async function bench(t: Test, answer: (command: Readonly<Record<string, unknown>>) => Promise<DaqReply>) {
  const commands: Readonly<Record<string, unknown>>[] = [];
  const context = new Context({ blocky: false });
  const verbs = makeVerbs({
    snapshot: () => ({ role: 'guider' }),
    stats: () => ({ conserved: true }),
    control: async (command) => {
      commands.push(command);
      return answer(command);
    },
    setLogLevel: () => {},
  });
  const initGuiders = new InitGuiders({
    control: async (command) => {
      commands.push(command);
      return answer(command);
    },
    roiSpec: () => null,
    sensors: ['R00_SG0', 'R00_SG1'],
    expect: () => () => {},
    log: silent,
  });
  const refuse = async () => {
    throw new AgentError('command', 'not on this bench');
  };
  const names = Object.keys(verbTable) as VerbName[];
  const others = Object.fromEntries(names.map((verb): [VerbName, Verb] => [verb, refuse])) as Record<
    VerbName,
    Verb
  >;
  const desk = new CommandDesk({
    verbs: { ...others, ...verbs, initGuiders: initGuiders.verb },
    state: () => 'ENABLED',
    monotonicNs: () => process.hrtime.bigint(),
    taiNs: () => 0n,
    uptimeS: () => 1,
    utcS: () => Date.now() / 1000,
    log: silent,
  });
  const bind = (socket: Router, endpoint: string) => socket.bind(endpoint.replace(/:0$/, ':*'));
  const server = new ControlServer(
    {
      endpoint: 'tcp://127.0.0.1:0',
      key: 'publish.control',
      role: 'command',
      strict: false,
      desk,
      bind,
    },
    silent,
    context,
  );
  const address = await server.start();
  const client = new Dealer({ context, linger: 0, receiveTimeout: 10_000 });
  client.connect(address);
  t.teardown(async () => {
    client.close();
    await server.stop();
  });
  let asked = 0;
  const receive = async () => unpackr.unpack((await client.receive()).at(-1) ?? Buffer.alloc(0)) as Reply;
  return {
    address,
    context,
    commands,
    client,
    receive,
    /** The final reply. */
    ask: async (verb: string, args: unknown = {}) => {
      asked++;
      await client.send(packr.pack({ v: 1, id: `${asked}`, verb, args }));
      for (;;) {
        const reply = await receive();
        if (reply.ack !== 300 && reply.ack !== 301) return reply;
      }
    },
  };
}

const success = async (): Promise<DaqReply> => ({ status: 0, reply: 'SUCCESS', state: 'PAUSED' });

t.test('a request is acknowledged and then answered once', async (t) => {
  const { client, receive } = await bench(t, success);
  await client.send(packr.pack({ v: 1, id: 7, verb: 'stats' }));
  t.same(await receive(), { id: 7, ack: 300 });
  t.match(await receive(), { id: 7, ack: 303, result: { conserved: true } });
});

t.test('initGuiders goes to the DAQ in the observatory form', async (t) => {
  const { ask, commands } = await bench(t, success);
  t.match(await ask('initGuiders', { roiSpec: JSON.stringify(roiSpec) }), {
    ack: 303,
    result: { state: 'PAUSED' },
  });
  t.same(commands, [{ command: 'initGuiders', roiSpec }]);
});

t.test('a bad roiSpec is refused with everything wrong and never reaches the DAQ', async (t) => {
  const { ask, commands } = await bench(t, success);
  const bad = { common: { rows: 1, cols: 1, integrationTimeMillis: 1 }, R00SG0: roiSpec.R00SG0 };
  const reply = await ask('initGuiders', { roiSpec: bad });
  t.match(reply, { ack: -302, code: 'roi', error: /3 problems/ });
  t.match(await ask('initGuiders', { roiSpec: { ...roiSpec, R44SG0: roiSpec.R00SG0 } }), {
    ack: -302,
    error: /sensors of the profile/,
  });
  t.match(await ask('initGuiders'), { ack: -302, code: 'command', error: /expected args\.roiSpec/ });
  t.equal(commands.length, 0);
});

t.test('resume, pause and stop pass through; a DAQ that refuses is quoted', async (t) => {
  const { ask, commands } = await bench(t, async ({ command }) =>
    command === 'pause'
      ? { status: 2, reply: 'INVALID_TRANSITION', message: 'not running' }
      : { status: 0, reply: 'SUCCESS' },
  );
  t.match(await ask('resume', { comment: 'MC_O_20260714_000123' }), { ack: 303 });
  t.match(await ask('pause'), { ack: -302, code: 'daq_state', error: /INVALID_TRANSITION: not running/ });
  t.match(await ask('stop'), { ack: 303 });
  t.same(commands, [
    { command: 'resume', comment: 'MC_O_20260714_000123' },
    { command: 'pause' },
    { command: 'stop' },
  ]);
  t.match(await ask('resume', { comment: 'x'.repeat(31) }), { ack: -302, code: 'command' });
});

t.test('integers beyond 53 bits and values that contain others are refusals, and harm nothing', async (t) => {
  const { ask, commands } = await bench(t, success);
  const huge = 2n ** 63n;
  t.match(await ask('pause', { x: huge }), { ack: -302 }, 'what pause does not know is refused');
  t.match(await ask('initGuiders', { roiSpec: huge }), { ack: -302, code: 'roi' });
  const common = { ...roiSpec.common, rows: huge };
  t.match(await ask('initGuiders', { roiSpec: { ...roiSpec, common } }), {
    ack: -302,
    error: /common\.rows: expected an integer .* got 9223372036854775808/,
  });
  t.match(await ask('initGuiders', { roiSpec: { ...roiSpec, common: { ...roiSpec.common, rows: 50n } } }), {
    ack: 303,
  });
  t.equal(commands.length, 1);
});

t.test('a verb of any length is refused at once', async (t) => {
  const { ask } = await bench(t, success);
  t.match(await ask('x'.repeat(60_000)), { ack: -302, error: /at most 64 characters/ });
});

t.test('a DAQ that is not there is a refusal', async (t) => {
  const { ask } = await bench(t, async () => {
    throw new AgentError('daq_unreachable', 'no answer from 127.0.0.1:5581');
  });
  t.match(await ask('pause'), { ack: -302, code: 'daq_unreachable', error: /no answer/ });
});

t.test(
  'what is not a request is answered with what was expected, and the next request is served',
  async (t) => {
    const { client, receive, ask } = await bench(t, success);
    const wrong: readonly (readonly [unknown, RegExp])[] = [
      [Buffer.from([0xc1]), /expected|id:/],
      [Buffer.from([]), /expected a msgpack map/],
      [packr.pack([1, 2]), /expected a msgpack map/],
      [packr.pack({ v: 1, verb: 'stats' }), /id: expected/],
      [packr.pack({ v: 2, id: 1, verb: 'stats' }), /v: expected 1, got 2/],
      [packr.pack({ v: 1, id: 1, verb: 5 }), /verb: expected text/],
      [packr.pack({ v: 1, id: 1, verb: 'stats', args: 5 }), /args: expected a map/],
    ];
    for (const [frame, expected] of wrong) {
      await client.send(frame as Buffer);
      t.match(await receive(), { ack: -302, error: expected });
    }
    t.match(await ask('statz'), { ack: -302, error: /got statz; did you mean stats\?/ });
    t.match(await ask('constructor'), { ack: -302, code: 'command' });
    t.match(await ask('stats'), { ack: 303 });
  },
);

t.test('a REQ socket gets its envelope back with the acknowledgement', async (t) => {
  const { address, context } = await bench(t, success);
  const client = new Request({ context, linger: 0, receiveTimeout: 10_000 });
  client.connect(address);
  t.teardown(() => client.close());
  await client.send(packr.pack({ v: 1, id: 1, verb: 'snapshot' }));
  const [frame] = await client.receive();
  t.match(unpackr.unpack(frame ?? Buffer.alloc(0)), { id: 1, ack: 300 });
});

t.test('a request beyond 64 KiB cuts its sender off and nobody else', async (t) => {
  const { address, context, ask } = await bench(t, success);
  const client = new Dealer({ context, linger: 0, sendTimeout: 0 });
  client.connect(address);
  t.teardown(() => client.close());
  await client.send(Buffer.alloc(100_000));
  t.match(await ask('stats'), { ack: 303 });
});
