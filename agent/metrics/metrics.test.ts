// SPDX-License-Identifier: Apache-2.0
import { setImmediate as nextTurn } from 'node:timers/promises';
import t from 'tap';
import type { AgentMessage, OffsetsMessage, StampResult } from '../model/messages.js';
import { Doors } from './doors.js';
import { Exporter } from './exporter.js';
import { flatten } from './flatten.js';
import { alarmSamples } from './host-samples.js';
import { MetricsServer } from './server.js';

const stats = {
  uptime_s: 12.5,
  link_up: true,
  driver: 'wire',
  sensors: { R00_SG0: { sent: null, seen: 10n, lost: 1n }, R44_SG1: { sent: 9n, seen: 9n, lost: 0n } },
  sensor_errors: { R00_SG0: { err_xfer: 2n } },
  link: { packets: 2n ** 40n, rcvbuf_actual: 425_984n },
  serial: { wind: { good: 5, checksum: 1 } },
  subscriptions: { 'guider.offsets/': 2 },
  connections: { endpoints: { data: { accepted: 3 } }, keys: { refused: 1 }, limit: 100 },
};

t.test('every number of stats is a sample, named after its place', async (t) => {
  const samples = flatten(stats).map(({ name, type, labels, value }) => [name, type, labels, value]);
  t.same(samples, [
    ['summit_uptime_s', 'gauge', {}, 12.5],
    ['summit_link_up', 'gauge', {}, 1],
    ['summit_sensor_seen_total', 'counter', { sensor: 'R00_SG0' }, 10],
    ['summit_sensor_lost_total', 'counter', { sensor: 'R00_SG0' }, 1],
    ['summit_sensor_sent', 'gauge', { sensor: 'R44_SG1' }, 9],
    ['summit_sensor_seen_total', 'counter', { sensor: 'R44_SG1' }, 9],
    ['summit_sensor_lost_total', 'counter', { sensor: 'R44_SG1' }, 0],
    ['summit_sensor_err_xfer_total', 'counter', { sensor: 'R00_SG0' }, 2],
    ['summit_link_packets_total', 'counter', {}, 2 ** 40],
    ['summit_link_rcvbuf_actual', 'gauge', {}, 425_984],
    ['summit_serial_good_total', 'counter', { device: 'wind' }, 5],
    ['summit_serial_checksum_total', 'counter', { device: 'wind' }, 1],
    ['summit_subscriptions', 'gauge', { topic: 'guider.offsets/' }, 2],
    ['summit_connections_accepted_total', 'counter', { endpoint: 'data' }, 3],
    ['summit_connections_keys_refused_total', 'counter', {}, 1],
    ['summit_connections_limit', 'gauge', {}, 100],
  ]);
});

t.test('the text has what is true now, however often it is asked for', async (t) => {
  let seen = 10;
  const exporter = new Exporter({ agent: 'bench' }, () =>
    flatten({ sensors: { R00_SG0: { seen: BigInt(seen) } } }),
  );
  exporter.observe('publish', 0.0015);
  await exporter.text();
  seen = 12;
  const text = await exporter.text();
  t.match(text, '# TYPE summit_sensor_seen_total counter');
  t.match(text, 'summit_sensor_seen_total{sensor="R00_SG0",agent="bench"} 12');
  t.match(text, 'summit_latency_seconds_bucket{le="0.002",agent="bench",door="publish"} 1');
  t.match(text, 'summit_latency_seconds_bucket{le="0.001",agent="bench",door="publish"} 0');
});

t.test('an alarm that ended stays as 0, and its beginnings are counted', async (t) => {
  t.same(alarmSamples([]), []);
  const link = { name: 'link_down', severity: 'serious', raised: 2 };
  const labels = { alarm: 'link_down', severity: 'serious' };
  t.match(alarmSamples([{ ...link, active: false }]), [
    { name: 'summit_alarm', value: 0, labels },
    { name: 'summit_alarm_raised_total', value: 2, labels },
  ]);
  t.match(alarmSamples([{ ...link, active: true }]), [{ value: 1 }, { value: 2 }]);
});

t.test('doors pass every message on and time those of stamps', async (t) => {
  const passed: AgentMessage[] = [];
  const observed: [string, number][] = [];
  const doors = new Doors({
    next: { publish: (message) => void passed.push(message) },
    monotonicNs: () => 5_000_000n,
    observe: (door, seconds) => void observed.push([door, seconds]),
  });
  const result = {
    kind: 'guider.result',
    outcome: 'measured',
    tFirstNs: 1_000_000n,
    tLastNs: 2_000_000n,
    tMeasuredNs: 2_500_000n,
  } as StampResult;
  const offsets = { kind: 'guider.offsets', tLastNs: 2_000_000n } as OffsetsMessage;
  const refused = { ...result, outcome: 'refused' };
  for (const message of [result, offsets, refused]) doors.publish(message);
  t.same(passed, [result, offsets, refused]);
  t.same(observed, [], 'nothing is counted before the messages have left');
  await nextTurn();
  t.same(observed, [
    ['transfer', 0.001],
    ['measure', 0.0005],
    ['publish', 0.0025],
    ['offsets', 0.003],
  ]);
  const { publish, transfer } = doors.take();
  t.equal(publish.count, 1);
  t.ok(Math.abs(publish.p99Ms - 2.5) < 0.01);
  t.ok(Math.abs(transfer.maxMs - 1) < 0.01);
  t.match(doors.take(), { publish: { count: 0, p50Ms: Number.NaN } });
});

t.test('the endpoint answers GET /metrics and nothing else', async (t) => {
  const exporter = { text: async () => 'summit_x 1\n', contentType: 'text/plain' };
  const server = new MetricsServer({ host: '127.0.0.1', port: 0 }, exporter);
  const url = await server.start();
  t.teardown(() => server.stop());
  t.equal(await (await fetch(url)).text(), 'summit_x 1\n');
  t.equal((await fetch(url, { method: 'POST', body: 'x' })).status, 405);
  t.equal((await fetch(url.replace('/metrics', '/etc/passwd'))).status, 404);
  const port = Number(new URL(url).port);
  await t.rejects(new MetricsServer({ host: '127.0.0.1', port }, exporter).start(), {
    code: 'port_busy',
    message: /publish|prometheus/,
  });
});
