// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { AgeClock } from './age-clock.js';

const second = 1_000_000_000n;
const hour = 3600n * second;
const begin = 1_800_000_000n * second;

function bench(keepHours = 72, newestNs: bigint | null = begin - hour) {
  const now = { tai: begin, monotonic: 50n * hour };
  const clocks = { taiNs: () => now.tai, monotonicNs: () => now.monotonic };
  const go = (ns: bigint, tai = ns) => {
    now.tai += tai;
    now.monotonic += ns;
  };
  return { clock: new AgeClock({ keepHours, newestNs }, clocks), now, go };
}

t.test('files grow old as time goes, also by a clock that is slewed', async (t) => {
  const { clock, now, go } = bench();
  for (let i = 0; i < 1000; i++) {
    go(600n * second, 600n * second + 300_000_000n);
    t.equal(clock.now(), now.tai);
  }
  t.equal(clock.doubt, null);
});

t.test('a clock that is set forward makes nothing older before it has stood for a day', async (t) => {
  const { clock, now, go } = bench();
  go(hour);
  clock.now();
  now.tai += 1000n * hour;
  t.equal(clock.now(), begin + hour);
  t.same(clock.doubt, { aheadS: 3_600_000, heldS: 86_400 });
  go(23n * hour);
  t.equal(clock.now(), begin + 24n * hour, 'time goes on meanwhile');
  go(hour);
  t.equal(clock.now(), now.tai);
  t.equal(clock.doubt, null);
});

t.test('it is set right before: as if nothing had been', async (t) => {
  const { clock, now, go } = bench();
  now.tai += 1000n * hour;
  clock.now();
  go(12n * hour);
  now.tai -= 1000n * hour;
  t.equal(clock.now(), now.tai);
  now.tai += 1000n * hour;
  clock.now();
  t.match(clock.doubt, { heldS: 86_400 }, 'the next time counts from its beginning');
  go(12n * hour);
  now.tai += 1000n * hour;
  clock.now();
  t.match(clock.doubt, { aheadS: 7_200_000, heldS: 86_400 }, 'and so does another step');
});

t.test('a clock that is set back is followed at once', async (t) => {
  const { clock, now } = bench();
  now.tai -= 5n * hour;
  t.equal(clock.now(), now.tai);
  t.equal(clock.doubt, null);
});

t.test('where everything would be too old at the start, the clock is doubted', async (t) => {
  const { clock, now, go } = bench(72, begin - 1000n * hour);
  t.equal(clock.now(), begin - 1000n * hour, 'what is older than the newest by its hours may go');
  t.match(clock.doubt, { aheadS: 3_600_000 });
  go(24n * hour);
  t.equal(clock.now(), now.tai);
  for (const newest of [null, begin - 71n * hour, begin + 50n * hour])
    t.equal(bench(72, newest).clock.doubt, null);
});

t.test('what is kept for less than a day is not held for longer than that', async (t) => {
  const { clock, now, go } = bench(2, begin - 1000n * hour);
  t.equal(clock.now(), begin - 1000n * hour);
  go(2n * hour);
  t.equal(clock.now(), now.tai);
});
