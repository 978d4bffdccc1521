// SPDX-License-Identifier: Apache-2.0
// The wire as documented in README.md, read from a recording of the real process by an independent decoder.
import t from 'tap';
import { guideSensorNamed } from '../agent/model/location.js';
import { native } from './native.js';
import { Bench, roiSpec } from './testing/bench.js';
import {
  crc32c,
  damageOf,
  daqState,
  decode,
  eventType,
  type Message,
  packetGaps,
  reassemble,
  wholeDaq,
} from './testing/datagram.js';
import { comment, makeHeader, setGeometry } from './wire.js';

const obsid = 'MC_O_20251202_000439';
const rows = 100;
const cols = 100;
const locations = [3, 220];

/** One series of two exposures on two sensors, every datagram of it, and STATUS before, in and after it. */
async function record(): Promise<{ datagrams: readonly Buffer[]; session: string; sequence: number }> {
  const bench = new Bench(t);
  const receiver = await bench.receiver();
  const simulator = await bench.simulator('--idle', '--rate', '10', '--first-sequence', '7');
  const control = await bench.connect(simulator);
  const until = (what: string, wanted: (message: Message) => boolean, count = 1) =>
    receiver.until(what, (all) => (reassemble(all).filter(wanted).length >= count ? true : undefined));
  const status = (state: number) =>
    until(
      `STATUS in state ${state}`,
      ({ header }) => header.eventType === eventType.STATUS && header.daqState === state,
    );
  const stamps = (count: number) =>
    until(
      `${count} stamps`,
      ({ header, whole }) => whole && header.eventType === eventType.STAMP && header.location === 220,
      count,
    );
  await control.must('subscribe', { port: receiver.port });
  await status(daqState.IDLECLEARING);
  const { sequence } = await control.must('initGuiders', {
    roiSpec: roiSpec(rows, cols, 'R44SG1', 'R00SG0'),
  });
  await status(daqState.PAUSED);
  await control.must('resume', { comment: obsid });
  await stamps(3);
  await status(daqState.RUNNING);
  await control.must('pause');
  await control.must('resume', { comment: 'a comment of more than thirty letters' });
  await stamps(8);
  await control.must('stop');
  await control.must('sleep');
  await status(daqState.SLEEPING);
  await receiver.settled();
  return { datagrams: [...receiver.datagrams], session: simulator.session, sequence };
}

const startedMs = Date.now();
const { datagrams, session, sequence } = await record();
const messages = reassemble(datagrams);
const of = (type: number, location?: number) =>
  messages.filter(
    ({ header }) => header.eventType === type && (location === undefined || header.location === location),
  );

t.test('the decoder knows the CRC32C of the standard', async (t) => {
  t.equal(crc32c(Buffer.from('123456789')), 0xe3069283);
  t.equal(crc32c(Buffer.alloc(32)), 0x8a9136aa);
});

t.test(
  'every datagram is version 1, undamaged, simulated, of this run and no longer than the MTU',
  async (t) => {
    t.ok(datagrams.length > 50, `${datagrams.length} datagrams`);
    t.same(
      datagrams.map(damageOf).filter((damage) => damage !== null),
      [],
    );
    for (const datagram of datagrams) {
      const d = decode(datagram);
      const right = d.magic === 'SDAQ' && d.version === 1 && d.headerBytes === 72 && d.flags === 1;
      if (!right || d.session.toString(16) !== session || datagram.length > 8972 || d.eventStatus !== 0)
        t.fail(`header ${datagram.subarray(0, 72).toString('hex')}`);
    }
  },
);

t.test('packets are numbered from 0 without a gap', async (t) => {
  t.equal(decode(datagrams[0] ?? Buffer.alloc(72)).packet, 0);
  t.same(packetGaps(datagrams), []);
});

t.test('the messages of a sensor come in the order of its life', async (t) => {
  for (const location of locations) {
    const life = messages.filter(({ header }) => header.location === location);
    const { STAMP, START, RESUME, PAUSE, STOP } = eventType;
    t.same(
      life.filter(({ header }) => header.eventType !== STAMP).map(({ header }) => header.eventType),
      [START, RESUME, PAUSE, RESUME, PAUSE, STOP],
    );
    const { IDLECLEARING, PAUSED, RUNNING } = daqState;
    t.same(
      life.filter(({ header }) => header.eventType !== STAMP).map(({ header }) => header.daqState),
      [PAUSED, RUNNING, PAUSED, RUNNING, PAUSED, IDLECLEARING],
    );
    t.ok(life.every(({ header }) => header.sequence === sequence && sequence === 7));
    const times = life.map(({ header }) => header.timeTaiNs);
    t.ok(
      times.every((time, i) => i === 0 || time >= (times[i - 1] ?? 0n)),
      'time never runs backwards',
    );
    const utcMs = Number((times[0] ?? 0n) / 1_000_000n) - 37_000;
    t.ok(utcMs > startedMs - 1000 && utcMs < Date.now() + 1000, 'TAI is 37 s ahead of UTC');
  }
});

t.test('a 100 x 100 stamp comes in five fragments that join to its pixels', async (t) => {
  const stamps = of(eventType.STAMP);
  t.ok(stamps.length >= 16, `${stamps.length} stamps`);
  for (const { header, fragments, payload, whole } of stamps) {
    t.ok(whole, `stamp ${header.stamp} of ${header.location}`);
    t.equal(payload.length, rows * cols * 4);
    t.same(
      fragments.map((one) => [one.fragmentOffset, one.fragmentBytes]),
      [0, 8900, 17_800, 26_700, 35_600].map((offset) => [offset, Math.min(8900, 40_000 - offset)]),
    );
    t.match(header, { daqState: daqState.RUNNING, pixelType: 1, rows, cols, segment: 7, startRow: 800 });
    t.match(header, { startCol: 56, integrationMs: 50, overRows: 0, underCols: 0, overCols: 0 });
    const pixels = Array.from({ length: rows * cols }, (_, i) => payload.readInt32LE(4 * i));
    t.ok(
      pixels.every((pixel) => pixel > 11_000 && pixel < 262_144),
      'pixels are a bias level and light in 18 bits',
    );
  }
});

t.test('stamps are numbered from 0 through both exposures', async (t) => {
  for (const location of locations) {
    const numbers = of(eventType.STAMP, location).map(({ header }) => header.stamp);
    t.same(
      numbers,
      numbers.map((_, i) => i),
    );
  }
});

t.test('START carries 183 bytes of series metadata', async (t) => {
  for (const { header, payload, fragments } of of(eventType.START)) {
    t.equal(fragments.length, 1);
    t.match(header, { stamp: 0, totalBytes: 183, fragmentOffset: 0, fragmentBytes: 183, rows, cols });
    const words = Array.from({ length: 8 }, (_, i) => payload.readUInt16LE(2 * i));
    t.same([...words.slice(0, 6), words[7]], [rows, cols, 50, 0, 0, 0, 0]);
    t.equal(payload.readUInt8(16), header.location);
    t.same(
      [18, 20, 22].map((at) => payload.readUInt16LE(at)),
      [7, 800, 56],
    );
    const text = (at: number, bytes: number) =>
      payload.toString('latin1', at, at + bytes).replace(/\0*$/, '');
    t.match(text(24, 48), /^sim-daq [\w.]+$/);
    t.ok(payload.readUInt32LE(72) > 0, 'firmware');
    t.ok(payload.readBigUInt64LE(76) > 0n, 'serial');
    t.equal(payload.readUInt8(84), 1, 'valid');
    t.equal(payload.readUInt8(85), 0, 'not split');
    t.ok(payload.readUInt8(86) <= 1, 'vendor');
    t.equal(text(87, 32), 'sim-hw');
    t.match(text(119, 64), /^series-7-[\d,]+$/);
  }
  const serials = of(eventType.START).map(({ payload }) => payload.readBigUInt64LE(76));
  t.equal(new Set(serials).size, locations.length, 'each sensor has its own serial number');
});

t.test('RESUME carries the OBSID, cut to 30 bytes, and a NUL', async (t) => {
  for (const location of locations) {
    const [first, second] = of(eventType.RESUME, location);
    t.equal(first?.payload.toString('latin1'), `${obsid}\0`);
    t.equal(second?.payload.toString('latin1'), 'a comment of more than thirty \0');
  }
  t.same(comment(''), new Uint8Array(1));
});

t.test('PAUSE and STOP carry the stamps sent since START', async (t) => {
  for (const location of locations) {
    const count = ({ payload }: Message) => (payload.length === 8 ? Number(payload.readBigUInt64LE(0)) : -1);
    const [firstPause, lastPause] = of(eventType.PAUSE, location);
    const stamps = of(eventType.STAMP, location);
    const inFirst = stamps.filter(({ header }) => header.packet < (firstPause?.header.packet ?? 0));
    t.same(
      [firstPause].map((one) => one && count(one)),
      [inFirst.length],
    );
    t.same(
      [lastPause].map((one) => one && count(one)),
      [stamps.length],
    );
    t.same(of(eventType.STOP, location).map(count), [stamps.length]);
  }
});

t.test('STATUS has one entry for each sensor of the series, in every state', async (t) => {
  const all = of(eventType.STATUS);
  t.ok(all.every(({ header }) => header.location === wholeDaq));
  const idle = all.filter(({ header }) => header.daqState === daqState.IDLECLEARING);
  t.equal(idle[0]?.payload.length, 0, 'no series, no entry');
  for (const state of [daqState.PAUSED, daqState.RUNNING, daqState.SLEEPING]) {
    const status = all.findLast(({ header }) => header.daqState === state);
    const payload = status?.payload ?? Buffer.alloc(0);
    t.equal(payload.length, 16 * locations.length);
    const packet = status?.header.packet ?? 0;
    const entries = locations.map((_, i) => payload.subarray(16 * i, 16 * i + 16));
    for (const [i, entry] of entries.entries()) {
      const sent = of(eventType.STAMP, locations[i]).filter(({ header }) => header.packet < packet);
      t.same([entry.readUInt8(0), entry.readUInt8(1)], [locations[i], state]);
      t.same([entry.readUInt16LE(2), entry.readUInt32LE(4)], [7, 0]);
      t.equal(Number(entry.readBigUInt64LE(8)), sent.length, `stamps sent when STATUS said ${state}`);
    }
  }
});

t.test('SLEEP is one datagram of 72 bytes from the DAQ as a whole', async (t) => {
  const [sleep, ...others] = of(eventType.SLEEP);
  t.match(sleep?.header, {
    location: wholeDaq,
    daqState: daqState.SLEEPING,
    totalBytes: 0,
    fragmentBytes: 0,
  });
  t.match(sleep?.header, { payloadCrc32c: 0, pixelType: 0, rows: 0, cols: 0 });
  t.same(others, []);
});

// Packed by hand from the table, with checksums from another implementation of CRC32C.
const golden =
  '5344415101480000db0302053412feff15ffb4925a72861800000000900100000000000090010a00140011009e07c101' +
  'c800000000000000efcdab89674523017afdfa5078a3ac26';

t.test('a stamp of known fields is the golden datagram', async (t) => {
  const receiver = await new Bench(t).receiver();
  const header = makeHeader({
    eventType: eventType.STAMP,
    eventStatus: 0,
    location: 219,
    state: 'RUNNING',
    sequence: 0x1234,
    stamp: 0xfffe,
    taiNs: 1_767_225_637_123_456_789n,
    session: 0x0123_4567_89ab_cdefn,
    oneBased: true,
    splitRoi: false,
  });
  const sensor = guideSensorNamed('R44_SG0');
  if (sensor === undefined) throw new Error('R44_SG0 is no guide sensor');
  const roi = { sensor, segment: 17, startRow: 1950, startCol: 449 };
  setGeometry(
    header,
    { common: { rows: 10, cols: 20, integrationMs: 200 }, locations: [roi] },
    roi,
    'uint16',
  );
  const pixels = Uint8Array.from({ length: 400 }, (_, i) => (i % 200) + 1);
  const sender = new native.Sender(9000, '');
  const none = new Int32Array(0);
  sender.send(sender.addDestination('127.0.0.1', receiver.port), header, pixels, none, none);
  const datagram = await receiver.until('datagram', ([first]) => first);
  t.equal(datagram.subarray(0, 72).toString('hex'), golden);
  t.equal(Buffer.compare(datagram.subarray(72), pixels), 0);
});
