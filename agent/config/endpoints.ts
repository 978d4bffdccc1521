// SPDX-License-Identifier: Apache-2.0
// Checks of the addresses in a profile: form, loopback only, no port twice.

import { isIPv4 } from 'node:net';
import { show } from '../model/show.js';

interface TcpEndpoint {
  readonly host: string;
  readonly port: number;
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

function checkEndpoint(key: string, endpoint: unknown, out: string[]): TcpEndpoint | null {
  if (typeof endpoint !== 'string') return null;
  if (/^ipc:\/\/.+/.test(endpoint)) return null;
  const tcp = parseTcp(endpoint);
  if (!tcp) {
    out.push(`${key}: expected tcp://127.0.0.1:PORT or ipc://PATH, got ${show(endpoint)}`);
    return null;
  }
  if (!isLoopback(tcp.host)) {
    out.push(
      `${key}: expected a loopback address (encryption is not available, so the agent does not listen on the network), got ${show(endpoint)}`,
    );
  }
  return tcp;
}

/** `daqControl`: host:port of the DAQ's control channel, null when there is none. */
export function checkEndpoints(data: unknown, control: unknown, daqControl: unknown, out: string[]): void {
  const a = checkEndpoint('publish.data', data, out);
  const b = checkEndpoint('publish.control', control, out);
  if (typeof data === 'string' && data === control && !(a && a.port === 0)) {
    out.push(`publish.control: expected another address than publish.data, got ${show(control)} for both`);
  } else if (a && b && a.port !== 0 && a.port === b.port) {
    out.push(`publish.control: expected another port than publish.data, got ${a.port} for both`);
  }
  if (typeof daqControl !== 'string') return;
  const daq = parseTcp(`tcp://${daqControl}`);
  if (!daq || !isLoopback(daq.host)) return;
  for (const [key, own] of [
    ['publish.data', a],
    ['publish.control', b],
  ] as const) {
    if (own && own.port !== 0 && own.port === daq.port) {
      out.push(
        `${key}: expected another port than the DAQ's control channel (daq.wire.control), got ${own.port} for both`,
      );
    }
  }
}
