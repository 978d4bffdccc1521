// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { logTo } from './log.js';
import { LogGate } from './log-gate.js';

function bench() {
  const time = { ms: 0 };
  const console: string[] = [];
  const subscribers: string[] = [];
  const gate = new LogGate({
    console: logTo((level, message, fields) => {
      const repeated = fields.repeated === undefined ? '' : ` x${String(fields.repeated)}`;
      console.push(`${level} ${message}${repeated}`);
    }),
    subscribers: (level, message) => subscribers.push(`${level} ${message}`),
    nowMs: () => time.ms,
  });
  return { gate, time, console, subscribers };
}

t.test('the level decides what the console shows; subscribers get all from info on', async (t) => {
  const { gate, console, subscribers } = bench();
  const all = () => {
    gate.log.debug('d');
    gate.log.info('i');
    gate.log.warning('w');
    gate.log.error('e');
  };
  all();
  t.same(console.splice(0), ['info i', 'warning w', 'error e']);
  gate.level = 'error';
  all();
  t.same(console.splice(0), ['error e']);
  t.same(subscribers.splice(0), ['info i', 'warning w', 'error e', 'info i', 'warning w', 'error e']);
  gate.level = 'debug';
  gate.log.debug('more');
  t.same([console, subscribers], [['debug more'], ['debug more']]);
});

t.test(
  'what repeats is told five times, then once with a count; other lines are not held back',
  async (t) => {
    const { gate, time, console } = bench();
    for (let i = 0; i < 100; i++) gate.log.warning(`peer ${i} was turned away`);
    gate.log.error('something else');
    t.equal(console.length, 6);
    gate.flush();
    t.equal(console.length, 6, 'the window is not over');
    time.ms += 10_000;
    gate.flush();
    t.equal(
      console.at(-1),
      'warning peer 99 was turned away x95',
      'the last of them and how many were held back',
    );
    gate.log.warning('peer 5 was turned away');
    t.equal(console.at(-1), 'warning peer 5 was turned away', 'and a new window begins');
  },
);

t.test('at the end everything held back is told, and memory is bounded', async (t) => {
  const { gate, console } = bench();
  for (let i = 0; i < 7; i++) gate.log.info('again');
  gate.flush(true);
  t.equal(console.at(-1), 'info again x2');
  const letters = [...'abcdefghij'];
  for (const a of letters) for (const b of letters) for (const c of letters) gate.log.info(`${a}${b}${c}`);
  t.equal(console.length, 6 + 1000);
});

t.test('refused commands are one kind, whatever their senders wrote', async (t) => {
  const { gate, time, console } = bench();
  for (const verb of ['abc', 'bcd', 'cde', 'def', 'efg', 'fgh', 'ghi', 'hij']) {
    gate.log.warning(`command refused: got ${verb}`, { event: 'command', code: 'command', verb });
  }
  t.equal(console.length, 5);
  time.ms += 10_000;
  gate.flush();
  t.equal(console.at(-1), 'warning command refused: got hij x3');
});
