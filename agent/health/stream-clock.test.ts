// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { StreamClock } from './stream-clock.js';

function bench() {
  const clock = new StreamClock({ taiNs: () => 37n }, null);
  const fired: string[] = [];
  const at = (ns: bigint, name: string) =>
    clock.at(ns, () => fired.push(`${name} at ${clock.monotonicNs()}`));
  return { clock, fired, at };
}

t.test('timers fire in the order of their times, before the record that is not earlier', async (t) => {
  const { clock, fired, at } = bench();
  at(30n, 'c');
  at(10n, 'a');
  at(10n, 'b');
  clock.advance(9n);
  t.same(fired, []);
  clock.advance(10n);
  t.same(fired, ['a at 10', 'b at 10']);
  clock.advance(100n);
  t.same(fired.slice(2), ['c at 30']);
  t.equal(clock.monotonicNs(), 100n);
});

t.test('time does not go back, and a cancelled timer is silent', async (t) => {
  const { clock, fired, at } = bench();
  const timer = at(50n, 'never');
  clock.advance(40n);
  clock.advance(20n);
  t.equal(clock.monotonicNs(), 40n);
  timer.cancel();
  clock.finish();
  t.same(fired, []);
});

t.test('at the end everything that waits is due, also what that sets', async (t) => {
  const { clock, fired, at } = bench();
  clock.at(5n, () => at(8n, 'later'));
  clock.finish();
  t.same(fired, ['later at 8']);
});

/** A machine whose clock is moved by hand, and a link thread that has something. */
function liveBench() {
  let nowNs = 0n;
  let busy = 0n;
  const alarms: { ns: bigint; call: () => void }[] = [];
  const turns: (() => void)[] = [];
  const waiting: bigint[] = [];
  const host = {
    monotonicNs: () => nowNs,
    taiNs: () => 37n,
    at: (ns: bigint, call: () => void) => {
      const alarm = { ns, call };
      alarms.push(alarm);
      return { cancel: () => alarms.splice(alarms.indexOf(alarm), 1) };
    },
  };
  const fired: string[] = [];
  const clock: StreamClock = new StreamClock(host, {
    clock: host,
    busySinceNs: () => busy,
    look: () => {
      for (const ns of waiting.splice(0)) clock.advance(ns);
      clock.settle();
    },
    soon: (call) => turns.push(call),
  });
  return {
    clock,
    fired,
    alarms,
    waiting,
    at: (ns: bigint, name: string) => clock.at(ns, () => fired.push(`${name} at ${clock.monotonicNs()}`)),
    /** moves the machine's clock; what is due calls */
    moveTo: (ns: bigint, busySince = 0n) => {
      nowNs = ns;
      busy = busySince;
      for (const alarm of [...alarms]) {
        if (alarm.ns > ns || !alarms.includes(alarm)) continue;
        alarms.splice(alarms.indexOf(alarm), 1);
        alarm.call();
      }
      for (const turn of turns.splice(0)) turn();
    },
  };
}

t.test('live, what waits fires when nothing comes, and one alarm serves all', async (t) => {
  const { clock, fired, alarms, at, moveTo } = liveBench();
  const first = at(10n, 'a');
  at(20n, 'b');
  clock.settle();
  t.same(
    alarms.map(({ ns }) => ns),
    [10n],
  );
  first.cancel();
  clock.settle();
  t.same(
    alarms.map(({ ns }) => ns),
    [20n],
  );
  moveTo(21n);
  t.same(fired, ['b at 20']);
  t.same(alarms, []);
});

t.test('live, records that were delivered in time come before a timer, later ones after it', async (t) => {
  const { clock, fired, waiting, at, moveTo } = liveBench();
  const timer = at(10n, 'a');
  at(12n, 'b');
  clock.settle();
  waiting.push(11n);
  moveTo(15n);
  t.same(fired, ['a at 10'], 'once, although the record of 11 came first');
  timer.cancel();
  moveTo(16n);
  t.same(fired, ['a at 10', 'b at 12']);
});

t.test('live, a timer waits for a record that is on its way, but not for one that is stuck', async (t) => {
  const { clock, fired, at, moveTo } = liveBench();
  at(10n, 'a');
  clock.settle();
  moveTo(11n, 9n);
  moveTo(12n, 1n);
  t.same(fired, []);
  moveTo(13n, 11n);
  t.same(fired, ['a at 10'], 'delivered after it');
  at(30n, 'b');
  clock.settle();
  moveTo(31n, 29n);
  t.equal(fired.length, 1);
  moveTo(20_000_031n, 29n);
  t.equal(fired.length, 2);
});
