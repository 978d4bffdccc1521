// SPDX-License-Identifier: Apache-2.0
// A serial line that hangs up while this thread is busy: no event tells, and reading gives nothing without end.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Child } from '../../scripts/processes/child.js';
import { Alarms } from '../health/alarms.js';
import { HostClock } from '../health/host-clock.js';
import { SerialSensor } from '../health/serial/sensor.js';
import type { SensorMessage } from '../model/health.js';
import { logTo } from '../model/log.js';
import type { AgentMessage } from '../model/messages.js';
import { deadlineMs, Rig } from './rig.js';

t.test('a line that hangs up while the event loop stands still is opened again', async (t) => {
  const path = join(new Rig(t).directory, 'efm');
  const device = 'boltek-efm100c';
  const child = new Child({
    name: 'sim-serial',
    script: 'dist/sim-hw/serial/main.js',
    args: [`${device}=${path}`, '--fault', 'unplug:at=5,seconds=1'],
  });
  t.teardown(() => child.stop(2000));
  await child.event('ready', (event) => event.event === 'ready', deadlineMs);
  const said: SensorMessage[] = [];
  let wake: () => void = () => undefined;
  const publish = (message: AgentMessage) => {
    if (message.kind !== 'health.sensor') return;
    said.push(message);
    if (message.event !== 'reading') return;
    // Line 5 is in hand, and the line hangs up before this thread goes on.
    if (message.lines.good === 6)
      for (const end = Date.now() + deadlineMs; existsSync(path) && Date.now() < end; );
    if (message.lines.good === 10) wake();
  };
  const sink = { publish };
  const sensor = new SerialSensor(
    { name: 'efm', device, path, baudRate: null, silentAfterMs: null, delayMs: 0, maxOffsetMs: 1 },
    {
      sink,
      alarms: new Alarms(
        sink,
        logTo(() => undefined),
      ),
      clock: new HostClock(37),
      receivedTime: () => 0,
    },
  );
  t.teardown(() => sensor.stop());
  const done = new Promise<boolean>((resolve) => {
    const timer = setTimeout(() => resolve(false), deadlineMs);
    wake = () => {
      clearTimeout(timer);
      resolve(true);
    };
  });
  sensor.start();
  t.ok(await done, 'lines arrive again');
  t.same(
    said.filter(({ event }) => event !== 'reading').map(({ event }) => event),
    ['connected', 'lost', 'connected'],
  );
});
