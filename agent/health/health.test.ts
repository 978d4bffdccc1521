// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import type { LinkCounters } from '../model/daq.js';
import { logTo } from '../model/log.js';
import type { AgentMessage } from '../model/messages.js';
import { chooseTaiOffset } from '../model/tai.js';
import { Alarms } from './alarms.js';
import { Health } from './health.js';
import { HostClock } from './host-clock.js';

function bench(kernelSeconds: number, link: Record<string, bigint> = {}) {
  const messages: AgentMessage[] = [];
  const warnings: string[] = [];
  const counters: LinkCounters = {
    driver: 'wire',
    driverVersion: '1',
    linkUp: true,
    heartbeat: 42n,
    driverError: 0,
    link,
    pool: {},
    outcomes: {},
    sensors: [],
    recording: {},
    images: {},
  };
  const sink = { publish: (m: AgentMessage) => messages.push(m) };
  const log = logTo((level, message) => {
    if (level === 'warning') warnings.push(message);
  });
  const alarms = new Alarms(sink, log);
  const health = new Health({
    sink,
    alarms,
    counters: () => counters,
    linkOpen: () => true,
    subscriptions: () => 3,
    sendFailures: () => 0,
    tai: () => chooseTaiOffset(kernelSeconds, null, 0),
    timeSuspect: () => kernelSeconds === 0,
    simulationMode: 1,
    version: '0.1.0',
    summaryState: () => 'DISABLED',
    uptimeS: () => 12,
  });
  t.teardown(() => health.stop());
  return { health, alarms, messages, warnings };
}

t.test('what the DAQ says of itself is an alarm until it takes it back', async (t) => {
  const { health, alarms } = bench(37);
  const say = (location: number, eventStatus: number, daqState = 3) =>
    health.daqStatus.on({ eventType: 1, eventStatus, daqState, location });
  const on = () => alarms.active.map(({ name }) => name).sort();
  say(3, 0);
  t.same(on(), []);
  say(3, 1);
  say(4, 1);
  say(255, 2);
  say(5, 9);
  say(6, 0, 4);
  t.same(on(), ['daq_bdi_error', 'daq_error', 'daq_event_status', 'daq_max_subscribers']);
  say(3, 0);
  t.ok(alarms.isOn('daq_bdi_error'), 'another sensor still says so');
  for (const location of [4, 255, 5, 6]) say(location, 0);
  t.same(on(), []);
  t.equal(alarms.history.length, 4);
});

t.test('a heartbeat says what the link, the clock and the simulation mode are', async (t) => {
  const { health, messages } = bench(37);
  health.beat();
  t.match(messages, [
    {
      kind: 'heartbeat',
      summaryState: 'DISABLED',
      linkUp: true,
      nativeHeartbeat: 42n,
      simulationMode: 1,
      taiSource: 'kernel',
      subscriptions: 3,
    },
  ]);
});

t.test('a link that goes down alarms once and clears once', async (t) => {
  const { health, alarms, messages } = bench(37);
  health.onLink(true, '');
  health.onLink(false, 'nothing for 750 ms');
  health.onLink(false, 'nothing for 750 ms');
  t.equal(alarms.active.length, 1);
  health.onLink(true, '');
  t.match(messages, [
    { kind: 'alarm', name: 'link_down', active: true, severity: 'serious', message: 'nothing for 750 ms' },
    { kind: 'alarm', name: 'link_down', active: false },
  ]);
  t.equal(messages.length, 2);
  t.equal(alarms.active.length, 0);
});

t.test('a short socket buffer alarms once with the remedy', async (t) => {
  const { health, messages } = bench(37, { rcvbuf_requested: 33_554_432n, rcvbuf_actual: 425_984n });
  health.beat();
  health.beat();
  const alarms = messages.filter((m) => m.kind === 'alarm');
  t.equal(alarms.length, 1);
  t.match(alarms[0], { name: 'receive_buffer_short', message: /425984 bytes instead of 33554432.*sysctl/ });
});

t.test('two sources on one port alarm until one is gone', async (t) => {
  const link = { source_restarts: 1n };
  const { health, messages } = bench(37, link);
  health.beat();
  for (const restarts of [40n, 80n, 80n]) {
    link.source_restarts = restarts;
    health.beat();
  }
  t.match(
    messages.filter((m) => m.kind === 'alarm'),
    [
      { name: 'two_sources', active: true, message: /changed 39 times/ },
      { name: 'two_sources', active: false },
    ],
  );
});

t.test(
  'the host clock gives TAI within 2 ms of the system clock and fires timers after their time',
  async (t) => {
    const clock = new HostClock(37);
    clock.refresh();
    // A pause between the two readings is no fault of the clock: the best of many counts.
    const differences = Array.from({ length: 100 }, () =>
      Math.abs(Number(clock.taiNs() - 37_000_000_000n) / 1e6 - Date.now()),
    );
    t.ok(Math.min(...differences) < 2, `${Math.min(...differences)} ms`);
    const due = clock.monotonicNs() + 3_000_000n;
    await new Promise<void>((resolve) => clock.at(due, resolve));
    t.ok(clock.monotonicNs() >= due);
    const cancelled = clock.at(clock.monotonicNs(), () => t.fail('cancelled'));
    cancelled.cancel();
    await new Promise<void>((resolve) => clock.at(clock.monotonicNs() + 2_000_000n, resolve));
  },
);
