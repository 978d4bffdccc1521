// SPDX-License-Identifier: Apache-2.0
// A peer that sends a message without end is cut off before it costs memory that is missed; the others are served.
import { once } from 'node:events';
import { connect } from 'node:net';
import t from 'tap';
import { Rig } from './rig.js';

const greetingBytes = 64;

/** ZMTP 3.0 by hand: greeting without keys, READY of a DEALER, then parts of one message. */
function hello(): Buffer {
  const greeting = Buffer.alloc(greetingBytes);
  greeting.set([0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3, 0]);
  greeting.write('NULL', 12);
  const ready = Buffer.from('\x05READY\x0bSocket-Type\0\0\0\x06DEALER', 'latin1');
  return Buffer.concat([greeting, Buffer.from([4, ready.length]), ready]);
}

function part(bytes: number): Buffer {
  const frame = Buffer.alloc(9 + bytes);
  frame[0] = 3;
  frame.writeBigUInt64BE(BigInt(bytes), 1);
  return frame;
}

t.test('a message that never ends is cut off', async (t) => {
  const rig = new Rig(t);
  const agent = await rig.agent();
  const client = rig.control(agent.control);
  const cutOff = async () =>
    ((await client.request('stats')) as { connections: { cut_off: number } }).connections.cut_off;
  t.equal(await cutOff(), 0);
  const socket = connect(Number(agent.control.split(':').at(-1)), '127.0.0.1');
  t.teardown(() => socket.destroy());
  socket.on('error', () => {});
  let received = 0;
  const answered = new Promise<void>((resolve) => {
    socket.on('data', (bytes: Buffer) => {
      received += bytes.length;
      if (received > greetingBytes) resolve();
    });
  });
  await once(socket, 'connect');
  // How it is closed, by an end or an error, is the network's affair.
  const after = (event: 'drain' | 'close') =>
    new Promise<void>((resolve) => socket.once(event, () => resolve()));
  const closed = after('close');
  socket.write(hello());
  // What comes before the other side's READY is no message to it, but a wrong handshake.
  await answered;
  // 1000 times 64 KB is twice what an endpoint takes.
  for (let sent = 0; sent < 1000 && !socket.destroyed; sent += 10) {
    if (!socket.write(Buffer.concat(Array.from({ length: 10 }, () => part(60_000)))))
      await Promise.race([after('drain'), closed]);
  }
  await closed;
  t.equal(await cutOff(), 1);
  t.match(await client.request('snapshot'), { summary_state: 'ENABLED' });
});
