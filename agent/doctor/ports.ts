// SPDX-License-Identifier: Apache-2.0
// Ports that somebody else holds, from the kernel's tables: nothing is bound to find out.

import { resolve } from 'node:path';
import type { Finding, Needs, Port } from './finding.js';
import { holderOf, type Machine, namesIn, type Process, profileOfAgent, textOf, userOf } from './machine.js';

interface Held {
  readonly port: number;
  readonly address: string;
  readonly inode: string;
  readonly user: number;
}

const listening = '0A';
const everywhere = /^0+$/;

/** Sockets that would be in the way: TCP that listens, UDP that is bound. */
function held(machine: Machine, protocol: Port['protocol']): Held[] {
  const tables = [protocol, `${protocol}6`].map((name) => textOf(machine, `/proc/net/${name}`) ?? '');
  return tables.flatMap((table) =>
    table
      .split('\n')
      .slice(1)
      .flatMap((line) => {
        const [, local = '', , state, , , , user, , inode = ''] = line.trim().split(/\s+/);
        const [address = '', port = ''] = local.split(':');
        if (protocol === 'tcp' && state !== listening) return [];
        return [{ port: Number.parseInt(port, 16), address, inode, user: Number(user) }];
      }),
  );
}

/** 127.0.0.1 as the kernel's tables have it: little endian. */
function hexOf(host: string): string {
  const bytes = host.split('.').map((part) => Number(part).toString(16).padStart(2, '0'));
  return bytes.reverse().join('').toUpperCase();
}

export function checkPorts(machine: Machine, needs: Needs): Finding[] {
  const tables = { tcp: held(machine, 'tcp'), udp: held(machine, 'udp') };
  return needs.ports.flatMap((wanted): Finding[] => {
    const own = hexOf(wanted.host);
    const other = tables[wanted.protocol].find(
      ({ port, address }) =>
        port === wanted.port && (address === own || everywhere.test(address) || everywhere.test(own)),
    );
    if (!other) return [];
    const holder = holderOf(machine, other.inode);
    const itself = holder
      ? isThisAgent(machine, needs, holder.pid)
      : mayBeThisAgent(machine, needs, other.user);
    if (itself) return [];
    return [
      {
        check: 'port',
        severity: 'serious',
        found: `${wanted.key}: expected ${wanted.protocol} port ${wanted.port} to be free, ${nameOf(machine, holder)} has it`,
        remedy: `stop it, or choose another port in the profile (ss -ln${wanted.protocol[0]}p shows who has which)`,
      },
    ];
  });
}

function nameOf(machine: Machine, holder: Process | null): string {
  if (!holder) return "another user's process";
  const profile = profileOfAgent(machine, holder.pid);
  const what = profile === null ? holder.command.slice(0, 60) : `the agent of ${profile}`;
  return `process ${holder.pid} (${what})`;
}

/** An agent that runs holds its own ports. Without a profile any agent is the one that is meant. */
function isThisAgent(machine: Machine, { profile }: Needs, pid: string): boolean {
  const own = profileOfAgent(machine, pid);
  return own !== null && (profile === null || own === resolve(profile));
}

/** The sockets of another user's process cannot be seen: one of its user that runs this profile is taken for it. */
function mayBeThisAgent(machine: Machine, needs: Needs, user: number): boolean {
  return namesIn(machine, '/proc').some(
    (pid) => /^\d+$/.test(pid) && userOf(machine, pid) === user && isThisAgent(machine, needs, pid),
  );
}
