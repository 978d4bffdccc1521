// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import type { LinkCounters, SensorCounters } from '../model/daq.js';
import { logTo } from '../model/log.js';
import { ServiceManager, type Vitals } from './service-manager.js';
import { VitalSigns } from './vital-signs.js';

interface Bench {
  vitals: Vitals;
  problem: string;
}

function bench(environment: Record<string, string>) {
  const sent: string[] = [];
  const warnings: string[] = [];
  const state: Bench = { vitals: { linkHeartbeat: 1n, status: 'ENABLED' }, problem: '' };
  const service = new ServiceManager({
    environment,
    pid: 77,
    send: (address, text) => {
      sent.push(`${address} ${text}`);
      return state.problem;
    },
    vitals: () => state.vitals,
    log: logTo((level, message) => {
      if (level === 'warning') warnings.push(message);
    }),
  });
  t.teardown(() => service.close());
  return { service, sent, warnings, state };
}

const underSystemd = { NOTIFY_SOCKET: '@x', WATCHDOG_USEC: '2000000', WATCHDOG_PID: '77' };

t.test('a sign of life needs a link thread that turned since the last one, or no link', async (t) => {
  const { service, sent, state } = bench(underSystemd);
  t.equal(service.watchdogMs, 2000);
  service.look();
  t.same(sent, ['@x WATCHDOG=1']);
  service.look();
  service.look();
  t.equal(sent.length, 1, 'the thread stands still');
  state.vitals = { linkHeartbeat: 2n, status: '' };
  service.look();
  t.equal(sent.length, 2, 'it turns again');
  state.vitals = { linkHeartbeat: null, status: '' };
  service.look();
  service.look();
  t.equal(sent.length, 4, 'a closed link has no thread to wait for');
});

t.test('READY comes with a status, a status only when it changed, STOPPING with the reason', async (t) => {
  const { service, sent, state } = bench({ NOTIFY_SOCKET: '/run/n' });
  service.ready();
  service.tellStatus();
  state.vitals = { linkHeartbeat: 1n, status: 'ENABLED;\nWATCHDOG=1' };
  service.tellStatus();
  service.tellStatus();
  service.stopping('SIGTERM');
  t.same(sent, [
    '/run/n READY=1\nSTATUS=ENABLED',
    '/run/n STATUS=ENABLED; WATCHDOG=1',
    '/run/n STOPPING=1\nSTATUS=stopping: SIGTERM',
  ]);
});

t.test('nothing is sent where nobody listens, no sign of life where nobody wants one', async (t) => {
  const alone = bench({});
  alone.service.ready();
  alone.service.stopping('SIGINT');
  t.same(alone.sent, []);
  t.equal(
    bench({ ...underSystemd, WATCHDOG_PID: '78' }).service.watchdogMs,
    null,
    'meant for another process',
  );
  t.equal(bench({ NOTIFY_SOCKET: '@x', WATCHDOG_USEC: 'soon' }).service.watchdogMs, null);
  t.equal(bench({ WATCHDOG_USEC: '2000000' }).service.watchdogMs, null);
});

t.test('a manager that cannot be reached is said once, and tried again', async (t) => {
  const { service, sent, warnings, state } = bench(underSystemd);
  state.problem = 'Connection refused';
  state.vitals = { linkHeartbeat: null, status: '' };
  service.look();
  service.look();
  t.equal(sent.length, 2);
  t.equal(warnings.length, 1);
  state.problem = '';
  service.look();
  state.problem = 'Connection refused';
  service.look();
  t.equal(warnings.length, 2, 'and said again when it happens again');
});

t.test('the status line: state, link, stamps over the last seconds, alarms', async (t) => {
  let now = 10_000;
  let complete = 0n;
  let open = true;
  const signs = new VitalSigns({
    summaryState: () => 'ENABLED',
    linkOpen: () => open,
    counters: () =>
      ({
        linkUp: true,
        heartbeat: 9n,
        sensors: [{ complete }] as SensorCounters[],
      }) as unknown as LinkCounters,
    alarms: () => (open ? [] : ['tai_offset', 'link_down']),
    nowMs: () => now,
  });
  t.same(signs.look(), { linkHeartbeat: 9n, status: 'ENABLED; DAQ link up; 0 stamps/s; no alarms' });
  now += 5000;
  complete = 360n;
  t.match(signs.look().status, /; 72 stamps\/s;/);
  now += 1000;
  complete = 400n;
  t.match(signs.look().status, /; 72 stamps\/s;/, 'the rate stands until its time is over');
  open = false;
  t.same(signs.look(), {
    linkHeartbeat: null,
    status: 'ENABLED; DAQ link closed; 72 stamps/s; alarms: tai_offset, link_down',
  });
});
