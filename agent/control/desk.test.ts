// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { AgentError } from '../model/errors.js';
import { logTo } from '../model/log.js';
import type { SummaryState } from '../model/summary-state.js';
import { type Caller, CommandDesk, type Reply } from './desk.js';
import type { ControlRequest, Expiry } from './requests.js';
import { type VerbName, verbTable } from './states.js';
import type { Verb, Verbs } from './verbs.js';

/** of the agent when a test begins */
const uptimeS = 10;
const local: Caller = { role: 'command', strict: false, connection: 'a' };

function bench() {
  const time = { s: 1_800_000_000 };
  const state = { now: 'ENABLED' as SummaryState };
  const ran: string[] = [];
  const own: Partial<Record<VerbName, Verb>> = {};
  const names = Object.keys(verbTable) as VerbName[];
  const verbs = Object.fromEntries(
    names.map((name): [VerbName, Verb] => [
      name,
      async (args) => {
        ran.push(name);
        return (await own[name]?.(args)) ?? { did: name };
      },
    ]),
  ) as Record<VerbName, Verb>;
  const lines: string[] = [];
  const desk = new CommandDesk({
    verbs: verbs as Verbs,
    state: () => state.now,
    monotonicNs: () => BigInt(time.s) * 1_000_000_000n,
    taiNs: () => BigInt(time.s + 37) * 1_000_000_000n,
    utcS: () => time.s,
    uptimeS: () => uptimeS,
    log: logTo((_level, message) => lines.push(message)),
  });
  const send = (verb: string, given: Partial<ControlRequest> = {}, caller: Caller = local) => {
    const replies: Reply[] = [];
    let settle: (reply: Reply) => void = () => {};
    const final = new Promise<Reply>((resolve) => {
      settle = resolve;
    });
    const request: ControlRequest = {
      id: `id-${ran.length}-${verb}`,
      verb,
      args: {},
      who: '',
      expiry: null,
      issued: null,
    };
    desk.take({ ...request, ...given }, caller, (reply) => {
      replies.push(reply);
      if (reply.ack !== 300 && reply.ack !== 301) settle(reply);
    });
    return { replies, final };
  };
  return { desk, send, ran, own, state, time, lines };
}

t.test('a request is acknowledged and answered; one that takes a while is announced', async (t) => {
  const { send, own } = bench();
  const acks = ({ replies }: { replies: readonly Reply[] }) => replies.map(({ ack }) => ack);
  const pause = send('pause', { id: 'one' });
  t.match(await pause.final, { ack: 303, result: { did: 'pause' } });
  t.same(acks(pause), [300, 303]);
  const stats = send('stats');
  await stats.final;
  t.same(acks(stats), [300, 303]);
  let finish: () => void = () => {};
  own.stop = () =>
    new Promise((resolve) => {
      finish = () => resolve({});
    });
  const stop = send('stop', { id: 'two' });
  while (stop.replies.length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
  finish();
  await stop.final;
  t.same(acks(stop), [300, 301, 303]);
  t.equal(stop.replies[1]?.timeout, 5);
});

t.test('a repeated id gets the same final reply and does nothing', async (t) => {
  const { send, ran, desk } = bench();
  const first = await send('pause', { id: 'x' }).final;
  const again = send('pause', { id: 'x' }, { ...local, connection: 'another' });
  t.same(await again.final, { ...first, repeated: true });
  t.same(ran, ['pause']);
  t.match(desk.counts(), { repeated: 1, remembered: 1 });
});

t.test('a repeated id of a running command waits for the same end', async (t) => {
  const { send, ran, own } = bench();
  let finish: () => void = () => {};
  own.stop = () =>
    new Promise((resolve) => {
      finish = () => resolve({ stopped: true });
    });
  const first = send('stop', { id: 'x' });
  const again = send('stop', { id: 'x' });
  finish();
  t.match(await first.final, { ack: 303, result: { stopped: true } });
  t.match(await again.final, { ack: 303, result: { stopped: true }, repeated: true });
  t.same(ran, ['stop']);
});

t.test('an id that was used for another command is refused', async (t) => {
  const { send, ran } = bench();
  await send('pause', { id: 'x' }).final;
  t.match(await send('stop', { id: 'x' }).final, {
    ack: -302,
    error: /id x was used for another command \(pause\)/,
  });
  t.match(await send('pause', { id: 'x', args: { y: 1 } }).final, { ack: -302 });
  t.same(ran, ['pause']);
});

t.test('numbers count per connection, unless the client says who it is', async (t) => {
  const { send, ran } = bench();
  const other: Caller = { ...local, connection: 'b' };
  await send('pause', { id: 1 }).final;
  await send('pause', { id: 1 }, other).final;
  t.same(ran, ['pause', 'pause']);
  await send('stop', { id: 2, who: 'script' }).final;
  t.match(await send('stop', { id: 2, who: 'script' }, other).final, { repeated: true });
  t.match(await send('pause', { id: '1' }).final, { ack: 303, repeated: undefined }, 'text is not a number');
});

t.test('the memory of ids ends after ten minutes', async (t) => {
  const { send, ran, time } = bench();
  await send('pause', { id: 'x' }).final;
  time.s += 601;
  await send('pause', { id: 'x' }).final;
  t.same(ran, ['pause', 'pause']);
});

t.test('an expired command is refused on every scale, and one from the far future too', async (t) => {
  const { send, ran, time } = bench();
  const cases: readonly (readonly [Expiry, boolean])[] = [
    [{ scale: 'utc', seconds: time.s - 1 }, false],
    [{ scale: 'utc', seconds: time.s + 1 }, true],
    [{ scale: 'utc', seconds: time.s + 601 }, false],
    [{ scale: 'tai', ns: BigInt(time.s) * 1_000_000_000n }, false],
    [{ scale: 'tai', ns: BigInt(time.s + 38) * 1_000_000_000n }, true],
    [{ scale: 'ttl', seconds: 1 }, true],
  ];
  for (const [i, [expiry, taken]] of cases.entries()) {
    const before = ran.length;
    const reply = await send('pause', { id: `case-${i}`, expiry }).final;
    t.match(reply, taken ? { ack: 303 } : { ack: -302, code: 'expired' }, JSON.stringify(reply));
    t.equal(ran.length - before, taken ? 1 : 0);
  }
});

t.test('a command that waits too long for its turn expires', async (t) => {
  const { send, ran, own, time } = bench();
  let finish: () => void = () => {};
  own.stop = () =>
    new Promise((resolve) => {
      finish = () => resolve({});
    });
  const first = send('stop', { id: 'first' });
  const second = send('pause', { id: 'second', expiry: { scale: 'ttl', seconds: 2 } });
  time.s += 3;
  finish();
  await first.final;
  t.match(await second.final, {
    ack: -302,
    code: 'expired',
    error: /expired 1\.000 s ago; nothing was done/,
  });
  t.same(ran, ['stop']);
});

t.test('commands run one after the other, questions at once', async (t) => {
  const { send, own, state } = bench();
  let finish: () => void = () => {};
  own.start = () =>
    new Promise((resolve) => {
      finish = () => {
        state.now = 'DISABLED';
        resolve({});
      };
    });
  state.now = 'STANDBY';
  const start = send('start');
  const enable = send('enable');
  t.match(await send('snapshot').final, { ack: 303 });
  finish();
  t.match(await start.final, { ack: 303 });
  t.match(await enable.final, { ack: 303 }, 'the state that start led to is the one that counts');
});

t.test('more commands than can wait are refused and may come again', async (t) => {
  const { send, own } = bench();
  let finish: () => void = () => {};
  own.stop = () =>
    new Promise((resolve) => {
      finish = () => resolve({});
    });
  const first = send('stop', { id: 'first' });
  const waiting = Array.from({ length: 32 }, (_, i) => send('pause', { id: `w${i}` }));
  t.match(await send('pause', { id: 'late' }).final, { ack: -302, code: 'busy' });
  finish();
  await Promise.all([first.final, ...waiting.map(({ final }) => final)]);
  t.match(await send('pause', { id: 'late' }).final, { ack: 303 }, 'a refusal for lack of room is not kept');
});

t.test('the wrong state, an unknown verb and a refusal of the verb are final replies', async (t) => {
  const { send, own, state, lines } = bench();
  state.now = 'STANDBY';
  t.match(await send('pause').final, { ack: -302, code: 'state', error: /send start, enable first/ });
  t.match(await send('pauze').final, { ack: -302, code: 'command', error: /did you mean pause\?/ });
  state.now = 'ENABLED';
  own.pause = async () => {
    throw new AgentError('daq_state', 'the DAQ refused');
  };
  t.match(await send('pause', { id: 'z' }).final, { ack: -302, code: 'daq_state', error: 'the DAQ refused' });
  t.equal(lines.filter((line) => line.startsWith('command refused')).length, 3, 'each is logged once');
});

t.test('who may only observe is told so, and nothing is done', async (t) => {
  const { send, ran } = bench();
  const observer: Caller = { role: 'observe', strict: true, connection: 'o' };
  const commands = (Object.keys(verbTable) as VerbName[]).filter((v) => verbTable[v].role === 'command');
  for (const verb of commands) t.match(await send(verb, {}, observer).final, { ack: -300 }, verb);
  t.same(ran, []);
  t.match(await send('snapshot', { id: 1 }, observer).final, { ack: 303 });
});

t.test('over the network a command needs an expiry and an id that counts everywhere', async (t) => {
  const { send, ran, time } = bench();
  const strict: Caller = { ...local, strict: true };
  const expiry: Expiry = { scale: 'utc', seconds: time.s + 5 };
  t.match(await send('pause', { id: 'a' }, strict).final, { ack: -302, error: /expected expires/ });
  t.match(await send('pause', { id: 'b', expiry: { scale: 'ttl', seconds: 5 } }, strict).final, {
    ack: -302,
  });
  t.match(await send('pause', { id: 'c', expiry }, strict).final, { ack: -302, error: /expected issued/ });
  const issued = time.s;
  t.match(await send('pause', { id: 1, expiry, issued }, strict).final, { ack: -302, error: /id of text/ });
  t.same(ran, []);
  t.match(await send('pause', { id: 'd', expiry, issued }, strict).final, { ack: 303 });
  time.s += 6;
  t.match(await send('pause', { id: 'e', expiry, issued }, strict).final, { ack: -302, code: 'expired' });
});

t.test('a command that was made before the agent started is not done again', async (t) => {
  const { send, ran, time, desk } = bench();
  const issued = time.s;
  t.match(await send('pause', { id: 'a', issued: issued - uptimeS - 0.5 }).final, {
    ack: -302,
    code: 'expired',
    error: /issued 0\.500 s before this agent started/,
  });
  t.match(await send('pause', { id: 'b', issued: issued + 3 }).final, {
    ack: -302,
    error: /\d\.\d{3} s ahead/,
  });
  t.same(ran, []);
  t.match(await send('pause', { id: 'c', issued: issued - uptimeS + 0.5 }).final, { ack: 303 });
  t.match(await send('pause', { id: 'd', issued: issued + 0.05 }).final, { ack: 303 });
  t.equal(desk.counts().expired, 1);
});

t.test('a slip among the arguments is refused, not taken for a default', async (t) => {
  const { send, ran } = bench();
  t.match(await send('resume', { id: 'a', args: { coment: 'MC_O_20260714_000123' } }).final, {
    ack: -302,
    code: 'command',
    error: 'resume: expected only comment, obsid in args, got ["coment"]',
  });
  t.match(await send('pause', { id: 'b', args: { now: true } }).final, {
    ack: -302,
    error: 'pause: expected no arguments, got ["now"]',
  });
  t.same(ran, []);
});

t.test('what waits or runs when the agent stops is aborted, once', async (t) => {
  const { desk, send, own } = bench();
  let finish: () => void = () => {};
  own.stop = () =>
    new Promise((resolve) => {
      finish = () => resolve({});
    });
  const running = send('stop', { id: 'r' });
  const waiting = send('pause', { id: 'w' });
  desk.stop();
  t.match(await running.final, { ack: -303, code: 'aborted' });
  t.match(await waiting.final, { ack: -303 });
  finish();
  await new Promise((resolve) => setImmediate(resolve));
  for (const { replies } of [running, waiting]) {
    t.equal(replies.filter(({ ack }) => ack !== 300 && ack !== 301).length, 1);
  }
  t.match(await send('pause', { id: 'after' }).final, { ack: -302 }, 'and nothing begins any more');
});
