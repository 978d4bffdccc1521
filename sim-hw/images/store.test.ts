// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import type { ImageFaultKind } from './faults.js';
import { ImageStore, type StoredImage } from './store.js';

const stream = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7) % 251));

function image(number: number, fault: ImageFaultKind | null = null, readoutMs = 0): StoredImage {
  return {
    number,
    tag: `a${number}`,
    name: `MC_O_20261102_00000${number}`,
    taiNs: 1_763_781_992_398_000_000n,
    details: { folder: 'raw' },
    sources: [{ location: 216, stream, fault, details: { firmware: '1' } }],
    readoutMs,
    createdMs: performance.now(),
  };
}

async function store(t: Test): Promise<{ store: ImageStore; open: () => Socket }> {
  const made = new ImageStore('abc');
  const address = await made.start({ host: '127.0.0.1', port: 0 });
  t.teardown(() => made.stop());
  return { store: made, open: () => connect(Number(address.split(':')[1]), '127.0.0.1') };
}

async function ask(
  socket: Socket,
  command: Record<string, unknown>,
): Promise<{ head: unknown; rest: Buffer }> {
  socket.write(`${JSON.stringify(command)}\n`);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => undefined);
  await once(socket, 'close');
  const all = Buffer.concat(chunks);
  const end = all.indexOf(10);
  return { head: JSON.parse(all.subarray(0, end).toString()) as unknown, rest: all.subarray(end + 1) };
}

/** The lines of a watcher, as they come. */
async function watch(socket: Socket, command: Record<string, unknown>, lines: number): Promise<unknown[]> {
  socket.write(`${JSON.stringify({ command: 'watch', ...command })}\n`);
  let text = '';
  while (text.split('\n').length <= lines) text += String((await once(socket, 'data'))[0]);
  socket.destroy();
  return text
    .split('\n')
    .slice(0, lines)
    .map((line) => JSON.parse(line) as unknown);
}

t.test('a watcher hears of images, and what it missed when it comes back', async (t) => {
  const { store: made, open } = await store(t);
  const first = watch(open(), {}, 3);
  while (made.watchers === 0) await new Promise((resolve) => setImmediate(resolve));
  made.add(image(1));
  made.complete(image(1));
  t.match(await first, [
    { status: 0, session: 'abc', last: 0 },
    {
      event: 'created',
      number: 1,
      image: 'a1',
      name: 'MC_O_20261102_000001',
      time_tai_ns: '1763781992398000000',
      details: { folder: 'raw' },
      sources: [{ location: 216, bytes: 300_000, firmware: '1' }],
    },
    { event: 'complete', image: 'a1', sources: [{ location: 216, bytes: 300_000 }] },
  ]);
  made.add(image(2));
  t.match(await watch(open(), { session: 'abc', after: 1 }, 2), [{ last: 2 }, { number: 2 }]);
});

t.test('a stream is given from any byte, at the pace of the readout', async (t) => {
  const { store: made, open } = await store(t);
  made.add(image(1, null, 80));
  const whole = await ask(open(), { command: 'fetch', image: 'a1', location: 216, offset: 0 });
  t.match(whole.head, { status: 0, bytes: 300_000 });
  t.ok(whole.rest.equals(stream));
  const rest = await ask(open(), { command: 'fetch', image: 'a1', location: 216, offset: 299_000 });
  t.ok(rest.rest.equals(stream.subarray(299_000)));
  const none = await ask(open(), { command: 'fetch', image: 'a1', location: 3, offset: 0 });
  t.match(none.head, { status: 1, reply: 'INVALID_PARAMETER' });
  t.match((await ask(open(), { command: 'dance' })).head, { reply: 'INVALID_COMMAND' });
});

t.test('faults: a truncated stream stays so, a dropped link goes on', async (t) => {
  const { store: made, open } = await store(t);
  made.add(image(1, 'truncate'));
  const cut = await ask(open(), { command: 'fetch', image: 'a1', location: 216, offset: 0 });
  t.equal(cut.rest.length, 180_000);
  const again = await ask(open(), { command: 'fetch', image: 'a1', location: 216, offset: 180_000 });
  t.match(again.head, { status: 5, reply: 'ENDED' });
  made.add(image(2, 'drop-link', 60));
  const dropped = await ask(open(), { command: 'fetch', image: 'a2', location: 216, offset: 0 });
  t.ok(dropped.rest.length < 300_000, `${dropped.rest.length} bytes`);
  const { rest } = await ask(open(), {
    command: 'fetch',
    image: 'a2',
    location: 216,
    offset: dropped.rest.length,
  });
  t.ok(Buffer.concat([dropped.rest, rest]).equals(stream));
});
