// SPDX-License-Identifier: Apache-2.0
// The machine and every counter, as the agent that runs tells of them.
import { readFileSync } from 'node:fs';
import t from 'tap';
import { parse } from 'yaml';
import { Subscriber } from 'zeromq';
import { flatten } from '../metrics/flatten.js';
import { type Agent, deadlineMs, Rig } from './rig.js';

async function scrape(agent: Agent): Promise<string> {
  const response = await fetch(agent.prometheus, { signal: AbortSignal.timeout(deadlineMs) });
  return response.text();
}

t.test('the machine is published, and an alarm of it begins and ends', async (t) => {
  const rig = new Rig(t);
  const calm = await rig.agent();
  const first = await rig.listener(calm.data).first('host', ({ kind }) => kind === 'health.host');
  const { fds, fd_limit: limit } = first.body as { fds: number; fd_limit: number };
  t.ok(first.topic.endsWith('/sim-guider/'));
  t.match(first.body, { interface: { name: 'lo', rx_errors: 0 }, disks: [{ folder: '/' }] });
  t.match(first.body.event_loop_delay, { p50_ms: Number, p99_ms: Number, max_ms: Number });
  await calm.process.stop(2000);
  // An agent that may hold 40 files more than that one did before it alarms.
  const raise = ((fds + 40) / limit) * 100;
  const clear = ((fds + 20) / limit) * 100;
  const agent = await rig.agent({}, (profile) => ({
    ...profile,
    health: { host: { thresholds: { fds: { raise, clear, holdS: 0 } } } },
  }));
  const listener = rig.listener(agent.data);
  const alarm = (active: boolean) =>
    listener.first('alarm', ({ kind, body }) => {
      return kind === 'alarm' && body.name === 'host_fds' && body.active === active;
    });
  const subscribers = Array.from({ length: 60 }, () => {
    const socket = new Subscriber({ linger: 0 });
    t.teardown(() => socket.close());
    socket.connect(agent.data);
    return socket;
  });
  t.match((await alarm(true)).body, { severity: 'serious', message: /file descriptors/ });
  for (const socket of subscribers) socket.close();
  await alarm(false);
  t.match(await scrape(agent), 'summit_alarm{alarm="host_fds",severity="serious"');
});

t.test('every counter is on ZeroMQ and for Prometheus; the shipped rules name what is there', async (t) => {
  const rig = new Rig(t);
  const simulator = await rig.simulator(['--stamps', '20', '--rate', '40']);
  const agent = await rig.agent({ daqControl: simulator.control });
  const listener = rig.listener(agent.data);
  await simulator.end();
  await listener.first('series.end', ({ kind }) => kind === 'series.end');
  simulator.process.kill('SIGKILL');
  await listener.first('alarm', ({ kind, body }) => kind === 'alarm' && body.name === 'link_down');
  await listener.first('host', ({ kind }) => kind === 'health.host');
  const text = await scrape(agent);
  const stats = (await rig.control(agent.control).request('stats')) as Record<string, unknown>;
  const missing = flatten(stats).filter(({ name, labels }) => {
    const sensor = labels.sensor === undefined ? '' : `sensor="${labels.sensor}"`;
    return !text.split('\n').some((line) => line.startsWith(name) && line.includes(sensor));
  });
  t.same(missing, []);
  t.equal(flatten(stats).length, numbersIn(stats));
  t.match(
    text,
    /^summit_sensor_published_total\{sensor="R00_SG0",agent="sim-guider",instrument="LSSTCam"\} 20$/m,
  );
  t.match(text, /^summit_latency_seconds_count\{.*door="publish"\} 160$/m);
  t.match(text, /^summit_latency_seconds_count\{.*door="offsets"\} 20$/m);
  const metrics = await listener.first('metrics', ({ kind }) => kind === 'metrics');
  t.match(metrics.body.latency, { publish: { count: Number }, offsets: {}, measure: {}, transfer: {} });
  t.match(metrics.body.counters, { sensors: { R44_SG1: {} }, link: {} });
  checkRules(t, text);
});

/** How many numbers a tree holds. */
function numbersIn(value: unknown): number {
  if (['number', 'bigint', 'boolean'].includes(typeof value)) return 1;
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce((sum, own) => sum + numbersIn(own), 0);
}

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string };
}

/** What promtool would refuse, and a name that no agent says. */
function checkRules(t: Tap, text: string): void {
  const file = readFileSync('scripts/prometheus/summit-agent.rules.yml', 'utf8');
  const { groups } = parse(file) as { groups: { name: string; rules: Rule[] }[] };
  const rules = groups.flatMap((group) => group.rules);
  t.ok(rules.length >= 10);
  t.equal(new Set(rules.map(({ alert }) => alert)).size, rules.length);
  const known = new Set([...text.matchAll(/^(summit_[a-z0-9_]+)/gm)].map((match) => match[1]));
  for (const { alert, expr, for: hold, labels, annotations } of rules) {
    t.match(alert, /^Summit[A-Za-z]+$/);
    t.ok(hold === undefined || /^\d+[smh]$/.test(hold), alert);
    t.ok(['warning', 'critical'].includes(labels.severity), alert);
    t.match(annotations.summary, /\S/);
    const named = [...expr.matchAll(/\bsummit_[a-z0-9_]+/g)].map((match) => match[0]);
    t.ok(named.length > 0 || expr.startsWith('up{'), alert);
    for (const name of named) t.ok(known.has(name), `${alert}: ${name} is a metric`);
    for (const [open, close] of ['()', '[]', '{}'].map((pair) => [...pair])) {
      t.equal(expr.split(open ?? '').length, expr.split(close ?? '').length, `${alert}: ${open}${close}`);
    }
  }
}

type Tap = Pick<typeof t, 'ok' | 'equal' | 'match'>;

t.test('Prometheus can be left out, and wrong keys of health are told', async (t) => {
  const rig = new Rig(t);
  const agent = await rig.agent({}, (profile) => ({ ...profile, health: { prometheus: null, host: null } }));
  t.equal(agent.prometheus, 'null');
  const listener = rig.listener(agent.data);
  await listener.first('heartbeat', ({ kind, seq }) => kind === 'heartbeat' && Number(seq) >= 3);
  t.same(listener.of('health.host'), []);
});
