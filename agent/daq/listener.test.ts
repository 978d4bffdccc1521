// SPDX-License-Identifier: Apache-2.0
// The kernel holds connections off a listening socket of this process, and those who try get in when it lets them.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import t from 'tap';
import { loadNative } from './native.js';

t.test('a held port takes nobody, keeps who is there, and takes those who waited', async (t) => {
  const { holdConnections } = loadNative();
  const accepted: Socket[] = [];
  const server = createServer((socket) => accepted.push(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const sockets: Socket[] = [];
  t.teardown(() => {
    for (const socket of [...sockets, ...accepted]) socket.destroy();
    server.close();
  });
  const dial = () => {
    const socket = connect({ port, host: '127.0.0.1' });
    sockets.push(socket);
    return socket;
  };
  const first = dial();
  await once(first, 'connect');
  while (accepted.length === 0) await once(server, 'connection');
  t.equal(holdConnections(port, true), 1);
  const second = dial();
  let connected = false;
  second.once('connect', () => {
    connected = true;
  });
  // The first still talks, both ways: meanwhile the second would long have been connected.
  for (let i = 0; i < 20; i++) {
    first.write('x');
    await once(accepted[0] as Socket, 'data');
  }
  t.equal(connected, false);
  t.equal(holdConnections(port, false), 1);
  await once(second, 'connect');
  t.pass('the kernel repeated the attempt');
  t.equal(holdConnections(1, true), 0, 'nobody listens there');
  t.throws(() => Reflect.apply(holdConnections, null, ['x']), TypeError);
});
