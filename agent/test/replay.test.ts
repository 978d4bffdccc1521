// SPDX-License-Identifier: Apache-2.0
// Recorded guider files through a real agent: files of our own writer, and series from the camera's laboratory.
import { existsSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { parse } from 'yaml';
import type { JsonLine } from '../../scripts/processes/child.js';
import type { ControlClient } from '../../scripts/processes/control-client.js';
import { type GuiderFileStamp, loadNative } from '../daq/native.js';
import { type Agent, deadlineMs, type Envelope, type Listener, Rig, sensorCounters } from './rig.js';

const second = 1_000_000_000n;

interface Replay {
  readonly speed: number | 'max';
  readonly loop: boolean;
  readonly obsid?: string;
}

/** hw-profiles/replay-guider.yaml with these files, on free ports. */
function replayProfile(files: readonly string[], replay: Replay): JsonLine {
  const profile = parse(readFileSync('hw-profiles/replay-guider.yaml', 'utf8')) as JsonLine;
  const free = 'tcp://127.0.0.1:0';
  return {
    ...profile,
    daq: { driver: 'replay', replay: { files, ...replay } },
    // A test process that is held up for a while must not lose messages.
    publish: { data: free, control: free, highWaterMark: 100_000 },
  };
}

/** The recording as one file tells it, by whoever reads it. */
interface Recording {
  readonly sensor: string;
  readonly obsid: string;
  readonly sequence: number;
  readonly startNs: bigint;
  readonly stamps: readonly { readonly daqStamp: number; readonly taiNs: bigint }[];
}

/** How far one pass of a looped replay lies behind the one before (addons/daq/replay_driver.h). */
function passNs(recordings: readonly Recording[]): bigint {
  const times = recordings
    .flatMap(({ startNs, stamps }) => [startNs, ...stamps.map(({ taiNs }) => taiNs)])
    .sort((a, b) => Number(a - b));
  return (times.at(-1) ?? 0n) - (times[0] ?? 0n) + second;
}

/** Log lines of the agent itself: they are complete, also those before a subscriber can be there. */
function logged(agent: Agent, wanted: RegExp): JsonLine | undefined {
  return agent.process.events.find(({ message }) => wanted.test(String(message)));
}

type Last = Readonly<Record<string, { readonly body: Readonly<Record<string, unknown>> }>>;

/** The last message of each topic, once there is one of this topic. */
async function lastWith(client: ControlClient, topic: string): Promise<Last> {
  const end = Date.now() + deadlineMs;
  while (Date.now() < end) {
    const { last } = (await client.request('snapshot')) as { last: Last };
    if (last[topic] !== undefined) return last;
    await delay(10);
  }
  throw new Error(`nothing was published on ${topic} within ${deadlineMs} ms`);
}

/** Replays everything once as fast as possible; resolves when the series is over. */
async function replayOnce(rig: Rig, files: readonly string[], more: { obsid?: string } = {}) {
  const agent = await rig.run(replayProfile(files, { speed: 'max', loop: false, ...more }));
  const isEnd = ({ message }: JsonLine) => message === 'the source has delivered everything';
  await agent.process.event('the end of the files', isEnd, deadlineMs);
  const client = rig.control(agent.control);
  const last = await lastWith(client, 'series.end/LSSTCam/all/');
  return { agent, counters: await sensorCounters(client), last };
}

/**
 * Replays over and over; resolves with the messages of the first pass that was heard from its START on. A
 * subscriber can only be there after the agent, and the first pass begins with the agent.
 */
async function replayWhole(
  rig: Rig,
  recordings: readonly Recording[],
  files: readonly string[],
  speed: number,
) {
  const agent = await rig.run(replayProfile(files, { speed, loop: true }));
  const listener = rig.listener(agent.data);
  const sequences = recordings.map(({ sequence }) => sequence);
  const firstSequence = Math.min(...sequences);
  const perPass = Math.max(...sequences) - firstSequence + 1;
  const passOf = (message: Envelope) => Math.floor((Number(message.body.seqno) - firstSequence) / perPass);
  const begin = await listener.first(
    'the first START of a pass',
    (m) => m.kind === 'guider.series' && (Number(m.body.seqno) - firstSequence) % perPass === 0,
  );
  const pass = passOf(begin);
  await listener.first(
    'the end of the pass',
    (m) => m.kind === 'series.end' && Number(m.body.seqno) === firstSequence + (pass + 1) * perPass - 1,
  );
  const results = listener.of('guider.result').filter((message) => passOf(message) === pass);
  return { agent, listener, pass, perPass, results };
}

function flagsOf(message: Envelope): readonly string[] {
  return message.body.flags as readonly string[];
}

/** Every stamp of the recording was published: its number, exact time, exposure and first-stamp flag. */
function assertRecording(
  t: Test,
  recording: Recording,
  results: readonly Envelope[],
  at: { readonly seqno: number; readonly shiftNs: bigint },
): void {
  const { sensor, obsid, stamps } = recording;
  const own = results.filter(
    ({ body }) => body.sensor === sensor && body.obsid === obsid && body.seqno === at.seqno,
  );
  t.same(
    own.map(({ body }) => Number(body.stamp)),
    stamps.map(({ daqStamp }) => daqStamp),
    `${sensor} ${obsid}: all ${stamps.length} stamps, in order`,
  );
  t.same(
    own.map(({ body }) => BigInt(body.t_src_tai_ns as bigint)),
    stamps.map(({ taiNs }) => taiNs + at.shiftNs),
    `${sensor} ${obsid}: TAI times to the nanosecond`,
  );
  t.ok(
    own.every(({ body }) => {
      const ns = BigInt(body.t_src_tai_ns as bigint);
      return Math.abs((body.timestamp as number) - Number(ns / 1000n) / 1e6) < 1e-6;
    }),
    `${sensor} ${obsid}: timestamp is the same in seconds`,
  );
  t.same(
    own.filter((message) => flagsOf(message).includes('first_stamp')).map(({ body }) => Number(body.stamp)),
    [0, 1],
    `${sensor} ${obsid}: the irregular first two stamps are flagged, no others`,
  );
}

// ---- files of our own writer

const side = 50;
const cadenceNs = 100_000_000n;

/** Bias, a repeatable noise of 5 ADU and a star of 2000 ADU with a FWHM of 4 pixels. */
function starAt(x: number, y: number, seed: number): Int32Array {
  let state = seed >>> 0;
  const noise = () => {
    let sum = 0;
    for (let i = 0; i < 4; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      sum += state / 2 ** 32 - 0.5;
    }
    return (sum * 5) / Math.sqrt(4 / 12);
  };
  return Int32Array.from({ length: side * side }, (_, i) => {
    const r2 = ((i % side) - x) ** 2 + (Math.floor(i / side) - y) ** 2;
    return Math.round(13_000 + noise() + 2000 * Math.exp(-r2 / (2 * (4 / 2.355) ** 2)));
  });
}

interface OwnFile extends Recording {
  readonly path: string;
  readonly x: number;
  readonly y: number;
}

/** Writes one sensor's file of one exposure; `numbers` are the DAQ's stamp numbers. */
function writeFile(
  rig: Rig,
  sensor: string,
  exposure: number,
  numbers: readonly number[],
  header: object = {},
): OwnFile {
  const obsid = `MC_O_20260714_00012${exposure}`;
  const path = join(rig.directory, `${obsid}_${sensor}_guider.fits`);
  const startNs = 1_784_089_172_000_000_000n + BigInt(exposure) * 3n * second;
  const [x, y] = [24.3 + exposure / 10, sensor.endsWith('0') ? 20.6 : 27.2];
  // Times with digits below the millisecond, as the format allows.
  const skewNs = sensor.endsWith('0') ? 52_000_000n : 52_123_457n;
  const stamps = numbers.map((daqStamp) => ({
    daqStamp,
    taiNs: startNs + skewNs + BigInt(daqStamp) * cadenceNs,
  }));
  const [raftBay, ccdSlot] = sensor.split('_');
  const keywords = {
    OBSID: obsid,
    CAMCODE: 'MC',
    CONTRLLR: 'O',
    DAYOBS: '20260714',
    SEQNUM: 120 + exposure,
    RAFTBAY: raftBay,
    CCDSLOT: ccdSlot,
    DAQVERS: 'R5-V13.16',
    DAQPART: 'guider',
    TIMESYS: 'TAI',
    GDSSEQ: 6 + exposure,
    GDSSTART: `${new Date(Number(startNs / 1_000_000n)).toISOString().slice(0, -1)}`,
    ROICOL: 56,
    ROIROW: 800,
    ROICOLS: side,
    ROIROWS: side,
    ROISEG: 'Segment03',
    ROISPLIT: false,
    ROIMILLI: 50,
    ...header,
  };
  const written: GuiderFileStamp[] = stamps.map((stamp) => ({
    ...stamp,
    pixels: starAt(x, y, exposure * 1000 + stamp.daqStamp),
  }));
  loadNative().writeGuiderFile(path, JSON.stringify(keywords), written);
  return { path, sensor, obsid, sequence: 6 + exposure, startNs, stamps, x, y };
}

const twelve = Array.from({ length: 12 }, (_, i) => i);

t.test('files of our own writer come out as they went in, exposure by exposure', async (t) => {
  const rig = new Rig(t);
  const files = [
    writeFile(rig, 'R00_SG0', 1, twelve),
    writeFile(rig, 'R44_SG1', 1, twelve),
    writeFile(rig, 'R00_SG0', 2, twelve),
    writeFile(rig, 'R44_SG1', 2, twelve.toSpliced(6, 1)),
  ];
  const paths = files.map(({ path }) => path);
  const { pass, perPass, results } = await replayWhole(rig, files, paths, 20);
  t.equal(results.length, 47, 'results of one pass');
  for (const file of files) {
    assertRecording(t, file, results, {
      seqno: file.sequence + pass * perPass,
      shiftNs: BigInt(pass) * passNs(files),
    });
    const own = results.filter(({ body }) => body.sensor === file.sensor && body.obsid === file.obsid);
    t.match(own[0]?.body, {
      exposure: 2026071400000 + Number(file.obsid.slice(-6)),
      segment: 3,
      startrow: 800,
    });
    t.match(own[0]?.body, { startcol: 56, nrows: side, ncols: side, integration: 50 });
    t.same(
      own.filter(
        ({ body }) =>
          body.flagged !== false ||
          Math.hypot((body.xroi as number) - file.x, (body.yroi as number) - file.y) > 0.05,
      ),
      [],
      `${file.sensor} ${file.obsid}: every star is where it was drawn`,
    );
  }
  t.notOk(
    results.some((message) => flagsOf(message).includes('name_corrected')),
    'names of this observing day are right as they are',
  );
  const behindGap = results.filter((message) => flagsOf(message).includes('missing_prev'));
  t.equal(behindGap.length, 1, 'one stamp is missing in one file');
  t.match(behindGap[0]?.body, { sensor: 'R44_SG1', stamp: 7, gap: 1, obsid: 'MC_O_20260714_000122' });
});

t.test('a replay that does not loop ends with every stamp accounted for', async (t) => {
  const rig = new Rig(t);
  const files = [writeFile(rig, 'R00_SG0', 1, twelve), writeFile(rig, 'R44_SG1', 1, twelve.toSpliced(6, 1))];
  const { agent, counters, last } = await replayOnce(
    rig,
    files.map(({ path }) => path),
  );
  t.match(counters.R00_SG0, { seen: 12, complete: 12, published: 12, rejected: 0, lost: 0, dropped: 0 });
  t.match(counters.R44_SG1, { seen: 11, complete: 11, published: 11, rejected: 0, lost: 1, dropped: 0 });
  t.match(last['series.end/LSSTCam/all/']?.body, {
    reason: 'stop',
    obsid: 'MC_O_20260714_000121',
    n_stamps: 12,
  });
  t.equal(agent.process.running, true, 'the agent goes on and can be asked');
});

t.test('the profile gives the OBSID where a file has none', async (t) => {
  const rig = new Rig(t);
  const nameless = writeFile(rig, 'R40_SG1', 3, twelve, { OBSID: null });
  const { last } = await replayOnce(rig, [nameless.path], { obsid: 'MC_O_20260715_000007' });
  t.match(last['guider.result/LSSTCam/R40_SG1/']?.body, {
    obsid: 'MC_O_20260715_000007',
    exposure: 2026071500007,
  });
  const named = writeFile(rig, 'R40_SG1', 4, twelve);
  const other = await replayOnce(rig, [named.path], { obsid: 'MC_O_20260715_000007' });
  t.equal(other.last['guider.result/LSSTCam/R40_SG1/']?.body.obsid, named.obsid, "a file's own comes first");
});

t.test('the writer refuses what is no guider file and leaves nothing behind', async (t) => {
  const rig = new Rig(t);
  const { writeGuiderFile } = loadNative();
  const path = join(rig.directory, 'x_guider.fits');
  const size = JSON.stringify({ ROICOLS: 10, ROIROWS: 10 });
  const stamp = { pixels: new Int32Array(100), taiNs: 0n, daqStamp: 0 };
  t.throws(() => writeGuiderFile(path, 'no JSON', [stamp]), { message: /expected a JSON object/ });
  t.throws(() => writeGuiderFile(path, '{}', [stamp]), { message: /ROICOLS, ROIROWS: expected/ });
  t.throws(() => writeGuiderFile(path, size, [{ ...stamp, pixels: new Int32Array(99) }]), {
    message: /10 rows x 10 columns with 99 pixels/,
  });
  t.throws(() => writeGuiderFile(path, size, [{ ...stamp, taiNs: -1n }]), {
    message: /stamps\[0\]: expected/,
  });
  t.throws(() => writeGuiderFile(join(rig.directory, 'absent', 'x.fits'), size, [stamp]), {
    message: /cannot be created/,
  });
  t.equal(existsSync(path), false, 'nothing has the name of the file');
});

// ---- the camera's own files

type Cards = ReadonlyMap<string, string>;

/** Headers of all HDUs of a plain FITS file: 80-character cards in blocks of 2880 bytes, values as text. */
function readHeaders(path: string): Cards[] {
  const bytes = readFileSync(path);
  const headers: Cards[] = [];
  let at = 0;
  while (at < bytes.length) {
    const cards = new Map<string, string>();
    for (let name = ''; name !== 'END'; at += 80) {
      const card = bytes.toString('latin1', at, at + 80);
      name = card.slice(0, 8).trimEnd();
      const value = /^= +(?:'((?:[^']|'')*)'|([^/ ]+))/.exec(card.slice(8));
      if (value !== null) cards.set(name, (value[1] ?? value[2] ?? '').trimEnd());
    }
    headers.push(cards);
    const number = (name: string, otherwise: number) => Number(cards.get(name) ?? otherwise);
    const axes = Array.from({ length: number('NAXIS', 0) }, (_, i) => number(`NAXIS${i + 1}`, 0));
    const elements = axes.length === 0 ? 0 : axes.reduce((product, axis) => product * axis, 1);
    const data = (Math.abs(number('BITPIX', 8)) / 8) * number('GCOUNT', 1) * (number('PCOUNT', 0) + elements);
    at = Math.ceil(at / 2880) * 2880 + Math.ceil(data / 2880) * 2880;
  }
  return headers;
}

/** An ISO time in TAI: its days all have 86400 s, as those of Date. */
function taiNsOf(text: string | undefined): bigint {
  return BigInt(Date.parse(`${text}Z`)) * 1_000_000n;
}

function readRecording(path: string, sensor: string): Recording {
  const [primary, ...extensions] = readHeaders(path);
  if (primary === undefined) throw new Error(`${path} has no header`);
  const images = extensions.filter((cards) => cards.get('EXTNAME') === 'IMAGE');
  return {
    sensor,
    obsid: primary.get('OBSID') ?? '',
    sequence: Number(primary.get('GDSSEQ')),
    startNs: taiNsOf(primary.get('GDSSTART')),
    stamps: images.map((cards) => ({
      daqStamp: Number(cards.get('EXTVER')) - 1,
      taiNs: taiNsOf(cards.get('STMPTIME')),
    })),
  };
}

/** Keywords of a present-day file that the agent looks for. */
const wantedKeywords = [
  'TIMESYS',
  'ROICOL',
  'ROIROW',
  'ROIMILLI',
  'ROISPLIT',
  'ROICCDTY',
  'ROIOVERC',
  'ROIOVERR',
];

const realData = resolve(process.env.SUMMIT_REAL_DATA ?? '../shared/data/real');
const laboratory = join(realData, 'lsst-obs_lsst/tests/data/input/guider/guider_data');
const absent = existsSync(laboratory)
  ? false
  : `no ${laboratory}: SUMMIT_REAL_DATA names the directory of real camera files`;
if (absent !== false) t.comment(absent);

for (const { name, said, sensor, stamps, lacking } of [
  {
    name: 'MC_C_20240918_000013_R00_SG0_guider.fits',
    said: 'R00_SG0',
    sensor: 'R00_SG1',
    stamps: 102,
    lacking: 2,
  },
  { name: 'MC_C_20230616_000013_R04_SG0.fits', said: 'R04_SG0', sensor: 'R04_SG1', stamps: 92, lacking: 8 },
] as const) {
  t.test(
    `a laboratory series of ${stamps} stamps, ${said}, is published whole`,
    { skip: absent },
    async (t) => {
      const path = join(laboratory, name);
      const rig = new Rig(t);
      const recording = readRecording(path, sensor);
      t.equal(recording.stamps.length, stamps, 'stamps by the reader of this test');

      const once = await replayOnce(rig, [path]);
      t.match(once.counters[sensor], { seen: stamps, complete: stamps, lost: 0, dropped: 0, superseded: 0 });
      const { published = 0, rejected = 0 } = once.counters[sensor] ?? {};
      t.equal(published + rejected, stamps, `${published} published with an answer, ${rejected} refused`);

      const { agent, listener, pass, perPass, results } = await replayWhole(rig, [recording], [path], 20);
      t.equal(results.length, stamps);
      assertRecording(t, recording, results, {
        seqno: recording.sequence + pass * perPass,
        shiftNs: BigInt(pass) * passNs([recording]),
      });
      assertNoStar(t, listener, results);
      t.ok(
        results.every((message) => flagsOf(message).includes('name_corrected')),
        `every result says that ${sensor} is not what the file says`,
      );
      t.match(
        logged(agent, /have SG0 and SG1 exchanged/)?.message,
        new RegExp(`${name}: .*${said}, the sensor is ${sensor}`),
        'and the log says why',
      );

      const [primary] = readHeaders(path);
      const missing = wantedKeywords.filter((keyword) => primary?.has(keyword) === false);
      t.equal(missing.length, lacking, `keywords that the file does not have: ${missing.join(', ')}`);
      const told = String(logged(agent, /keywords missing/)?.message);
      t.match(told, basename(path));
      for (const keyword of missing)
        t.match(told, new RegExp(`\\b${keyword}\\b`), `the log names ${keyword}`);
    },
  );
}

/** The laboratory was dark: hits, column steps and drifts must not pass for a star. */
function assertNoStar(t: Test, listener: Listener, results: readonly Envelope[]): void {
  const invented = results.filter(({ body }) => body.flagged !== true);
  t.same(
    invented.map(({ body }) => `stamp ${String(body.stamp)}: ${String(body.snr)}`),
    [],
    'no star is found in the dark',
  );
  t.same(
    listener.of('guider.offsets').filter(({ body }) => Number.isFinite(body.x)),
    [],
    'and no offset is made of nothing',
  );
}
