// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { Child } from '../../scripts/processes/child.js';
import { Random } from '../random.js';
import { damage, FaultPlan, parseSerialFault, type SerialFault } from './faults.js';
import { parseSerialOptions } from './options.js';
import { players } from './players.js';

const deadlineMs = 30_000;

t.test('the command line: devices, numbers, faults; everything wrong is told at once', async (t) => {
  t.match(parseSerialOptions(['csat3b=/tmp/a', '--speed', '10', '--fault', 'unplug:at=3+9,seconds=2']), {
    devices: [{ name: 'csat3b', path: '/tmp/a' }],
    speed: 10,
    seconds: null,
    faults: [{ kind: 'unplug', at: [3, 9], seconds: 2, device: null, p: 0 }],
  });
  t.equal(parseSerialOptions(['--help']), null);
  const wrong = ['thermometer=/tmp/b', '--speed', 'fast', '--fault', 'gremlin:p=1', '--fault', 'noise:q=1'];
  for (const told of [/thermometer/, /--speed/, /gremlin/, /"q"/])
    t.throws(() => parseSerialOptions(wrong), told);
  t.throws(() => parseSerialOptions([]), /expected DEVICE=PATH/);
  t.throws(() => parseSerialOptions(['csat3b=/tmp/a', 'nmea-zda=/tmp/a']), /each PATH once/);
  t.throws(() => parseSerialOptions(['csat3b=/tmp/a', '--loud']), /--loud/);
});

t.test('a fault changes a line, and never two in a row', async (t) => {
  const noise = parseSerialFault('noise:p=1', []) as SerialFault;
  const plan = new FaultPlan([noise], new Random(1, 'x'));
  t.same(
    [0, 1, 2, 3, 4].map((n) => plan.next(n, 0)?.kind ?? ''),
    ['', 'noise', '', 'noise', ''],
  );
  const random = new Random(2, 'y');
  for (const [name, player] of Object.entries(players)) {
    for (let n = 0; n < 200; n++) {
      const line = player.say({ n, random, utcMs: 1_800_000_000_000 + n });
      for (const kind of ['noise', 'half', 'checksum'] as const) {
        if (kind === 'checksum' && line.checked === 0) continue;
        const { parts } = damage(kind, line, random);
        if (parts.join('') === line.parts.join('')) t.fail(`${name}: ${kind} left the line as it was`);
      }
    }
  }
});

t.test('the same seed says the same lines', async (t) => {
  for (const player of Object.values(players)) {
    const say = () => {
      const random = new Random(7, 'lines');
      return [0, 1, 2].map((n) => player.say({ n, random, utcMs: 0 }).parts.join(''));
    };
    t.same(say(), say());
    t.equal(new Set(say()).size, player === players['nmea-zda'] ? 1 : 3);
  }
});

t.test('a path comes and goes with its device; what is no link stays', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'sim-serial-test-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, 'wind');
  const start = () => {
    const child = new Child({
      name: 'sim-serial',
      script: 'dist/sim-hw/serial/main.js',
      args: [`gill-windsonic=${path}`],
    });
    t.teardown(() => child.stop(2000));
    return child;
  };
  const child = start();
  await child.event('ready', (event) => event.event === 'ready', deadlineMs);
  t.ok(existsSync(path));
  t.equal(await child.stop(5000), 0);
  t.notOk(existsSync(path));
  writeFileSync(path, 'mine');
  t.equal(await start().exited, 2);
  t.equal(readFileSync(path, 'utf8'), 'mine');
});
