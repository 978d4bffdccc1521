// SPDX-License-Identifier: Apache-2.0
// Serial devices: simulated ones in a process of their own, on pseudo terminals, read by the agent that runs.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { Child, type JsonLine } from '../../scripts/processes/child.js';
import type { ControlClient } from '../../scripts/processes/control-client.js';
import { serialDevices } from '../health/serial/devices.js';
import { deadlineMs, type Envelope, type Listener, Rig } from './rig.js';

const names = Object.keys(serialDevices);

interface Entry {
  readonly device: string;
  readonly event: string;
  readonly n: number;
  readonly good: boolean;
  readonly fault: string;
  readonly expected: Readonly<Record<string, unknown>>;
}

interface DeviceReport {
  readonly lines: number;
  readonly good: number;
  readonly bad: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly reconnectMs: readonly number[];
}

type Lines = Record<string, number>;

class SerialBench {
  readonly rig: Rig;
  readonly #t: Test;

  constructor(t: Test) {
    this.#t = t;
    this.rig = new Rig(t);
  }

  path(device: string): string {
    return join(this.rig.directory, device);
  }

  get truthFile(): string {
    return join(this.rig.directory, 'serial.jsonl');
  }

  /** Devices that speak as soon as somebody listens. */
  async devices(devices: readonly string[], ...args: readonly string[]): Promise<Child> {
    const child = new Child({
      name: 'sim-serial',
      script: 'dist/sim-hw/serial/main.js',
      args: [...devices.map((name) => `${name}=${this.path(name)}`), '--truth', this.truthFile, ...args],
    });
    this.#t.teardown(() => child.stop(2000));
    await child.event('ready', (event) => event.event === 'ready', deadlineMs);
    return child;
  }

  /** An agent that is heard, so that no reading is missed of devices that come after it. */
  async agent(devices: readonly string[], settings: JsonLine = {}) {
    const sensors = devices.map((name) => ({ name, device: name, path: this.path(name), ...settings }));
    const agent = await this.rig.agent({}, (profile) => ({
      ...profile,
      health: { sensors },
      publish: { ...(profile.publish as JsonLine), highWaterMark: 1_000_000 },
    }));
    const listener = this.rig.listener(agent.data);
    await listener.first('a heartbeat', ({ kind }) => kind === 'heartbeat');
    return { listener, control: this.rig.control(agent.control) };
  }

  truth(): Entry[] {
    const lines = readFileSync(this.truthFile, 'utf8').split('\n');
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Entry);
  }
}

async function ended(child: Child, withinMs: number): Promise<Record<string, DeviceReport>> {
  const end = await child.event('end', (event) => event.event === 'end', withinMs);
  return end.devices as Record<string, DeviceReport>;
}

async function linesOf(control: ControlClient): Promise<Record<string, Lines>> {
  const { serial } = (await control.request('stats', {}, deadlineMs)) as { serial: Record<string, Lines> };
  return serial;
}

function badOf(lines: Lines): number {
  const { good, ignored, reconnects, ...bad } = lines;
  return Object.values(bad).reduce((sum, count) => sum + count, 0);
}

/** Readings of one device, the last of which is number `count`. */
async function readings(listener: Listener, device: string, count: number): Promise<Envelope[]> {
  const isReading = ({ topic, body }: Envelope) =>
    topic === `health.sensor/LSSTCam/${device}/` && body.event === 'reading';
  await listener.first(
    `reading ${count} of ${device}`,
    (message) => isReading(message) && (message.body.lines as Lines).good === count,
  );
  return listener.messages.filter(isReading);
}

/** JSON has no NaN: null stands for it. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  return typeof value === 'number' && Number.isNaN(value) ? null : value;
}

t.test('ten minutes of every device with faults: each good line once, each bad line counted', async (t) => {
  const bench = new SerialBench(t);
  const faults = [
    ...['noise:p=0.02', 'half:p=0.02', 'checksum:p=0.02', 'silence:p=0.002,seconds=6'],
    // Each is unplugged twice, late enough to have spoken and early enough to speak again.
    ...names.map((name) => {
      const lines = Math.floor(600_000 / (serialDevices[name]?.periodMs ?? 1));
      return `unplug:at=${Math.floor(lines * 0.3)}+${Math.floor(lines * 0.6)},seconds=15,device=${name}`;
    }),
  ];
  const { listener, control } = await bench.agent(names);
  const child = await bench.devices(
    names,
    ...['--speed', '30', '--seconds', '600', '--seed', '5', '--linger'],
    ...faults.flatMap((fault) => ['--fault', fault]),
  );
  const report = await ended(child, 100_000);
  const truth = bench.truth();
  for (const name of names) {
    const { lines, good, bad, faults: hit, reconnectMs } = report[name] as DeviceReport;
    const own = truth.filter((entry) => entry.device === name && entry.event === 'line');
    const expected = own.filter((entry) => entry.good).map((entry) => entry.expected);
    t.equal(expected.length, good);
    const got = await readings(listener, name, good);
    t.equal(got.length, good, `${name}: ${good} good lines of ${lines}, each published once`);
    const different = expected.findIndex((values, i) => {
      const said = (got[i]?.body.values ?? {}) as Record<string, unknown>;
      return Object.entries(values).some(
        ([key, value]) => JSON.stringify(plain(said[key])) !== JSON.stringify(value),
      );
    });
    t.equal(different, -1, `${name}: in order, with the values that were said`);
    const counted = (await linesOf(control))[name] ?? {};
    t.equal(badOf(counted), bad, `${name}: ${JSON.stringify(hit)} counted as ${JSON.stringify(counted)}`);
    t.equal(counted.reconnects, 2, `${name}: came back twice`);
    t.comment(`${name}: ${lines} lines, ${bad} bad, reconnected after ${reconnectMs.join(' and ')} ms`);
  }
  const alarms = listener.of('alarm').map(({ body }) => `${body.name} ${body.active}`);
  for (const name of names) {
    t.ok(alarms.includes(`sensor_lost:${name} true`), `${name}: its absence was an alarm`);
    t.ok(alarms.includes(`sensor_lost:${name} false`), `${name}: which ended`);
  }
});

t.test('readings carry the time of arrival; SEL channels each their own', async (t) => {
  const bench = new SerialBench(t);
  const { listener } = await bench.agent(['sel-temperature', 'omega-hx85ba']);
  await bench.devices(['sel-temperature', 'omega-hx85ba'], '--speed', '2');
  const [sel] = await readings(listener, 'sel-temperature', 1);
  const body = sel?.body ?? {};
  const times = (body.values as { channel_tai_ns: bigint[] }).channel_tai_ns;
  t.equal(times.length, 9);
  t.equal(times[0], body.t_arrival_tai_ns);
  times.slice(1).forEach((time, i) => {
    t.ok(time > (times[i] ?? 0n), `channel ${i + 2} came after channel ${i + 1}`);
  });
  t.ok(Math.abs(Number(body.timestamp) - Number(times[0]) / 1e9) < 1e-3);
  // A line is told when it has come, not when the next one begins, 675 ms later.
  const first = (await readings(listener, 'omega-hx85ba', 1))[0];
  const second = (await readings(listener, 'omega-hx85ba', 2))[1];
  t.ok(BigInt(first?.receivedNs ?? 0n) < BigInt((second?.body.t_arrival_ns as bigint) ?? 0n));
});

t.test('silence and garbage are alarms, and end when lines are good again', async (t) => {
  const bench = new SerialBench(t);
  const device = 'boltek-efm100c';
  const { listener } = await bench.agent([device], { silentAfterMs: 400 });
  await bench.devices([device], '--speed', '5', '--fault', 'silence:at=20,seconds=8');
  const alarm = (name: string, active: boolean) =>
    listener.first(
      `alarm ${name}`,
      ({ kind, body }) => kind === 'alarm' && body.name === name && body.active === active,
    );
  t.match((await alarm(`sensor_silent:${device}`, true)).body, { message: /no good line for 400 ms/ });
  await listener.first('event', ({ body }) => body.event === 'silent');
  await alarm(`sensor_silent:${device}`, false);
  // Nine other devices' lines on this port: nothing of it can be read.
  const wrong = new SerialBench(t);
  await wrong.devices(['gill-windsonic'], '--speed', '20');
  const windsonic = wrong.path('gill-windsonic');
  const agent = await wrong.rig.agent({}, (profile) => ({
    ...profile,
    health: { sensors: [{ name: 'gps', device: 'nmea-zda', path: windsonic }] },
  }));
  const other = wrong.rig.listener(agent.data);
  await other.first('garbled', ({ kind, body }) => kind === 'alarm' && body.name === 'sensor_garbled:gps');
});

t.test('a system clock that is not where the timing receiver is raises an alarm', async (t) => {
  const device = 'nmea-zda';
  const wrong = new SerialBench(t);
  await wrong.devices([device], '--speed', '10', '--clock-offset-ms', '37000');
  const { listener } = await wrong.agent([device], { maxOffsetMs: 5000, delayMs: 2 });
  const alarm = await listener.first('time_offset', ({ body }) => body.name === 'time_offset');
  t.match(alarm.body, { active: true, severity: 'serious', message: /more than 5000 ms/ });
  const [reading] = await readings(listener, device, 5);
  const { offset_ms: offset } = (reading?.body.values ?? {}) as { offset_ms: number };
  t.ok(offset < -30_000 && offset > -37_100, `${offset} ms`);
  const right = new SerialBench(t);
  await right.devices([device], '--speed', '10');
  const good = await right.agent([device], { maxOffsetMs: 5000 });
  await readings(good.listener, device, 10);
  t.same(
    good.listener.of('alarm').filter(({ body }) => body.name === 'time_offset'),
    [],
  );
});

t.test('the schema names the devices that there are', async (t) => {
  const schema = readFileSync('hw-profiles/schema.json', 'utf8');
  const { properties } = JSON.parse(schema) as {
    properties: {
      health: {
        properties: { sensors: { items: { properties: { device: { enum: string[] } } } } };
      };
    };
  };
  t.same(properties.health.properties.sensors.items.properties.device.enum, names);
});
