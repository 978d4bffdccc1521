// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { logTo } from '../model/log.js';
import type { AgentMessage } from '../model/messages.js';
import { chooseTaiOffset } from '../model/tai.js';
import { Alarms } from './alarms.js';
import { HostClock } from './host-clock.js';
import { TimeWatch } from './time-watch.js';

/** A machine whose clocks go as they are told. */
function machine() {
  let monotonicNs = 1_000_000_000_000n;
  let wallNs = 1_780_000_000_000_000_000n;
  let reading = 0;
  const go = (seconds: number) => {
    monotonicNs += BigInt(Math.round(seconds * 1e9));
    wallNs += BigInt(Math.round(seconds * 1e9));
  };
  const source = {
    wallMs: () => {
      // Looking takes a moment: without one the clock would never tick.
      if (++reading % 3 === 0) go(0.0001);
      return Number(wallNs / 1_000_000n);
    },
    monotonicNs: () => monotonicNs,
  };
  const set = (seconds: number) => {
    wallNs += BigInt(Math.round(seconds * 1e9));
  };
  return { source, go, set };
}

function bench(kernel: number | null = 37, profile: number | null = null) {
  const { source, go, set } = machine();
  const messages: AgentMessage[] = [];
  const lines: string[] = [];
  const log = logTo((_level, message) => lines.push(message));
  const alarms = new Alarms({ publish: (m) => void messages.push(m) }, log);
  const now = { kernel };
  const sources = { kernelSeconds: () => now.kernel, profileSeconds: profile, leapTable: () => null };
  const clock = new HostClock(kernel ?? 0, source);
  const receiver = { suspect: false };
  const offset = chooseTaiOffset(kernel, null, 0, profile);
  const watch = new TimeWatch(offset, sources, {
    alarms,
    log,
    clock,
    receiverSuspect: () => receiver.suspect,
  });
  const active = () => alarms.active.map(({ name }) => name);
  return { watch, clock, go, set, now, receiver, active, alarms, messages, lines };
}

t.test('a clock that is set is told, flags for a minute, and never touches intervals', async (t) => {
  for (const step of [37, -37, -0.5, 3600, 0.2]) {
    const { watch, clock, go, set, active, alarms } = bench();
    const began = clock.monotonicNs();
    const tai = clock.taiNs();
    go(1);
    watch.look();
    t.same(active(), []);
    set(step);
    t.ok(Math.abs(Number(clock.taiNs() - tai) / 1e9 - 1) < 0.01, 'until it is seen, TAI goes on');
    watch.look();
    t.same(active(), ['clock_step'], `${step} s`);
    t.match(alarms.active[0], { message: step > 0 ? /set forward by/ : /set back by/ });
    t.equal(watch.suspect, true);
    t.ok(Math.abs(Number(clock.taiNs() - tai) / 1e9 - 1 - step) < 0.01, 'TAI follows the system clock');
    const elapsed = Number(clock.monotonicNs() - began) / 1e9;
    t.ok(elapsed >= 1 && elapsed < 1.01, `the interval is ${elapsed} s`);
    go(59);
    watch.look();
    t.same(active(), ['clock_step']);
    go(2);
    watch.look();
    t.same(active(), []);
    t.equal(watch.suspect, false);
  }
});

t.test('slewing is no step, and a second step is told as well', async (t) => {
  const { watch, go, set, active, lines } = bench();
  for (let s = 0; s < 100; s++) {
    go(1);
    set(0.0005);
    watch.look();
  }
  t.same(active(), []);
  set(1);
  watch.look();
  go(50);
  set(-2);
  watch.look();
  t.match(lines.at(-1), /set back by (2\.00|1\.99)/);
  go(50);
  watch.look();
  t.same(active(), ['clock_step'], 'the minute counts from the last one');
});

t.test('TAI - UTC that changes, goes or comes while the agent runs is followed and told', async (t) => {
  const { watch, clock, go, now, active, messages } = bench();
  watch.start();
  const tai = clock.taiNs();
  now.kernel = 38;
  go(1);
  watch.look();
  t.match(watch.offset, { seconds: 38, source: 'kernel', suspect: false });
  t.ok(Math.abs(Number(clock.taiNs() - tai) / 1e9 - 2) < 0.01, 'a leap second is one second more of TAI');
  now.kernel = 0;
  go(1);
  watch.look();
  t.match(watch.offset, { source: 'none', suspect: true });
  t.same(active(), ['tai_offset']);
  t.equal(watch.suspect, true);
  now.kernel = 38;
  go(1);
  watch.look();
  t.same(active(), []);
  t.match(messages, [
    { name: 'tai_offset', active: true, message: /unknown/ },
    { name: 'tai_offset', active: false, message: /38 s, from the kernel/ },
  ]);
});

t.test(
  'an offset that nobody vouches for alarms at start; the profile can vouch; it cannot disagree',
  async (t) => {
    const nobody = bench(0);
    nobody.watch.start();
    t.same(nobody.active(), ['tai_offset']);
    const vouched = bench(0, 37);
    vouched.watch.start();
    t.same(vouched.active(), []);
    t.match(vouched.lines, [/37 s, from the profile/]);
    const torn = bench(37, 36);
    torn.watch.start();
    t.match(torn.alarms.active, [
      { name: 'tai_offset', message: /not agreed on: the kernel says 37 s, the profile says 36 s/ },
    ]);
  },
);

t.test('a timing receiver that does not agree makes the time suspect', async (t) => {
  const { watch, receiver } = bench();
  t.equal(watch.suspect, false);
  receiver.suspect = true;
  t.equal(watch.suspect, true);
});
