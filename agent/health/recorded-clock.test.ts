// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { RecordedClock } from './recorded-clock.js';

function bench() {
  const clock = new RecordedClock({ taiNs: () => 37n });
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
