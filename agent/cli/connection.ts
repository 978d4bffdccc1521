// SPDX-License-Identifier: Apache-2.0
// How a command reaches a running agent: addresses and keys, from options or from a profile.

import { readFileSync, statSync } from 'node:fs';
import { Context, Subscriber } from 'zeromq';
import { readKeyPair, readPublicKeys } from '../config/key-files.js';
import { loadProfile } from '../config/load.js';
import { defaults } from '../config/profile.js';
import { AgentError, sentenceOf } from '../model/errors.js';
import { isKey } from '../model/keys.js';
import type { OptionSpec, Options } from './options.js';

/** zeromq's options of a client that proves who it is. */
export interface ClientKeys {
  readonly curveServerKey: string;
  readonly curvePublicKey: string;
  readonly curveSecretKey: string;
}

export interface Connection {
  readonly data: string;
  readonly control: string;
  readonly keys: ClientKeys | Record<string, never>;
}

const whoOptions = {
  profile: { type: 'string' },
  key: { type: 'string' },
  'server-key': { type: 'string' },
} as const satisfies Readonly<Record<string, OptionSpec>>;

/** Of commands that listen. */
export const dataOptions = { ...whoOptions, connect: { type: 'string' } } as const;

/** Of commands that ask. */
export const controlOptions = { ...whoOptions, control: { type: 'string' } } as const;

function helpWith(address: string): string {
  return `  --profile FILE      takes the address and the agent's public key from its profile
${address}
  --key FILE          your key file, where the agent asks for keys ("summit-agent keys new")
  --server-key KEY    the agent's public key, or the .pub file that holds it
`;
}

export const dataHelp = helpWith(`  --connect ADDRESS   data endpoint (default ${defaults.data})`);
export const controlHelp = helpWith(`  --control ADDRESS   control endpoint (default ${defaults.control})`);

export function connectionOf(options: Options): Connection {
  const text = (name: string) => (typeof options[name] === 'string' ? options[name] : undefined);
  const path = text('profile');
  const profile = path === undefined ? null : loadProfile(path);
  const data = text('connect') ?? profile?.publish.data ?? defaults.data;
  const control = text('control') ?? profile?.publish.control ?? defaults.control;
  const key = text('key');
  const serverKey = text('server-key');
  const server = serverKey === undefined ? profile?.security?.server.publicKey : serverKeyOf(serverKey);
  if (key === undefined && server === undefined) return { data, control, keys: {} };
  if (key === undefined || server === undefined) {
    const message =
      key === undefined
        ? 'expected --key with your key file: the agent takes listed clients only'
        : 'expected --server-key with the public key of the agent (or --profile)';
    throw new AgentError('usage', message);
  }
  const own = readKeyPair(key);
  return {
    data,
    control,
    keys: { curveServerKey: server, curvePublicKey: own.publicKey, curveSecretKey: own.secretKey },
  };
}

function serverKeyOf(given: string): string {
  if (isKey(given)) return given;
  if (!statSync(given, { throwIfNoEntry: false })?.isFile()) {
    throw new AgentError(
      'usage',
      `--server-key: expected a key of 40 characters or a .pub file, got ${given}`,
    );
  }
  const [first] = readPublicKeys(given);
  if (first?.role === 'server') return first.key;
  throw new AgentError(
    'usage',
    `--server-key: expected a line "server KEY NAME" in ${given}, got ${first ? `a key for ${first.role}` : 'none'}`,
  );
}

/** A machine that is off is noticed after 6 s. */
const keepalive = {
  tcpKeepalive: 1,
  tcpKeepaliveIdle: 2,
  tcpKeepaliveInterval: 2,
  tcpKeepaliveCount: 2,
} as const;

/** A subscriber to some topics, or to all; refuses an address that is none. `watch` gets it before it connects. */
export function subscribe(
  { data: address, keys }: Connection,
  topics: readonly string[],
  watch: (socket: Subscriber) => void = () => {},
): Subscriber {
  const context = new Context({ blocky: false });
  const socket = new Subscriber({ context, linger: 0, ...keepalive, ...keys });
  watch(socket);
  try {
    socket.connect(address);
  } catch (error) {
    socket.close();
    throw notAnAddress('--connect', address, 'tcp://127.0.0.1:5570', error);
  }
  for (const topic of topics.length === 0 ? [''] : topics) socket.subscribe(topic);
  return socket;
}

export function notAnAddress(option: string, got: string, example: string, cause: unknown): AgentError {
  return new AgentError('usage', `${option}: expected an address such as ${example}, got ${got}`, { cause });
}

/** A file's text, for commands that take one. */
export function readFileOrRefuse(path: string, what: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new AgentError('usage', `expected a readable ${what}, got ${sentenceOf(error)}`, { cause: error });
  }
}
