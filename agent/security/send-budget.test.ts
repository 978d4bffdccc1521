// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { logTo } from '../model/log.js';
import { SendBudget } from './send-budget.js';

function bench({ lingering = false } = {}) {
  const now = { s: 0 };
  const connections = new Map<number, number>();
  const lines: string[] = [];
  const budget = new SendBudget({
    connectionsOf: () => [...connections].flat(),
    cutOff: (_port, id) => lingering || connections.delete(id),
    log: logTo((_level, message) => lines.push(message)),
    nowS: () => now.s,
  });
  budget.add('data', 5570, { bytes: 1000, bytesPerS: 10 });
  return { now, connections, lines, budget };
}

t.test('who sends most is cut off until the others are within the budget', async (t) => {
  const { connections, budget, lines } = bench();
  for (const [id, bytes] of [
    [1, 300],
    [2, 5_000_000],
    [3, 900],
    [4, 400],
  ] as const)
    connections.set(id, bytes);
  budget.tick();
  t.same([...connections.keys()], [1, 4]);
  t.equal(budget.cut, 2);
  t.match(lines, [/cut off: it sent 5\.0 MB/, /sent 0\.0 MB/]);
  budget.tick();
  t.equal(budget.cut, 2);
});

t.test('what a client sends little by little is its own affair', async (t) => {
  const { now, connections, budget } = bench();
  for (; now.s < 10_000; now.s += 100) {
    connections.set(1, now.s * 10);
    connections.set(2, now.s * 10 + 100);
    budget.tick();
  }
  t.same([...connections.keys()], [1, 2]);
  connections.set(2, now.s * 10 + 1100);
  budget.tick();
  t.same([...connections.keys()], [1]);
  connections.set(2, 0);
  budget.tick();
  t.same([...connections.keys()], [1, 2], 'it may come again, and begins anew');
});

t.test(
  'one that was cut off and is still being read is cut off once, and is nothing to the others',
  async (t) => {
    const { connections, budget } = bench({ lingering: true });
    connections.set(1, 5000);
    connections.set(2, 900);
    budget.tick();
    budget.tick();
    t.equal(budget.cut, 1);
    connections.set(2, 1100);
    budget.tick();
    t.equal(budget.cut, 2);
  },
);
