// SPDX-License-Identifier: Apache-2.0
// CURVE keys as text (Z85, ZeroMQ RFC 32) and the two kinds of file that hold them. Reads text, touches no file.

import { show } from './show.js';

export type KeyRole = 'server' | 'command' | 'observe';

/** One line of a public key file or of the list of clients: `ROLE PUBLIC-KEY NAME`. */
export interface PublicKey {
  readonly role: KeyRole;
  /** Z85 */
  readonly key: string;
  readonly name: string;
}

/** A key file: JSON with both halves, for its owner's eyes only. */
export interface KeyPair {
  readonly name: string;
  readonly role: KeyRole;
  readonly publicKey: string;
  readonly secretKey: string;
}

const alphabet = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#';
const roles: readonly string[] = ['server', 'command', 'observe'] satisfies readonly KeyRole[];

/** 32 bytes as 40 characters. */
export function z85Encode(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i + 4 <= bytes.length; i += 4) {
    let value = 0;
    for (let k = 0; k < 4; k++) value = value * 256 + (bytes[i + k] ?? 0);
    let group = '';
    for (let k = 0; k < 5; k++) {
      group = alphabet.charAt(value % 85) + group;
      value = Math.floor(value / 85);
    }
    text += group;
  }
  return text;
}

export function isKey(value: unknown): value is string {
  return typeof value === 'string' && value.length === 40 && [...value].every((c) => alphabet.includes(c));
}

export function isKeyRole(value: unknown): value is KeyRole {
  return typeof value === 'string' && roles.includes(value);
}

export function publicLine({ role, key, name }: PublicKey): string {
  return `${role} ${key} ${name}`;
}

/** Reads lines `ROLE PUBLIC-KEY NAME`; empty lines and those that begin with "# " are passed over. */
export function parsePublicKeys(text: string): { keys: PublicKey[]; problems: string[] } {
  const keys: PublicKey[] = [];
  const problems: string[] = [];
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trim() === '' || /^\s*#(\s|$)/.test(line)) continue;
    const [role, key, ...name] = line.trim().split(/\s+/);
    if (!isKeyRole(role)) problems.push(`line ${i + 1}: expected ${roles.join(', ')}, got ${show(role)}`);
    else if (!isKey(key)) {
      problems.push(`line ${i + 1}: expected a public key of 40 characters after ${role}, got ${show(key)}`);
    } else if (keys.some((other) => other.key === key)) {
      problems.push(`line ${i + 1}: expected each key once, got that of ${name.join(' ')} again`);
    } else keys.push({ role, key, name: name.join(' ') });
  }
  return { keys, problems };
}

/** Reads a key file; the problem never quotes what it holds. */
export function parseKeyPair(text: string): KeyPair | { readonly problem: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { problem: 'expected a key file of "summit-agent keys new", got something else' };
  }
  const { name, role, publicKey, secretKey } = (value ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof name !== 'string' || !isKeyRole(role) || !isKey(publicKey) || !isKey(secretKey)) {
    return { problem: 'expected name, role, publicKey and secretKey, got other fields' };
  }
  return { name, role, publicKey, secretKey };
}
