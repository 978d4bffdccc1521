// SPDX-License-Identifier: Apache-2.0
// summit-agent keys

import { chmodSync, closeSync, existsSync, openSync, readdirSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { curveKeyPair } from 'zeromq';
import { makeFolders } from '../butler/durable.js';
import { readKeyPair, readPublicKeys } from '../config/key-files.js';
import { AgentError, sentenceOf } from '../model/errors.js';
import { isKeyRole, type KeyPair, type KeyRole, publicLine } from '../model/keys.js';
import type { Command } from './command.js';
import { listOf, words } from './options.js';

export const keys: Command = {
  summary: 'makes and lists the keys with which clients reach an agent over the network',
  help: `usage: summit-agent keys new NAME --role server|command|observe [--dir DIR]
       summit-agent keys list [FILE|DIR]...

An agent that listens on the network has a key of its own and a list of the clients it takes. Clients of role observe
may subscribe and ask (snapshot, stats, status on publish.query); role command may command as well.

new    writes DIR/NAME.key (both halves, mode 0600: never copy it to another machine than its owner's) and DIR/NAME.pub
       (one line "ROLE PUBLIC-KEY NAME"), and prints that line. An existing file is not overwritten.
list   shows role, name and public key of .key and .pub files and of lists of clients, and what is wrong with them.

  --role ROLE   server, command or observe
  --dir DIR     where files are written (default: here)

example, once per machine:
  summit-agent keys new guider --role server --dir /etc/summit-agent/keys
  summit-agent keys new console --role command                # on the console; send console.pub to the agent's machine
  cat console.pub >> /etc/summit-agent/keys/clients
  profile:  security: { serverKey: keys/guider.key, clients: keys/clients }
  summit-agent status --control tcp://HOST:5571 --key console.key --server-key guider.pub
`,
  options: { role: { type: 'string' }, dir: { type: 'string' }, [words]: { type: 'string' } },
  async run(options, { stdout }) {
    const [action, ...rest] = listOf(options, words);
    if (action === 'new') {
      const [name, ...more] = rest;
      if (name === undefined || more.length > 0) throw usage('expected one NAME after new');
      stdout.write(makeKey(name, roleOf(options.role), typeof options.dir === 'string' ? options.dir : '.'));
      return 0;
    }
    if (action === 'list') {
      const lines = (rest.length === 0 ? ['.'] : rest).flatMap(filesOf).map(describe);
      if (lines.length === 0)
        lines.push({ text: 'no keys here: summit-agent keys new NAME --role ROLE', good: true });
      stdout.write(lines.map(({ text }) => `${text}\n`).join(''));
      return lines.every(({ good }) => good) ? 0 : 1;
    }
    throw usage(`expected new or list, got ${action ?? 'nothing'}`);
  },
};

function usage(problem: string): AgentError {
  return new AgentError('usage', `${problem}; see summit-agent keys --help`);
}

function roleOf(role: unknown): KeyRole {
  if (isKeyRole(role)) return role;
  throw usage(
    `--role: expected server, command or observe, got ${role === undefined ? 'nothing' : String(role)}`,
  );
}

function makeKey(name: string, role: KeyRole, directory: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/.test(name)) {
    throw usage(`NAME: expected letters, digits, "_", "." and "-", got ${name}`);
  }
  const { publicKey, secretKey } = curveKeyPair();
  const pair: KeyPair = { name, role, publicKey, secretKey };
  const line = publicLine({ role, key: publicKey, name });
  makeFolders(directory);
  const secretPath = join(directory, `${name}.key`);
  const publicPath = join(directory, `${name}.pub`);
  for (const path of [secretPath, publicPath]) {
    if (existsSync(path)) throw usage(`expected a new name, got ${path} which exists`);
  }
  writeNew(secretPath, `${JSON.stringify(pair, null, 2)}\n`, 0o600);
  writeNew(publicPath, `${line}\n`, 0o644);
  return `${line}\n`;
}

/** Never over a file, and never readable by others for a moment. */
function writeNew(path: string, text: string, mode: number): void {
  let fd: number;
  try {
    fd = openSync(path, 'wx', mode);
  } catch (error) {
    throw usage(`expected to write ${path}, got ${sentenceOf(error)}`);
  }
  writeSync(fd, text);
  closeSync(fd);
  chmodSync(path, mode);
}

function filesOf(path: string): string[] {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) throw usage(`expected a file or directory, got ${path}`);
  if (!found.isDirectory()) return [path];
  return readdirSync(path)
    .filter((file) => /\.(key|pub)$/.test(file) || file === 'clients')
    .sort()
    .map((file) => join(path, file));
}

function describe(path: string): { readonly text: string; readonly good: boolean } {
  try {
    if (path.endsWith('.key')) {
      const { role, name, publicKey } = readKeyPair(path);
      return { text: `${path}: ${publicLine({ role, key: publicKey, name })} (secret)`, good: true };
    }
    const lines = readPublicKeys(path).map((key) => `${path}: ${publicLine(key)}`);
    return { text: lines.length === 0 ? `${path}: no keys` : lines.join('\n'), good: true };
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return { text: `${path}: WRONG: ${error.message}`, good: false };
  }
}
