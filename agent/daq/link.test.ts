// SPDX-License-Identifier: Apache-2.0
import { createSocket } from 'node:dgram';
import { createServer, type Socket } from 'node:net';
import t from 'tap';
import { type DaqRecord, EventType, type LinkSettings } from '../model/daq.js';
import { AgentError } from '../model/errors.js';
import { NativeDaqLink } from './link.js';
import type { LogLine } from './native.js';
import { datagram, seriesMetadata, stampDatagram, stampsSent } from './testing/datagram.js';

const LOCATION = 3;

function settings(options: Record<string, unknown> = {}): LinkSettings {
  return {
    name: '',
    driver: 'wire',
    options: { address: '127.0.0.1', port: 0, receiveBufferBytes: 1 << 20, ...options },
    slots: 8,
    slotBytes: 10_000,
    ringRecords: 256,
    linkTimeoutMs: 5000,
    schedFifo: null,
    cpu: null,
    lockMemory: false,
    hugePages: false,
    sensors: [{ location: LOCATION, gain: 1, readNoise: 0, badSegments: [] }],
    recorder: null,
    stream: null,
  };
}

/** A started link, the UDP port it chose (from its log), and a way to wait for records. */
class Rig {
  readonly records: DaqRecord[] = [];
  readonly link: NativeDaqLink;
  port = 0;
  readonly #socket = createSocket('udp4');
  #waiting: { until: () => boolean; resolve: () => void } | null = null;

  constructor(options: Record<string, unknown> = {}) {
    this.link = new NativeDaqLink(settings(options), (line) => this.#onLog(line));
    this.link.start((records) => {
      this.records.push(...records);
      if (this.#waiting?.until() === true) this.#waiting.resolve();
    });
  }

  #onLog(line: LogLine): void {
    const port = /stamps on UDP .*:(\d+)/.exec(line.text)?.[1];
    if (port !== undefined) this.port = Number(port);
  }

  stamps(): DaqRecord[] {
    return this.records.filter((record) => record.eventType === EventType.stamp);
  }

  send(...datagrams: readonly Buffer[]): void {
    for (const bytes of datagrams) this.#socket.send(bytes, this.port, '127.0.0.1');
  }

  async until(condition: () => boolean): Promise<void> {
    if (condition()) return;
    await new Promise<void>((resolve) => {
      this.#waiting = { until: condition, resolve };
    });
    this.#waiting = null;
  }

  async stop(): Promise<void> {
    await this.link.stop();
    this.#socket.close();
  }
}

t.setTimeout(20_000);

t.test('datagrams on the wire become records with identity, times and a measurement', async (t) => {
  const rig = new Rig();
  t.teardown(() => rig.stop());
  t.ok(rig.port > 0);
  const start = datagram(
    { eventType: EventType.start, location: LOCATION, daqState: 2 },
    seriesMetadata(LOCATION),
  );
  const resume = datagram(
    { eventType: EventType.resume, location: LOCATION, packet: 1 },
    Buffer.from('MC_O_20261124_000001\0'),
  );
  const pause = datagram(
    { eventType: EventType.pause, location: LOCATION, packet: 5, daqState: 2 },
    stampsSent(4n),
  );
  rig.send(
    start,
    resume,
    stampDatagram(LOCATION, 0, 2),
    stampDatagram(LOCATION, 1, 3),
    stampDatagram(LOCATION, 3, 4),
    pause,
  );
  await rig.until(() => rig.records.some((record) => record.eventType === EventType.pause));

  t.same(
    rig.records.map((record) => record.eventType),
    [EventType.linkUp, EventType.start, EventType.resume, 0, 0, 0, EventType.pause],
  );
  const [, started, resumed, first, , third, paused] = rig.records;
  t.match(started?.seriesMetadata, {
    rows: 10,
    cols: 10,
    integrationMs: 50,
    location: LOCATION,
    version: 'R5-V13.12',
    firmware: 0x1234,
    serial: 0xabcdefn,
    platform: 'guider',
    id: 'config-7',
  });
  t.equal(resumed?.text, 'MC_O_20261124_000001');
  t.match(first, { stamp: 0, stampIndex: 0n, series: 1n, location: LOCATION, rows: 10, cols: 10, gap: 0 });
  t.equal(first?.tSrcTaiNs, 1_800_000_000_000_000_000n);
  t.ok((first?.tFirstNs ?? 0n) > 0n && (first?.tMeasuredNs ?? 0n) >= (first?.tLastNs ?? 0n));
  t.not(first?.measurement, null);
  t.match(third, { stamp: 3, gap: 1 }, 'the missing stamp is a numbered gap');
  t.match(paused, { stampsSent: 4n, gap: 0, measurement: null });
  const counters = rig.link.counters();
  t.match(counters.sensors[0], { seen: 3n, complete: 3n, lost: 1n, bad: 0n, duplicate: 0n });
  t.equal(counters.pool.in_use, 0n);
  t.equal(counters.link.packets, 6n);
});

t.test('garbage is counted and does no harm', async (t) => {
  const rig = new Rig();
  t.teardown(() => rig.stop());
  const version = datagram({ eventType: 0, location: LOCATION });
  version.writeUInt8(9, 4);
  const header = stampDatagram(LOCATION, 0, 0);
  header.writeUInt8(header.readUInt8(20) ^ 1, 20);
  rig.send(Buffer.from('short'), Buffer.alloc(9500, 7), version, header, stampDatagram(LOCATION, 0, 0));
  await rig.until(() => rig.stamps().length === 1);
  t.match(rig.link.counters().link, { bad_magic: 2n, bad_version: 1n, bad_header: 1n, packets: 5n });
});

t.test('pixels cross only on request, and each lease is given back once', async (t) => {
  const rig = new Rig();
  t.teardown(() => rig.stop());
  rig.send(stampDatagram(LOCATION, 0, 0));
  await rig.until(() => rig.stamps().length === 1);
  t.equal(rig.stamps()[0]?.lease, 0n);

  rig.link.wantPixels([LOCATION]);
  rig.send(stampDatagram(LOCATION, 1, 1), stampDatagram(LOCATION, 2, 2));
  await rig.until(() => rig.stamps().length === 3);
  const [, taken, released] = rig.stamps().map((record) => record.lease);
  const pixels = rig.link.takePixels(taken ?? 0n);
  t.equal(pixels.length, 400);
  t.equal(new DataView(pixels.buffer, pixels.byteOffset).getInt32(4 * 99, true), 1099);
  t.throws(() => rig.link.takePixels(taken ?? 0n), { code: 'daq_state' });
  rig.link.releasePixels(released ?? 0n);
  t.throws(() => rig.link.releasePixels(released ?? 0n), { code: 'daq_state' });
  t.equal(rig.link.counters().pool.in_use, 0n);
});

t.test('a busy port is named, with what to do', async (t) => {
  const rig = new Rig();
  t.teardown(() => rig.stop());
  const second = new NativeDaqLink(settings({ port: rig.port }));
  t.throws(() => second.start(() => {}), {
    code: 'daq_resource',
    message: new RegExp(`${rig.port}.*in use.*choose another`),
  });
});

t.test('a fibre card that is not there is named, with what to do', async (t) => {
  const options = { device: '/nowhere/datadev_0', destinations: [0, 256], linkTimeoutMs: 750 };
  const link = new NativeDaqLink({ ...settings(), driver: 'datadev', options });
  t.throws(() => link.start(() => {}), {
    code: 'daq_resource',
    message: /cannot open \/nowhere\/datadev_0: No such file.*modprobe datadev/,
  });
});

t.test('wrong settings are refused before anything runs, with the key', async (t) => {
  const link = new NativeDaqLink(settings({ port: 70000, colour: 'red' }));
  t.throws(() => link.start(() => {}), {
    code: 'daq_config',
    message: /port: expected.*70000.*colour: not a key/,
  });
  t.throws(() => new NativeDaqLink({ ...settings(), slots: 1 }), { code: 'daq_config', message: /slots/ });
});

t.test('commands go to the DAQ and its answer comes back; no DAQ is a refusal', async (t) => {
  const asked: unknown[] = [];
  const connections = new Set<Socket>();
  const server = createServer((socket) => {
    connections.add(socket);
    socket.on('data', (chunk) => {
      for (const line of chunk.toString().trim().split('\n')) {
        const request = JSON.parse(line) as { id: number; command: string };
        asked.push(request);
        socket.write(`${JSON.stringify({ id: request.id, status: 0, reply: 'SUCCESS', state: 'PAUSED' })}\n`);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const rig = new Rig({ control: `127.0.0.1:${port}`, subscribe: true });
  t.teardown(() => rig.stop());

  const reply = await rig.link.control({ command: 'status' }, 5000);
  t.same(reply, { status: 0, reply: 'SUCCESS', state: 'PAUSED' });
  t.match(asked[0], { command: 'subscribe', port: rig.port });
  t.match(asked[1], { command: 'status' });

  server.close();
  for (const connection of connections) connection.destroy();
  // The link may still hold the closed connection for a moment: either way it is the DAQ that is not there.
  await t.rejects(rig.link.control({ command: 'status' }, 3000), AgentError);
  await t.rejects(rig.link.control({ command: 'status' }, 3000), { code: 'daq_unreachable' });
});

t.test('a link without a control channel says so', async (t) => {
  const rig = new Rig();
  t.teardown(() => rig.stop());
  await t.rejects(rig.link.control({ command: 'status' }, 100), { code: 'daq_unsupported' });
});

t.test('silence is an event, and so is its end', async (t) => {
  const rig = new Rig({ linkTimeoutMs: 50 });
  t.teardown(() => rig.stop());
  await rig.until(() => rig.records.length === 1);
  t.match(rig.records[0], { eventType: EventType.linkDown, location: 255, text: /nothing from the DAQ/ });
  t.equal(rig.link.counters().linkUp, false);
  rig.send(datagram({ eventType: EventType.status }));
  await rig.until(() => rig.records.some((record) => record.eventType === EventType.linkUp));
  t.match(rig.link.counters(), { link: { link_ups: 1n } });
});
