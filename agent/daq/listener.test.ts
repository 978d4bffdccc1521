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

t.test('a connection is known by what came through it, and can be cut off; the others stay', async (t) => {
  const { connectionsOf, cutOff } = loadNative();
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const dial = async () => {
    const accepted = once(server, 'connection');
    const socket = connect({ port, host: '127.0.0.1' });
    const [far] = (await accepted) as [Socket];
    far.on('error', () => {});
    socket.on('error', () => {});
    t.teardown(() => {
      socket.destroy();
      far.destroy();
    });
    return { socket, far };
  };
  t.teardown(() => server.close());
  t.same(connectionsOf(port), []);
  const loud = await dial();
  const quiet = await dial();
  loud.socket.write(Buffer.alloc(5000));
  quiet.socket.write('x');
  let came = 0;
  while (came < 5000) came += ((await once(loud.far, 'data')) as [Buffer])[0].length;
  await once(quiet.far, 'data');
  const [a = 0, bytesA, b = 0, bytesB] = connectionsOf(port);
  t.same([bytesA, bytesB].sort(), [1, 5000]);
  const id = bytesA === 1 ? a : b;
  const ended = once(quiet.socket, 'close');
  quiet.socket.resume();
  t.equal(cutOff(port, id), true);
  await ended;
  t.equal(loud.socket.destroyed, false);
  t.equal(cutOff(port, 1), false, 'no such connection');
  t.throws(() => Reflect.apply(connectionsOf, null, []), TypeError);
  t.throws(() => Reflect.apply(cutOff, null, [port]), TypeError);
});
