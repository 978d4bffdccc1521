// SPDX-License-Identifier: Apache-2.0
// The machine as the doctor sees it: files below a root, and what only a call can tell.

import {
  accessSync,
  constants,
  readdirSync,
  readFileSync,
  readlinkSync,
  statfsSync,
  statSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type DiskTrial, tryDisk } from './disk-trial.js';

export interface Machine {
  /** '' is this machine; else a folder with proc, sys, etc, ... in it */
  readonly root: string;
  readonly nodeVersion: string;
  /** CLOCK_TAI - CLOCK_REALTIME in s; null where it cannot be read */
  readonly kernelTaiSeconds: number | null;
  readonly nowUnixS: number;
  /** of the file system that holds a path; null where it cannot be told */
  readonly space: (path: string) => { readonly freeBytes: number; readonly totalBytes: number } | null;
  readonly tryDisk: (folder: string) => DiskTrial;
}

export function thisMachine(kernelTaiSeconds: number | null): Machine {
  return {
    root: '',
    nodeVersion: process.versions.node,
    kernelTaiSeconds,
    nowUnixS: Date.now() / 1000,
    space: spaceOf,
    tryDisk,
  };
}

/** A folder that is still to be made lies where its nearest parent does. */
function spaceOf(path: string): ReturnType<Machine['space']> {
  try {
    const { bavail, blocks, bsize } = statfsSync(path);
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  } catch {
    return dirname(path) === path ? null : spaceOf(dirname(path));
  }
}

/** Its text without the last line end; null where there is none. */
export function textOf({ root }: Machine, path: string): string | null {
  try {
    return readFileSync(join(root, path), 'utf8').trimEnd();
  } catch {
    return null;
  }
}

export function numberOf(machine: Machine, path: string): number | null {
  const text = textOf(machine, path);
  return text !== null && /^-?\d+$/.test(text) ? Number(text) : null;
}

export function namesIn({ root }: Machine, path: string): string[] {
  try {
    return readdirSync(join(root, path));
  } catch {
    return [];
  }
}

/** 'missing', 'closed' to this user, or 'usable' for reading and writing. */
export function accessTo({ root }: Machine, path: string): 'missing' | 'closed' | 'usable' {
  try {
    accessSync(join(root, path), constants.F_OK);
  } catch {
    return 'missing';
  }
  try {
    accessSync(join(root, path), constants.R_OK | constants.W_OK);
    return 'usable';
  } catch {
    return 'closed';
  }
}

/** The installed service unit. */
export function unitOf(machine: Machine): string | null {
  const units = ['/etc/systemd/system', '/usr/lib/systemd/system', '/lib/systemd/system'];
  return (
    units.map((folder) => textOf(machine, `${folder}/summit-agent@.service`)).find((text) => text !== null) ??
    null
  );
}

export interface Process {
  readonly pid: string;
  readonly command: string;
}

/** Every process whose command line this user may read. */
export function processes(machine: Machine): Process[] {
  return namesIn(machine, '/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => ({ pid, command: commandOf(machine, pid) }));
}

function commandOf(machine: Machine, pid: string): string {
  const line = (textOf(machine, `/proc/${pid}/cmdline`) ?? '').replaceAll('\0', ' ').trim();
  return line === '' ? (textOf(machine, `/proc/${pid}/comm`) ?? '') : line;
}

/** The profile that an agent's process was started with; null: it is no agent, or nobody's business here. */
export function profileOfAgent(machine: Machine, pid: string): string | null {
  const args = (textOf(machine, `/proc/${pid}/cmdline`) ?? '').split('\0');
  const program = args.findIndex((arg) => /(^|\/)summit-agent$|(^|\/)agent\/main\.js$/.test(arg));
  if (program < 0 || !['run', 'replay'].includes(args[program + 1] ?? '')) return null;
  const at = args.findIndex((arg) => arg === '--profile' || arg.startsWith('--profile='));
  const given = args[at]?.slice('--profile='.length) || args[at + 1];
  if (at < 0 || !given) return null;
  // Another user's working directory cannot be read: such an agent is known by an absolute path only, as the service has.
  return resolve(linkAt(machine, `/proc/${pid}/cwd`), given);
}

/** null where it cannot be told */
export function userOf({ root }: Machine, pid: string): number | null {
  return statSync(join(root, '/proc', pid), { throwIfNoEntry: false })?.uid ?? null;
}

/** Who holds the socket with this inode; null where that is nobody's business here. */
export function holderOf(machine: Machine, inode: string): Process | null {
  for (const pid of namesIn(machine, '/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    for (const fd of namesIn(machine, `/proc/${pid}/fd`)) {
      if (linkAt(machine, `/proc/${pid}/fd/${fd}`) === `socket:[${inode}]`) {
        return { pid, command: commandOf(machine, pid) };
      }
    }
  }
  return null;
}

function linkAt({ root }: Machine, path: string): string {
  try {
    return readlinkSync(join(root, path));
  } catch {
    return '';
  }
}
