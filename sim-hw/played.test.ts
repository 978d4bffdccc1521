// SPDX-License-Identifier: Apache-2.0
// Scenario files on the real process: what arrives, and what the truth file says of it.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { stringify } from 'yaml';
import { Bench } from './testing/bench.js';
import { eventType, type Message, reassemble } from './testing/datagram.js';
import { median, readInt32 } from './testing/pixels.js';
import type { TruthLine } from './truth.js';

const { STAMP, START, RESUME, PAUSE, STOP } = eventType;
const quiet = { rate: 40, rows: 40, cols: 40, 'cosmic-rays': 0, 'hot-pixels': 0, stamps: 6, 'gap-ms': 0 };

interface Played {
  /** in the order in which they left */
  readonly messages: readonly Message[];
  readonly truth: readonly TruthLine[];
  readonly end: Readonly<Record<string, unknown>>;
}

async function play(t: Test, scenario: Readonly<Record<string, unknown>>): Promise<Played> {
  const bench = new Bench(t);
  const path = join(bench.directory, 'scenario.yaml');
  writeFileSync(path, stringify({ ...quiet, ...scenario }));
  const receiver = await bench.receiver();
  const end = await bench.run(receiver, '--scenario', path);
  return { messages: reassemble(receiver.datagrams), truth: bench.truth(), end };
}

/** `event stamp` of a sensor's messages, in order; stamps as their number alone. */
function lifeOf({ messages }: Played, location: number): string[] {
  const names = new Map<number, string>([
    [START, 'START'],
    [RESUME, 'RESUME'],
    [PAUSE, 'PAUSE'],
    [STOP, 'STOP'],
  ]);
  return messages
    .filter(({ header }) => header.location === location)
    .map(({ header }) =>
      header.eventType === STAMP ? String(header.stamp) : `${names.get(header.eventType)} ${header.stamp}`,
    );
}

t.test('a plan is played as it stands: sequences, exposures, names, places', async (t) => {
  const played = await play(t, {
    plan: [
      {
        sequence: 65_535,
        exposures: [
          { stamps: 2, obsid: 'first' },
          { stamps: 1, obsid: 'second' },
        ],
      },
      { sensors: ['R44_SG1'], rows: 20, cols: 30, stamps: 1, ends: 'pause' },
      { ends: 'running', stamps: 1, repeat: 2, sensors: 'R44_SG1' },
    ],
  });
  t.same(lifeOf(played, 3), [
    'START 0',
    'RESUME 0',
    '0',
    '1',
    'PAUSE 2',
    'RESUME 2',
    '2',
    'PAUSE 3',
    'STOP 3',
  ]);
  const later = played.messages.filter(({ header }) => header.location === 220 && header.sequence < 9);
  const one = [START, RESUME, STAMP, PAUSE];
  t.same(
    later.map(({ header }) => [header.sequence, header.eventType]),
    [
      ...one.map((type) => [0, type]),
      ...one.map((type) => [1, type]),
      ...[...one, STOP].map((type) => [2, type]),
    ],
  );
  t.match(later[0]?.header, { rows: 20, cols: 30 });
  t.same([...new Set(played.truth.map(({ obsid }) => obsid))].slice(0, 2), ['first', 'second']);
});

t.test('messages about a series are lost or doubled as the file says', async (t) => {
  const played = await play(t, {
    stamps: 1,
    plan: [{ exposures: 2 }],
    events: [
      { event: 'START', fate: 'lost', sensors: 'R00_SG0' },
      { event: 'PAUSE', fate: 'lost', exposure: 1 },
      { event: 'RESUME', fate: 'lost', exposure: 2, sensors: 'R00_SG1' },
      { event: 'STOP', fate: 'bdi-error', sensors: 'R00_SG1' },
    ],
  });
  t.same(lifeOf(played, 3), ['RESUME 0', '0', 'RESUME 1', '1', 'PAUSE 2', 'STOP 2']);
  t.same(lifeOf(played, 4), ['START 0', 'RESUME 0', '0', '1', 'PAUSE 2', 'STOP 2']);
  const stop = played.messages.find(({ header }) => header.location === 4 && header.eventType === STOP);
  t.equal(stop?.header.eventStatus, 1);
});

t.test('sensors start late, die, and come back under the number of the others', async (t) => {
  const played = await play(t, {
    happenings: [
      { what: 'late-start', sensors: 'R00_SG0', stamps: 3 },
      { what: 'late-start', sensors: 'R00_SG1', stamps: 2, start: 'never' },
      { what: 'dead', sensors: 'R04_SG0', from: 1, stamps: 2 },
      { what: 'dead', sensors: 'R04_SG1', from: 4 },
    ],
  });
  t.same(lifeOf(played, 3), ['START 0', 'RESUME 3', '3', '4', '5', 'PAUSE 6', 'STOP 6']);
  t.same(lifeOf(played, 4), ['RESUME 2', '2', '3', '4', '5', 'PAUSE 6', 'STOP 6']);
  t.same(lifeOf(played, 39), ['START 0', 'RESUME 0', '0', '3', '4', '5', 'PAUSE 6', 'STOP 6']);
  t.same(lifeOf(played, 40), ['START 0', 'RESUME 0', '0', '1', '2', '3', 'PAUSE 6', 'STOP 6']);
  const dead = played.truth.filter(({ nuisances }) => nuisances.includes('dead'));
  t.same(
    dead.map(({ sensor, stamp }) => `${sensor} ${stamp}`),
    ['R04_SG0 1', 'R04_SG0 2', 'R04_SG1 4', 'R04_SG1 5'],
  );
  t.match(played.end, { stamps: 48 });
});

t.test('numbers of stamps wrap, and the DAQ tells all it has sent', async (t) => {
  const played = await play(t, { stamps: 3, plan: [{ 'first-stamp': 65_534 }] });
  t.same(lifeOf(played, 3), ['START 0', 'RESUME 65534', '65534', '65535', '0', 'PAUSE 1', 'STOP 1']);
  const pause = played.messages.find(({ header }) => header.eventType === PAUSE);
  t.equal(pause?.payload.readBigUInt64LE(0), 65_537n);
  t.match(played.end, { sensors: { R00_SG0: { sent: 65_537 } } });
});

t.test('a restart is another session with numbers from the beginning, without PAUSE and STOP', async (t) => {
  const played = await play(t, {
    stamps: 2,
    sensors: {},
    plan: [
      { ends: 'running', exposures: 2, sensors: 'R00_SG0' },
      { restart: { 'down-ms': 20 }, sensors: 'R00_SG0' },
    ],
  });
  const first = ['START 0', 'RESUME 0', '0', '1', 'PAUSE 2', 'RESUME 2', '2', '3'];
  t.same(lifeOf(played, 3), [...first, 'START 0', 'RESUME 0', '0', '1', 'PAUSE 2', 'STOP 2']);
  const sessions = played.messages
    .filter(({ header }) => header.location === 3)
    .map(({ header }) => header.session);
  t.equal(new Set(sessions.slice(0, 8)).size, 1);
  t.equal(new Set(sessions).size, 2);
  t.match(played.end, { sensors: { R00_SG0: { sent: 6 } } });
});

t.test('clouds take light, seeing widens, a frozen sensor repeats itself: the truth says so', async (t) => {
  const { messages, truth } = await play(t, {
    snr: 300,
    happenings: [
      { what: 'clouds', sensors: 'R00_SG0', from: 2, transparency: 0.25 },
      { what: 'seeing', sensors: 'R00_SG1', from: 2, fwhm: 8 },
      { what: 'frozen', sensors: 'R04_SG0', from: 3 },
    ],
  });
  const line = (sensor: string, stamp: number) =>
    truth.find((one) => one.sensor === sensor && one.stamp === stamp);
  const pixels = (location: number, stamp: number) => {
    const found = messages.find(
      ({ header }) => header.eventType === STAMP && header.location === location && header.stamp === stamp,
    );
    return found === undefined ? [] : readInt32(40, 40, found.payload).pixels;
  };
  const peak = (location: number, stamp: number): number => {
    const all = pixels(location, stamp);
    return Math.max(...all) - median(all);
  };
  const clear = line('R00_SG0', 1);
  const dimmed = line('R00_SG0', 2);
  t.equal(dimmed?.flux_e, 0.25 * (clear?.flux_e ?? Number.NaN));
  t.same(dimmed?.nuisances, ['clouds']);
  t.ok(peak(3, 2) / peak(3, 1) < 0.35, 'a quarter of the light');
  t.match([line('R00_SG1', 1)?.fwhm_px, line('R00_SG1', 2)?.fwhm_px], [4, 8]);
  t.ok(peak(4, 2) / peak(4, 1) < 0.45, 'the same light on four times the area');
  t.same(pixels(39, 4), pixels(39, 2));
  t.notSame(pixels(39, 2), pixels(39, 1));
  t.match([line('R04_SG0', 5)?.x, line('R04_SG0', 5)?.nuisances], [line('R04_SG0', 2)?.x, ['frozen']]);
});

t.test('streaks, tracks and other stars are where the file puts them; a split ROI has a step', async (t) => {
  const { messages, truth } = await play(t, {
    snr: 100,
    sensors: { R00_SG0: { at: [20, 20], snr: 200 } },
    jitter: 0,
    drift: 0,
    rotation: 0,
    happenings: [
      { what: 'satellite', sensors: 'R00_SG0', from: 1, 'offset-px': [0, 10], 'angle-deg': 0 },
      {
        what: 'cosmic-ray',
        sensors: 'R00_SG0',
        from: 2,
        'offset-px': [-10, -10],
        'length-px': 2,
        electrons: 90_000,
      },
      { what: 'star', sensors: 'R00_SG0', from: 3, 'offset-px': [12, 0], ratio: 2 },
      { what: 'split-roi', sensors: 'R44_SG1', column: 30, 'step-adu': 500 },
    ],
  });
  const image = (location: number, stamp: number) => {
    const found = messages.find(
      ({ header }) => header.eventType === STAMP && header.location === location && header.stamp === stamp,
    );
    const all = found === undefined ? [] : readInt32(40, 40, found.payload).pixels;
    const level = median(all);
    return (x: number, y: number) => (all[40 * y + x] ?? Number.NaN) - level;
  };
  t.same(
    [truth[0]?.x, truth[0]?.y, truth[0]?.snr].map((one) => Math.round((one ?? 0) * 1e6) / 1e6),
    [20, 20, 200],
  );
  const streak = image(3, 1);
  t.ok(
    [5, 20, 35].every((x) => streak(x, 30) > 150),
    'the satellite crosses the whole ROI',
  );
  t.ok(image(3, 0)(5, 30) < 100, 'and only once');
  t.ok(Math.max(image(3, 2)(10, 10), image(3, 2)(9, 10), image(3, 2)(11, 10)) > 10_000, 'the ray');
  const pair = image(3, 3);
  t.ok(Math.abs(pair(32, 20) / pair(20, 20) - 2) < 0.3, 'the other star has twice the light');
  const split = image(220, 0);
  const mean = (x: number) => [2, 3, 4, 5, 6].reduce((sum, y) => sum + split(x, y) / 5, 0);
  t.ok(mean(36) - mean(15) > 400, 'the other amplifier stands higher');
  const start = messages.find(({ header }) => header.location === 220 && header.eventType === START);
  t.same([(start?.header.flags ?? 0) & 2, start?.payload[85]], [2, 1], 'and is announced');
});

t.test('speed shortens the DAQ and leaves the sky', async (t) => {
  const slow = await play(t, { drift: 2, jitter: 0, stamps: 5 });
  const fast = await play(t, { drift: 2, jitter: 0, stamps: 5, speed: 5 });
  const places = ({ truth }: Played) => truth.map(({ x, y }) => [x, y]);
  t.same(places(fast), places(slow));
  const spanMs = ({ truth }: Played) =>
    Number(BigInt(truth.at(-1)?.tai_ns ?? 0) - BigInt(truth[0]?.tai_ns ?? 0)) / 1e6;
  t.ok(spanMs(fast) < spanMs(slow) && spanMs(slow) > 90, `${spanMs(fast)} ms instead of ${spanMs(slow)} ms`);
});
