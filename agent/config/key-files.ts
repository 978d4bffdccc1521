// SPDX-License-Identifier: Apache-2.0
// Key files on disk: who else could read a secret, or add a client, is told before the key is used.

import { readFileSync, statSync } from 'node:fs';
import { AgentError, sentenceOf } from '../model/errors.js';
import { type KeyPair, type PublicKey, parseKeyPair, parsePublicKeys } from '../model/keys.js';

const octal = (mode: number) => `0${(mode & 0o777).toString(8)}`;

/** Reads a file when nobody but its owner has the rights in `forbidden`. */
function readGuarded(path: string, forbidden: number, remedy: string): string {
  let mode: number;
  let text: string;
  try {
    mode = statSync(path).mode;
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new AgentError('security', `expected a readable key file, got ${sentenceOf(error)}`, {
      cause: error,
    });
  }
  if ((mode & forbidden) !== 0) {
    throw new AgentError('security', `${path}: ${remedy}, got mode ${octal(mode)}`);
  }
  return text;
}

/** Both halves of a key; its file must be readable by its owner only. */
export function readKeyPair(path: string): KeyPair {
  const text = readGuarded(path, 0o077, `expected a file that only its owner reads (chmod 600 ${path})`);
  const pair = parseKeyPair(text);
  if ('problem' in pair) throw new AgentError('security', `${path}: ${pair.problem}`);
  return pair;
}

/** Lines `ROLE KEY NAME`; only the file's owner may write them. */
export function readPublicKeys(path: string): PublicKey[] {
  const text = readGuarded(path, 0o022, `expected a file that only its owner writes (chmod 644 ${path})`);
  const { keys, problems } = parsePublicKeys(text);
  if (problems.length > 0) throw new AgentError('security', `${path}: ${problems.join('; ')}`);
  return keys;
}
