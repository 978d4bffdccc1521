// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import type { HostQuantity, HostReading, HostSettings, ThresholdSettings } from '../../model/health.js';
import { logTo } from '../../model/log.js';
import type { AgentMessage } from '../../model/messages.js';
import { Alarms } from '../alarms.js';
import { HostHealth } from './host.js';
import { interfaceOf } from './interface.js';
import { HostSampler } from './sampler.js';

const at = (raise: number, clear: number): ThresholdSettings => ({ raise, clear, holdS: 0 });
const thresholds: Record<HostQuantity, ThresholdSettings | null> = {
  cpuLoad: at(95, 85),
  memoryAvailable: at(5, 10),
  diskFree: at(5, 10),
  temperature: at(90, 80),
  processRss: at(1500, 1200),
  fds: at(80, 60),
  eventLoopDelay: null,
  daqErrors: at(1, 0),
  daqSpeed: at(9999, 10_000),
};
const settings: HostSettings = { interface: 'eth0', disks: ['/data'], thresholds };
const daq = {
  name: 'eth0',
  state: 'up',
  speedMbps: 10_000,
  rxBytes: 1,
  txBytes: 1,
  rxErrors: 7,
  rxDropped: 0,
  txErrors: 0,
  txDropped: 0,
};
const healthy: HostReading = {
  machine: null,
  cpuLoad: 10,
  cpuLoadMax: 20,
  memoryTotalBytes: 100,
  memoryAvailableBytes: 50,
  swapUsedBytes: 0,
  disks: [{ folder: '/data', mount: '/', totalBytes: 100, freeBytes: 50 }],
  diskReadBytesS: 0,
  diskWriteBytesS: 0,
  diskReadsS: 0,
  diskWritesS: 0,
  temperatureC: 40,
  interface: daq,
  processRssBytes: 80e6,
  fds: 30,
  fdLimit: 1024,
};

function bench() {
  const messages: AgentMessage[] = [];
  const sink = { publish: (message: AgentMessage) => void messages.push(message) };
  const log = logTo(() => undefined);
  const alarms = new Alarms(sink, log);
  let nowS = 0;
  const host = new HostHealth(settings, {
    sink,
    alarms,
    startThread: () => ({ stop: async () => undefined }),
    nowS: () => nowS,
  });
  const take = (change: Partial<HostReading>) => {
    nowS++;
    host.onReading({ ...healthy, ...change });
    return alarms.active.map(({ name }) => name);
  };
  return {
    take,
    messages,
    later: (s: number) => {
      nowS += s;
    },
  };
}

t.test('each quantity raises its own alarm and clears it', async (t) => {
  const bad: readonly (readonly [string, Partial<HostReading>])[] = [
    ['host_cpu_load', { cpuLoad: 99 }],
    ['host_memory_available', { memoryAvailableBytes: 4 }],
    ['host_disk_free:/data', { disks: [{ folder: '/data', mount: '/', totalBytes: 100, freeBytes: 4 }] }],
    ['host_temperature', { temperatureC: 91 }],
    ['host_process_rss', { processRssBytes: 1.6e9 }],
    ['host_fds', { fds: 1000 }],
    ['daq_interface_speed', { interface: { ...daq, speedMbps: 1000 } }],
    ['daq_interface_down', { interface: { ...daq, state: 'down' } }],
    ['daq_interface_down', { interface: { ...daq, state: 'absent' } }],
  ];
  for (const [name, change] of bad) {
    const { take } = bench();
    t.same(take({}), [], 'a healthy machine raises nothing');
    t.same(take(change), [name]);
    t.same(take({}), [], `${name} ends`);
  }
});

t.test(
  'errors of the DAQ interface count from the first reading, and are forgotten after 30 s',
  async (t) => {
    const { take, later, messages } = bench();
    t.same(take({}), []);
    t.same(take({ interface: { ...daq, rxDropped: 2 } }), ['daq_interface_errors']);
    t.match(
      messages.findLast(({ kind }) => kind === 'health.host'),
      { daqErrors: 2 },
    );
    later(31);
    t.same(take({ interface: { ...daq, rxDropped: 2 } }), []);
    t.same(take({ interface: { ...daq, rxErrors: 0 } }), [], 'counters that begin again are no errors');
  },
);

t.test('a machine without temperature or DAQ interface is no alarm', async (t) => {
  const { take, messages } = bench();
  t.same(take({ temperatureC: null, interface: null, disks: [] }), []);
  t.match(messages, [{ kind: 'health.host', reading: { temperatureC: null }, ageMs: 0 }]);
});

t.test('the sampler reads this machine', async (t) => {
  const sampler = new HostSampler({ interface: 'lo', disks: ['/', '/tmp'] });
  const reading = await sampler.sample();
  t.ok(reading.memoryAvailableBytes > 0 && reading.memoryAvailableBytes <= reading.memoryTotalBytes);
  t.ok(reading.cpuLoad >= 0 && reading.cpuLoad <= 100);
  t.ok((reading.machine?.cores ?? 0) > 0);
  t.match(reading.interface, { name: 'lo', rxErrors: 0 });
  t.same(
    reading.disks.map(({ folder }) => folder),
    ['/', '/tmp'],
  );
  t.ok(reading.disks.every(({ totalBytes, freeBytes }) => totalBytes > 0 && freeBytes <= totalBytes));
  t.ok(reading.fds > 2 && reading.fdLimit >= reading.fds);
  t.ok(reading.processRssBytes > 1e6);
  const absent = await new HostSampler({ interface: 'none0', disks: [] }).sample();
  t.match(absent.interface, { name: 'none0', state: 'absent', speedMbps: null });
});

t.test('the interface of the DAQ is found by name or by address', async (t) => {
  t.equal(interfaceOf('127.0.0.1', null), 'lo');
  t.equal(interfaceOf(null, 'lo'), 'lo');
  t.equal(interfaceOf('0.0.0.0', null), null);
  t.equal(interfaceOf('192.0.2.7', 'none0'), null);
});
