// SPDX-License-Identifier: Apache-2.0
// Scenarios and faults of the real process: what arrives, and what the truth file and the last event say of it.
import t, { type Test } from 'tap';
import { Bench } from './testing/bench.js';
import { type Datagram, damageOf, decode, eventType, packetGaps, reassemble } from './testing/datagram.js';
import type { TruthLine } from './truth.js';

const stamps = 8;
const locations = [3, 4, 39, 40, 183, 184, 219, 220];
// Four datagrams for each stamp, the last one shorter.
const small = ['--rows', '30', '--cols', '30', '--pixel', 'uint16', '--mtu', '576', '--rate', '40'];
const fragmentOffsets = [0, 476, 952, 1428];
const stampBytes = 1800;

interface Run {
  readonly datagrams: readonly Buffer[];
  readonly truth: readonly TruthLine[];
  readonly end: Readonly<Record<string, unknown>>;
}

async function run(t: Test, ...args: readonly string[]): Promise<Run> {
  const bench = new Bench(t);
  const receiver = await bench.receiver();
  const calm = ['--cosmic-rays', '0', '--stamps', String(stamps)];
  const end = await bench.run(receiver, ...small, ...calm, ...args);
  return { datagrams: receiver.datagrams, truth: bench.truth(), end };
}

/** Undamaged datagrams of the stamps of a sensor, as they came. */
function stampsOf(datagrams: readonly Buffer[], location: number): Datagram[] {
  return datagrams
    .filter((datagram) => damageOf(datagram) === null)
    .map(decode)
    .filter((d) => d.eventType === eventType.STAMP && d.location === location);
}

/** Numbers of the stamps of a sensor in the order of their first datagrams. */
function numbersOf(datagrams: readonly Buffer[], location: number): number[] {
  return [...new Set(stampsOf(datagrams, location).map(({ stamp }) => stamp))];
}

function offsetsOf(datagrams: readonly Buffer[], location: number, stamp: number): number[] {
  return stampsOf(datagrams, location)
    .filter((d) => d.stamp === stamp)
    .map(({ fragmentOffset }) => fragmentOffset);
}

/** `sensor/stamp: faults` of the lines that have some. */
function faultsIn(truth: readonly TruthLine[]): string[] {
  return truth
    .filter(({ faults }) => faults.length > 0)
    .map(({ sensor, stamp, faults }) => `${sensor}/${stamp}: ${faults.join(' ')}`);
}

function assertAllHit(t: Test, { truth, end }: Run, stamp: number, fault: string): void {
  t.same(
    truth.filter(({ faults }) => faults.length > 0).map((line) => [line.location, line.stamp, line.faults]),
    locations.map((location) => [location, stamp, [fault]]),
  );
  t.same(end.faults, { [fault]: locations.length });
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

t.test('without faults every stamp arrives once, whole and in order', async (t) => {
  const { datagrams, truth, end } = await run(t);
  t.same(packetGaps(datagrams), []);
  for (const location of locations) {
    t.same(numbersOf(datagrams, location), range(0, stamps - 1));
    for (const stamp of range(0, stamps - 1)) t.same(offsetsOf(datagrams, location, stamp), fragmentOffsets);
  }
  t.equal(truth.length, 8 * stamps);
  t.same(faultsIn(truth), []);
  t.match(end, { stamps: 8 * stamps, bytes: 8 * stamps * stampBytes, faults: {} });
  const taiOf = new Map(
    stampsOf(datagrams, 220).map(({ stamp, timeTaiNs }) => [stamp, timeTaiNs.toString()]),
  );
  for (const line of truth.filter(({ location }) => location === 220)) {
    t.match(line, { sensor: 'R44_SG1', sequence: 1, tai_ns: taiOf.get(line.stamp) });
    t.match(line.obsid, /^MC_O_\d{8}_000001$/);
  }
});

t.test('drop at=3 of one sensor leaves out that stamp, and counts it as sent', async (t) => {
  const { datagrams, truth, end } = await run(t, '--fault', 'drop:at=3,sensor=R00_SG0');
  t.same(numbersOf(datagrams, 3), [0, 1, 2, 4, 5, 6, 7]);
  for (const location of locations.slice(1)) t.same(numbersOf(datagrams, location), range(0, stamps - 1));
  t.equal(packetGaps(datagrams).length, 1, 'its packet number is missing');
  t.same(faultsIn(truth), ['R00_SG0/3: drop']);
  t.match(end, { stamps: 8 * stamps, faults: { drop: 1 }, sensors: { R00_SG0: { sent: stamps } } });
  const [pause] = reassemble(datagrams).filter(
    ({ header }) => header.eventType === eventType.PAUSE && header.location === 3,
  );
  t.equal(pause?.payload.readBigUInt64LE(0), BigInt(stamps));
});

t.test('duplicate sends a stamp twice, bit by bit', async (t) => {
  const result = await run(t, '--fault', 'duplicate:at=2');
  assertAllHit(t, result, 2, 'duplicate');
  for (const location of locations) {
    for (const stamp of range(0, stamps - 1)) {
      const offsets = offsetsOf(result.datagrams, location, stamp);
      t.same(offsets, stamp === 2 ? [...fragmentOffsets, ...fragmentOffsets] : fragmentOffsets);
    }
    const copies = stampsOf(result.datagrams, location).filter(({ stamp }) => stamp === 2);
    const bytes = (from: number) => Buffer.concat(copies.slice(from, from + 4).map((d) => d.payload));
    t.equal(Buffer.compare(bytes(0), bytes(4)), 0);
  }
  t.same(packetGaps(result.datagrams), [], 'the network did not do it: each has its packet number');
});

t.test('reorder lets a stamp leave after the next one, the last one before PAUSE', async (t) => {
  const { datagrams, truth } = await run(t, '--fault', 'reorder:at=4', '--fault', 'reorder:at=7');
  for (const location of locations) {
    t.same(numbersOf(datagrams, location), [0, 1, 2, 3, 5, 4, 6, 7]);
    const types = datagrams.map(decode).filter((d) => d.location === location);
    t.same(
      types.slice(-3).map((d) => [d.eventType, d.stamp]),
      [
        [eventType.STAMP, 7],
        [eventType.PAUSE, stamps],
        [eventType.STOP, stamps],
      ],
    );
  }
  t.equal(faultsIn(truth).length, 16);
});

t.test('faults of unit packet hit one datagram of a stamp', async (t) => {
  const lost = await run(t, '--fault', 'drop:at=1,unit=packet');
  const twice = await run(t, '--fault', 'duplicate:at=1,unit=packet');
  const mixed = await run(t, '--fault', 'reorder:at=1,unit=packet');
  assertAllHit(t, lost, 1, 'drop_packet');
  assertAllHit(t, twice, 1, 'duplicate_packet');
  assertAllHit(t, mixed, 1, 'reorder_packet');
  const sorted = (offsets: readonly number[]) => [...offsets].sort((a, b) => a - b);
  let disordered = 0;
  for (const location of locations) {
    const left = offsetsOf(lost.datagrams, location, 1);
    t.equal(left.length, 3);
    const copies = offsetsOf(twice.datagrams, location, 1);
    t.same([copies.length, sorted([...new Set(copies)])], [5, fragmentOffsets]);
    const shuffled = offsetsOf(mixed.datagrams, location, 1);
    t.same(sorted(shuffled), fragmentOffsets);
    if (shuffled.join() !== fragmentOffsets.join()) disordered++;
    t.same(offsetsOf(lost.datagrams, location, 2), fragmentOffsets, 'its successor is whole');
  }
  t.ok(disordered > 0, `${disordered} of 8 stamps arrived out of order`);
});

t.test('truncate and corrupt damage one datagram of a stamp, and a reader can tell', async (t) => {
  const cases = [
    { fault: 'truncate', at: 5, damages: ['short header', 'length'] },
    { fault: 'corrupt', at: 6, damages: ['header checksum', 'payload checksum'] },
  ];
  for (const { fault, at, damages } of cases) {
    const result = await run(t, '--fault', `${fault}:at=${at}`);
    assertAllHit(t, result, at, `${fault}_packet`);
    const damaged = result.datagrams.map(damageOf).filter((damage) => damage !== null);
    t.equal(damaged.length, locations.length, fault);
    t.same(
      damaged.filter((damage) => !damages.includes(damage)),
      [],
    );
    for (const location of locations) {
      for (const stamp of range(0, stamps - 1))
        t.equal(offsetsOf(result.datagrams, location, stamp).length, stamp === at ? 3 : 4);
    }
  }
});

t.test('faults by probability follow from the seed and leave the sky alone', async (t) => {
  const faults = ['--fault', 'drop:p=0.2', '--fault', 'corrupt:p=0.2', '--seed', '11'];
  const [first, again, other] = [
    await run(t, ...faults),
    await run(t, ...faults),
    await run(t, ...faults.slice(0, 4), '--seed', '12'),
  ];
  const calm = await run(t, '--seed', '11');
  t.ok(faultsIn(first.truth).length > 5);
  t.same(faultsIn(again.truth), faultsIn(first.truth));
  t.notSame(faultsIn(other.truth), faultsIn(first.truth));
  const places = (truth: readonly TruthLine[]) => truth.map(({ x, y }) => [x, y]);
  t.same(places(first.truth), places(calm.truth));
});

t.test('stamps numbered from 1 say so', async (t) => {
  const { datagrams, truth } = await run(t, '--one-based', '--fault', 'drop:at=1,sensor=R44_SG1');
  t.same(numbersOf(datagrams, 3), range(1, stamps));
  t.same(numbersOf(datagrams, 220), range(2, stamps));
  t.same(faultsIn(truth), ['R44_SG1/1: drop']);
  t.ok(datagrams.map(decode).every(({ flags }) => flags === 5));
});

t.test('a scenario is START {RESUME, STAMP..., PAUSE} STOP for each series; sequence wraps', async (t) => {
  const plan = ['--series', '2', '--exposures', '2', '--gap-ms', '0', '--first-sequence', '65535'];
  const { datagrams, truth } = await run(t, ...plan, '--stamps', '2');
  const life = reassemble(datagrams).filter(({ header }) => header.location === 3);
  const { STAMP, START, RESUME, PAUSE, STOP } = eventType;
  const series = [START, RESUME, STAMP, STAMP, PAUSE, RESUME, STAMP, STAMP, PAUSE, STOP];
  t.same(
    life.map(({ header }) => [header.sequence, header.eventType]),
    [65_535, 0].flatMap((sequence) => series.map((type) => [sequence, type])),
  );
  t.same(numbersOf(datagrams, 3), range(0, 3));
  const obsids = [...new Set(truth.map(({ obsid }) => obsid.slice(-6)))];
  t.same(obsids, ['000001', '000002', '000003', '000004']);
});
