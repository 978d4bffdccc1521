// SPDX-License-Identifier: Apache-2.0
// The profile's keys: checked for who else can read or write their files.

import { resolve } from 'node:path';
import { AgentError } from '../model/errors.js';
import type { KeyPair, PublicKey } from '../model/keys.js';
import { readKeyPair, readPublicKeys } from './key-files.js';

export interface Security {
  readonly server: KeyPair;
  /** reads the list of clients anew */
  readonly readClients: () => readonly PublicKey[];
}

export interface SecurityFile {
  serverKey: string;
  clients: string;
}

export function securityOf(file: SecurityFile, folder: string): Security {
  const clients = resolve(folder, file.clients);
  return {
    server: readKeyPair(resolve(folder, file.serverKey)),
    readClients: () => readPublicKeys(clients).filter(({ role }) => role !== 'server'),
  };
}

/** Adds what is wrong with the files of a `security` section; parts of the wrong type are left to the schema. */
export function checkSecurity(value: Readonly<Record<string, unknown>>, folder: string, out: string[]): void {
  const { serverKey, clients } = value;
  if (typeof serverKey === 'string') {
    tell('security.serverKey', out, () => {
      const { role } = readKeyPair(resolve(folder, serverKey));
      if (role !== 'server')
        throw new AgentError('security', `expected the key of a server, got one for ${role}`);
    });
  }
  if (typeof clients === 'string') {
    tell('security.clients', out, () => readPublicKeys(resolve(folder, clients)));
  }
}

function tell(key: string, out: string[], check: () => void): void {
  try {
    check();
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    out.push(`${key}: ${error.message}`);
  }
}
