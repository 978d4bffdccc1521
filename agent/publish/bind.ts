// SPDX-License-Identifier: Apache-2.0
// Binds sockets; what is in the way is a refusal that says which and what to do.

import { chmodSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { AgentError, sentenceOf } from '../model/errors.js';
import { heldName } from '../model/ipc.js';

interface Bindable {
  bind(endpoint: string): Promise<void>;
}

/** `ipcMode`: mode of the file of an ipc endpoint. */
export async function bindOrExplain(
  socket: Bindable,
  endpoint: string,
  key: string,
  ipcMode = 0o600,
): Promise<void> {
  const path = endpoint.startsWith('ipc://') ? endpoint.slice('ipc://'.length) : null;
  // ZeroMQ takes the file of a running agent away without asking.
  if (path !== null)
    for (const name of [path, heldName(path)]) if (await isListening(name)) throw busy(endpoint, key, null);
  if (path !== null) rmSync(heldName(path), { force: true });
  // The file must not be open to others for a moment either.
  const umask = path === null ? null : process.umask(0o777 & ~ipcMode);
  try {
    await socket.bind(endpoint.replace(/:0$/, ':*'));
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === 'EADDRINUSE') throw busy(endpoint, key, error);
    throw new AgentError('publish', `${key}: cannot listen on ${endpoint}: ${sentenceOf(error)}`, {
      cause: error,
    });
  } finally {
    if (umask !== null) process.umask(umask);
  }
  if (path !== null) chmodSync(path, ipcMode);
}

function busy(endpoint: string, key: string, cause: unknown): AgentError {
  const todo =
    cause === null ? `give ${key} another path` : `give ${key} another port, or port 0 for a free one`;
  const how = cause === null ? '' : ' (ss -ltnp shows which)';
  return new AgentError(
    'port_busy',
    `${key}: ${endpoint} is in use by another process: stop it${how}, or ${todo}`,
    cause === null ? {} : { cause },
  );
}

function isListening(path: string): Promise<boolean> {
  if (!statSync(path, { throwIfNoEntry: false })?.isSocket()) return Promise.resolve(false);
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('close', () => socket.destroy());
    socket.once('connect', () => socket.destroy());
  });
}
