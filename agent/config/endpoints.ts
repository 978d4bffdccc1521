// SPDX-License-Identifier: Apache-2.0
// Checks of the addresses in a profile: form, keys for the network, no address twice.

import { isIPv4 } from 'node:net';
import { show } from '../model/show.js';
import { ipcPath, pathProblem } from './ipc.js';

interface TcpEndpoint {
  readonly host: string;
  readonly port: number;
}

export interface Endpoints {
  /** profile key -> address; what is not text is left to the schema */
  readonly own: Readonly<Record<string, unknown>>;
  /** host:port of the DAQ's control channel over each link, null when there is none */
  readonly daqControls: readonly unknown[];
  /** the profile names keys: TCP is encrypted and may leave the machine */
  readonly secured: boolean;
}

function parseTcp(endpoint: string): TcpEndpoint | null {
  const match = /^tcp:\/\/(\[[0-9a-fA-F:]+\]|[^:/\s]+):(\d{1,5}|\*)$/.exec(endpoint);
  if (!match) return null;
  const port = match[2] === '*' ? 0 : Number(match[2]);
  return port > 65535 ? null : { host: match[1] ?? '', port };
}

function isLoopback(host: string): boolean {
  return (host.startsWith('127.') && isIPv4(host)) || host === 'localhost' || host === '[::1]';
}

function checkEndpoint(key: string, endpoint: string, secured: boolean, out: string[]): TcpEndpoint | null {
  const path = ipcPath(endpoint);
  if (path !== null) {
    const problem = pathProblem(path);
    if (problem !== null) out.push(`${key}: ${problem}`);
    return null;
  }
  const tcp = parseTcp(endpoint);
  if (!tcp) {
    out.push(`${key}: expected tcp://ADDRESS:PORT or ipc://PATH, got ${show(endpoint)}`);
    return null;
  }
  if (!isLoopback(tcp.host) && !secured) {
    out.push(
      `${key}: expected a loopback address (or keys in security.serverKey and security.clients, to listen on the network: summit-agent keys --help), got ${show(endpoint)}`,
    );
  }
  return tcp;
}

export function checkEndpoints({ own, daqControls, secured }: Endpoints, out: string[]): void {
  const taken: { key: string; address: string; tcp: TcpEndpoint | null }[] = [];
  for (const [key, address] of Object.entries(own)) {
    if (typeof address !== 'string') continue;
    const tcp = checkEndpoint(key, address, secured, out);
    for (const other of taken) {
      const free = tcp?.port === 0;
      if (other.address === address && !free) {
        out.push(`${key}: expected another address than ${other.key}, got ${show(address)} for both`);
      } else if (tcp && !free && other.tcp?.port === tcp.port) {
        out.push(`${key}: expected another port than ${other.key}, got ${tcp.port} for both`);
      }
    }
    taken.push({ key, address, tcp });
  }
  for (const control of new Set(daqControls)) {
    const daq = typeof control === 'string' ? parseTcp(`tcp://${control}`) : null;
    if (!daq || !isLoopback(daq.host)) continue;
    for (const { key, tcp } of taken) {
      if (tcp && tcp.port !== 0 && tcp.port === daq.port) {
        out.push(
          `${key}: expected another port than the DAQ's control channel (daq.wire.control), got ${tcp.port} for both`,
        );
      }
    }
  }
}
