// SPDX-License-Identifier: Apache-2.0
import { readdirSync } from 'node:fs';
import t from 'tap';
import { logTo } from '../model/log.js';
import { ConnectionLimit } from './connection-limit.js';

function bench(most = 8, isFatal = false) {
  const doors: string[] = [];
  const open = { data: 0, control: 0 };
  const limit = new ConnectionLimit({
    log: logTo(() => {}),
    most,
    backlog: 10,
  });
  const door = (port: number) => (hold: boolean) => void doors.push(`${port} ${hold ? 'closed' : 'open'}`);
  limit.add('data', door(5570), () => open.data, isFatal);
  limit.add('control', door(5571), () => open.control, isFatal);
  limit.start();
  t.teardown(() => limit.stop());
  const accept = (name: 'data' | 'control') => {
    open[name]++;
    limit.onAccept(name);
  };
  return { limit, doors, open, accept };
}

const openFiles = () => readdirSync('/proc/self/fd').length;

t.test('the door closes at the limit and opens well below it, each endpoint for itself', async (t) => {
  const { limit, doors, open, accept } = bench();
  t.equal(limit.most, 8);
  for (let i = 0; i < 7; i++) accept('data');
  t.same(doors, []);
  accept('data');
  accept('data');
  t.same(doors, ['5570 closed'], 'once');
  limit.tick();
  open.data = 7;
  limit.tick();
  t.same(doors, ['5570 closed'], 'not yet');
  open.data = 6;
  limit.tick();
  limit.tick();
  t.same(doors, ['5570 closed', '5570 open']);
  t.equal(limit.held, 1);
});

t.test('without descriptors every door closes and the reserve lets in what waits already', async (t) => {
  const before = openFiles();
  const { limit, doors } = bench();
  t.equal(openFiles() - before, 20, 'ten for each endpoint');
  limit.onExhausted();
  limit.onExhausted();
  t.same(doors, ['5570 closed', '5571 closed']);
  t.equal(openFiles(), before, 'the reserve is given back');
  limit.tick();
  t.same(doors.slice(2), ['5570 open', '5571 open']);
  t.equal(openFiles() - before, 20, 'and taken again');
  limit.stop();
  t.equal(openFiles(), before);
});

t.test('few descriptors make the limit smaller, never less than four', async (t) => {
  const { limit } = bench(1_000_000_000);
  t.ok(limit.most < 1_000_000_000, `${limit.most} of what this process may open`);
  t.ok(limit.most >= 4);
});

t.test(
  'where want of descriptors ends the process, the reserve is free as soon as the door closes',
  async (t) => {
    const before = openFiles();
    const { limit, accept, doors, open } = bench(8, true);
    t.equal(openFiles() - before, 20);
    for (let i = 0; i < 8; i++) accept('data');
    t.same(doors, ['5570 closed']);
    t.equal(openFiles(), before);
    limit.tick();
    t.equal(openFiles() - before, 20, 'and taken again with the next second');
    t.same(doors, ['5570 closed']);
    open.data = 0;
    limit.tick();
    t.same(doors, ['5570 closed', '5570 open']);
  },
);
