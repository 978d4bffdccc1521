// SPDX-License-Identifier: Apache-2.0
// Ports that are free on loopback at this moment, for processes that take a number and not an open socket.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

export async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}

/** `wanted` if it is free, else any free port. */
export async function freeTcpPort(wanted = 0): Promise<number> {
  const server = createServer();
  const listening = once(server, 'listening');
  server.listen({ port: wanted, host: '127.0.0.1' });
  try {
    await listening;
  } catch (error) {
    if (wanted !== 0) return freeTcpPort();
    throw error;
  }
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : wanted;
}
