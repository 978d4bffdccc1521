// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import type { Server } from 'node:net';
import type { Endpoint } from './options.js';

/** Resolves to where the server listens; rejects with a sentence that names the option when the port is taken. */
export async function listenAt(
  server: Server,
  at: Endpoint,
  what: string,
  option: string,
): Promise<Endpoint> {
  const listening = once(server, 'listening');
  server.listen({ host: at.host, port: at.port });
  try {
    await listening;
  } catch (error) {
    const busy = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
    const why = busy ? `is in use: another sim-daq? Choose another with ${option}` : String(error);
    throw new Error(`${what} ${at.host}:${at.port} ${why}`);
  }
  const address = server.address();
  return typeof address === 'object' && address !== null ? { host: address.address, port: address.port } : at;
}
