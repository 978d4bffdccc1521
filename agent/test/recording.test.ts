// SPDX-License-Identifier: Apache-2.0
// Guider files through a real agent: what a subscriber hears of them, what is on the disk, and what happens when the
// disk fails or the agent is killed.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import t, { type Test } from 'tap';
import type { JsonLine } from '../../scripts/processes/child.js';
import { freeUdpPort } from '../../scripts/processes/ports.js';
import { astropyPython } from '../../scripts/processes/python.js';
import { loadNative } from '../daq/native.js';
import { datagram, seriesMetadata, stampDatagram, stampsSent } from '../daq/testing/datagram.js';
import { EventType } from '../model/daq.js';
import { mountOver } from '../model/testing/mount.js';
import { deadlineMs, type Envelope, type Listener, Rig } from './rig.js';

const sensors = ['R00_SG0', 'R00_SG1', 'R04_SG0', 'R04_SG1', 'R40_SG0', 'R40_SG1', 'R44_SG0', 'R44_SG1'];

/** sim-guider.yaml with a recording folder. */
function recordingInto(directory: string, queueStamps = 128) {
  return (profile: JsonLine): JsonLine => ({
    ...profile,
    guider: { ...(profile.guider as JsonLine), recording: { directory, queueStamps } },
  });
}

const visible = (folder: string): string[] =>
  existsSync(folder) ? readdirSync(folder).filter((name) => !name.startsWith('.')) : [];

/** Waits for `count` files. */
async function files(listener: Listener, count: number): Promise<Envelope[]> {
  const isFile = (m: Envelope) => m.kind === 'image.available';
  await listener.first(`${count} files`, (m) => isFile(m) && listener.of('image.available').length >= count);
  return listener.of('image.available');
}

async function recording(client: {
  request(verb: string): Promise<unknown>;
}): Promise<Record<string, number>> {
  const stats = (await client.request('stats')) as { recording: Record<string, number | bigint> };
  return Object.fromEntries(Object.entries(stats.recording).map(([key, value]) => [key, Number(value)]));
}

function alarm(name: string, active: boolean) {
  return (m: Envelope) => m.kind === 'alarm' && m.body.name === name && m.body.active === active;
}

t.test('every exposure becomes a file per sensor, told when it is on the disk', async (t) => {
  const rig = new Rig(t);
  const folder = join(rig.directory, 'night', 'guider');
  const simulator = await rig.simulator([
    '--stamps',
    '12',
    '--exposures',
    '2',
    '--rate',
    '40',
    '--gap-ms',
    '30',
  ]);
  const agent = await rig.agent({ daqControl: simulator.control }, recordingInto(folder));
  const listener = rig.listener(agent.data);
  await simulator.end();
  const events = await files(listener, 16);
  t.equal(new Set(events.map((m) => m.body.path)).size, 16);
  for (const { topic, body } of events) {
    const path = String(body.path);
    t.equal(topic, `image.available/LSSTCam/${body.sensor}/`);
    t.equal(basename(path), `${body.obsid}_${body.sensor}_guider.fits`);
    const bytes = readFileSync(path);
    t.equal(bytes.length, Number(body.size));
    t.equal(createHash('sha256').update(bytes).digest('hex'), body.sha256);
    t.match(body, { dataset_type: 'guider_raw', closed_by: 'pause', n_stamps: 12, n_complete: 12 });
    t.match(body, { n_left_out: 0, n_failed: 0 });
    t.ok(Number(body.exposure) > 2e12, 'the OBSID names an exposure');
    t.ok(Number(body.durable_ms) >= 0);
    const file = new (loadNative().NativeGuiderFile)(path);
    t.equal(file.stamps().length, 12);
    const sidecar = JSON.parse(readFileSync(String(body.sidecar), 'utf8'));
    t.match(sidecar, { OBSID: body.obsid, N_STAMPS: 12, STMPMISS: 0, SIMULATE: true, DAQPART: 'guider' });
  }
  t.equal(visible(folder).length, 32, 'files and sidecars and nothing else');
  const counters = await recording(rig.control(agent.control));
  t.match(counters, {
    files: 16,
    complete: 192,
    recorded: 192,
    left_out: 0,
    failed: 0,
    outside: 0,
    queue: 0,
  });
});

t.test('a full disk stops the recorder and not the guiding, until it works again', async (t) => {
  const rig = new Rig(t);
  const disk = join(rig.directory, 'disk');
  mkdirSync(disk);
  const mounted = mountOver(t, disk, 'size=400k');
  if (!mounted) throw new Error('this test mounts, which needs root');
  const simulator = await rig.simulator(['--idle', '--rate', '60', '--stamps', '100000']);
  // Every stamp of the second exposure fits the queue, however slow the disk.
  const agent = await rig.agent({ daqControl: simulator.control }, (profile) => {
    const { daq, ...rest } = recordingInto(disk, 4096)(profile);
    return { ...rest, daq: { ...(daq as JsonLine), slotBytes: 50 * 50 * 4 } };
  });
  const listener = rig.listener(agent.data);
  const client = rig.control(agent.control);
  await client.request('initGuiders');
  await client.request('resume', { comment: 'MC_O_20260714_000123' });
  // 8 sensors at 4 kB a stamp fill it within a few stamps.
  const full = await listener.first('the alarm', alarm('recording_failed', true));
  t.match(String(full.body.message), /recording stopped: .*No space left on device/);
  const isLater = (than: Envelope | undefined, by: number) => (m: Envelope) =>
    m.kind === 'guider.offsets' && Number(m.body.stamp) >= Number(than?.body.stamp) + by;
  await listener.first('offsets after it', isLater(listener.of('guider.offsets').at(-1), 20));
  await client.request('pause');
  await listener.first('pause', (m) => m.kind === 'guider.state' && m.body.status === 4);
  // What failed makes room, so that a sensor may come through; whatever has a final name is whole.
  const stems = visible(disk).filter((name) => name.endsWith('.fits'));
  t.ok(stems.length < 8, `${stems.length} of 8 files found room`);
  for (const name of stems) t.ok(new (loadNative().NativeGuiderFile)(join(disk, name)).stamps().length > 0);
  mounted.again('size=64m');
  await client.request('resume', { comment: 'MC_O_20260714_000124' });
  await listener.first('some stamps', isLater(listener.of('guider.offsets').at(-1), 5));
  await client.request('pause');
  const ofSecond = () =>
    listener.of('image.available').filter((m) => m.body.obsid === 'MC_O_20260714_000124');
  await listener.first('8 files', (m) => m.kind === 'image.available' && ofSecond().length >= 8);
  for (const { body } of ofSecond()) t.match(body, { n_left_out: 0, n_failed: 0 });
  await listener.first('the alarm is off', alarm('recording_failed', false));
  const counters = await recording(client);
  t.ok((counters.failed ?? 0) > 0);
  const { complete, recorded = 0, left_out = 0, failed = 0, outside = 0 } = counters;
  t.equal(complete, recorded + left_out + failed + outside, 'no stamp is unaccounted for');
});

t.test(
  'a killed agent leaves no half file under a final name, and its successor tells what it found',
  async (t) => {
    const rig = new Rig(t);
    const folder = join(rig.directory, 'files');
    const simulator = await rig.simulator(['--rate', '60', '--stamps', '100000']);
    const first = await rig.agent({ daqControl: simulator.control }, recordingInto(folder));
    const listener = rig.listener(first.data);
    await listener.first('stamps', (m) => m.kind === 'guider.offsets' && Number(m.body.stamp) > 20);
    first.process.kill('SIGKILL');
    await first.process.exited;
    t.same(visible(folder), []);
    t.equal(readdirSync(folder).filter((name) => name.endsWith('.part')).length, 8);
    simulator.process.kill('SIGKILL');

    const second = await rig.agent({}, recordingInto(folder));
    const told = await second.process.event(
      'what was found',
      ({ message }) => /an earlier run left .* moved to the folder incomplete/.test(String(message)),
      deadlineMs,
    );
    t.equal(told.level, 'warning');
    const aside = readdirSync(join(folder, 'incomplete'));
    t.equal(aside.length, 8);
    t.ok(
      aside.every((name) => sensors.some((sensor) => name.includes(sensor))),
      'the names still say what they are',
    );
    t.same(visible(folder), ['incomplete']);
    t.match(await recording(rig.control(second.control)), { leftovers: 8 });
  },
);

t.test('an agent that is stopped in mid-exposure closes its files', async (t) => {
  const rig = new Rig(t);
  const folder = join(rig.directory, 'files');
  const simulator = await rig.simulator(['--rate', '60', '--stamps', '100000']);
  const agent = await rig.agent({ daqControl: simulator.control }, recordingInto(folder));
  const listener = rig.listener(agent.data);
  await listener.first('stamps', (m) => m.kind === 'guider.offsets' && Number(m.body.stamp) > 10);
  agent.process.kill('SIGTERM');
  t.equal(await agent.process.exited, 0);
  for (const { body } of await files(listener, 8)) {
    t.equal(body.closed_by, 'agent_stop');
    t.equal(new (loadNative().NativeGuiderFile)(String(body.path)).stamps().length, Number(body.n_stamps));
  }
  t.equal(visible(folder).length, 16);
});

const LOCATION = 3;
const STAMPS = 7;

/** One exposure of known pixels, sent by hand; resolves with the event of its file. */
async function knownExposure(t: Test): Promise<Envelope> {
  const rig = new Rig(t);
  const udpPort = await freeUdpPort();
  const agent = await rig.agent({ udpPort }, recordingInto(join(rig.directory, 'files')));
  const listener = rig.listener(agent.data);
  await listener.first('heartbeat', ({ kind }) => kind === 'heartbeat');
  const socket = createSocket('udp4');
  t.teardown(() => socket.close());
  let packet = 0;
  const taiNs = 1_799_999_999_900_000_000n;
  const event = (eventType: number, payload: Uint8Array) =>
    datagram({ eventType, location: LOCATION, packet: packet++, taiNs: taiNs + BigInt(packet) }, payload);
  const send = (bytes: Buffer) =>
    new Promise<void>((resolve, reject) => {
      socket.send(bytes, udpPort, '127.0.0.1', (error) => (error ? reject(error) : resolve()));
    });
  await send(event(EventType.start, seriesMetadata(LOCATION)));
  await send(event(EventType.resume, Buffer.from('MC_O_20260714_000123\0')));
  for (let stamp = 0; stamp < STAMPS; stamp++) await send(stampDatagram(LOCATION, stamp, packet++));
  await send(event(EventType.pause, stampsSent(BigInt(STAMPS))));
  const [file] = await files(listener, 1);
  if (!file) throw new Error('no file');
  return file;
}

t.test('our own reader gets back the pixels and times that were sent', async (t) => {
  const { body } = await knownExposure(t);
  const file = new (loadNative().NativeGuiderFile)(String(body.path));
  t.equal(file.stamps().length, STAMPS);
  file.stamps().forEach(({ rows, cols, taiNs }, stamp) => {
    t.same({ rows, cols }, { rows: 10, cols: 10 });
    t.equal(taiNs, 1_800_000_000_000_000_000n + BigInt(stamp) * 111_000_000n);
    t.same(
      [...file.read(stamp)],
      Array.from({ length: 100 }, (_, i) => 1000 + i),
    );
  });
});

t.test('fitsverify finds nothing to say', async (t) => {
  const { body } = await knownExposure(t);
  const said = execFileSync('fitsverify', [String(body.path)], { encoding: 'utf8' });
  t.match(said, /Verification found 0 warning\(s\) and 0 error\(s\)/);
});

t.test('astropy reads every HDU, header and pixels as they were sent', async (t) => {
  const python = astropyPython();
  if (python.problem !== null) {
    t.comment(`not compared: ${python.problem}`);
    t.equal(python.path, null);
    return;
  }
  const { body } = await knownExposure(t);
  const text = execFileSync(python.path, ['agent/test/read_guider_file.py', String(body.path)], {
    encoding: 'utf8',
  });
  const read = JSON.parse(text) as {
    primary: Record<string, unknown>;
    order: string[];
    stamps: { header: Record<string, unknown>; shape: number[]; dtype: string; pixels: number[] }[];
  };
  t.match(read.primary, {
    OBSID: 'MC_O_20260714_000123',
    CAMCODE: 'MC',
    CONTRLLR: 'O',
    DAYOBS: '20260714',
    SEQNUM: 123,
    RAFTBAY: 'R00',
    CCDSLOT: 'SG0',
    FIRMWARE: '1234',
    CONTNUM: 'abcdef',
    DAQVERS: 'R5-V13.12',
    DAQPART: 'guider',
    PLATFORM: 'guider',
    TIMESYS: 'TAI',
    ROICOLS: 10,
    ROIROWS: 10,
    ROIMILLI: 50,
    ROIUNDRC: 0,
    ROIOVERC: 0,
    ROIOVERR: 0,
    ROIFLUSH: 2,
    ROISPLIT: false,
    ROICCDTY: 0,
    ROISEG: 'Segment00',
    GDSSEQ: 1,
    GDSSTART: '2027-01-15T07:59:59.900000002',
    N_STAMPS: STAMPS,
    HAS_ARCHIVE: false,
    HAS_MASK: false,
    HAS_VARIANCE: false,
    STAMPCLS: 'lsst.meas.algorithms.Stamps',
    LSST_NUM: 'ITL-3800C-397',
    FILENAME: 'MC_O_20260714_000123_R00_SG0_guider.fits',
  });
  const place = (name: string) => read.order.indexOf(name);
  const camera = [
    'BINX',
    'OBSID',
    'TIMESYS',
    'INSTRUME',
    'CAMCODE',
    'SEQNUM',
    'CCDSLOT',
    'DAQPART',
    'FILENAME',
    'ROICOL',
    'GDSSTART',
    'N_STAMPS',
    'HAS_ARCHIVE',
  ];
  t.same(
    [...camera].sort((a, b) => place(a) - place(b)),
    camera,
    'in the order of the camera',
  );
  t.equal(read.stamps.length, STAMPS);
  read.stamps.forEach(({ header, shape, dtype, pixels }, stamp) => {
    t.same(shape, [10, 10]);
    t.equal(dtype, 'int32');
    t.match(header, { EXTNAME: 'IMAGE', EXTVER: stamp + 1, DAQSTAMP: stamp, TIMESYS: 'TAI' });
    t.equal(header['DATE-END'], header.STMPTIME);
    t.equal(header['MJD-END'], header.STMPTMJD);
    t.same(
      pixels,
      Array.from({ length: 100 }, (_, i) => 1000 + i),
    );
  });
});

t.test('a folder that another agent uses is an alarm', async (t) => {
  const rig = new Rig(t);
  const folder = join(rig.directory, 'files');
  const simulator = await rig.simulator(['--rate', '60', '--stamps', '10000']);
  const one = await rig.agent({ daqControl: simulator.control }, recordingInto(folder));
  await rig.listener(one.data).first('an offset', (m) => m.kind === 'guider.offsets');
  const two = await rig.agent({ daqControl: simulator.control }, recordingInto(folder));
  // It may say so before anybody listens: its snapshot tells for as long as it is so.
  const client = rig.control(two.control);
  const look = async () => {
    const { alarms } = (await client.request('snapshot')) as { alarms: { name: string; message: string }[] };
    return alarms.find(({ name }) => name === 'recording_failed');
  };
  let failed = await look();
  for (const end = Date.now() + deadlineMs; !failed && Date.now() < end; failed = await look())
    await new Promise((resolve) => setTimeout(resolve, 50));
  t.match(failed?.message, /another agent records into this folder/);
});

t.test('a link that is closed and opened again records into the same folder', async (t) => {
  const rig = new Rig(t);
  const folder = join(rig.directory, 'files');
  const simulator = await rig.simulator(['--idle', '--rate', '60', '--stamps', '100000']);
  const agent = await rig.agent({ daqControl: simulator.control }, recordingInto(folder));
  const listener = rig.listener(agent.data);
  const client = rig.control(agent.control);
  for (const [index, obsid] of ['MC_O_20260714_000123', 'MC_O_20260714_000124'].entries()) {
    if (index > 0) for (const verb of ['disable', 'standby', 'start', 'enable']) await client.request(verb);
    await client.request('initGuiders');
    await client.request('resume', { comment: obsid });
    const isResult = (m: Envelope) => m.kind === 'guider.result' && m.body.obsid === obsid;
    await listener.first('a stamp', isResult);
    await client.request('pause');
    await files(listener, 8 * (index + 1));
    await client.request('stop');
  }
  t.equal(visible(folder).length, 32);
});
