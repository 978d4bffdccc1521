// SPDX-License-Identifier: Apache-2.0
// Folders that the agent fills: room, and whether a file in them gets to the disk.

import { basename, dirname } from 'node:path';
import type { Finding, Folder, Needs } from './finding.js';
import { type Machine, namesIn, textOf, unitOf } from './machine.js';

const gigabyte = 1e9;
const leastFree = 5 * gigabyte;
/** A megabyte takes some 5 ms; images wait for a disk that takes so long. */
const slowMs = 1000;
/** StateDirectory and RuntimeDirectory of the unit. */
const writable = ['/var/lib/summit-agent', '/run/summit-agent'];

export function checkFolders(machine: Machine, needs: Needs): Finding[] {
  return needs.folders.flatMap((folder) => [
    ...checkSpace(machine, folder),
    ...(folder.key === null ? [] : checkWriting(machine, folder.path, folder.key)),
    ...(folder.key === null ? [] : checkUnit(machine, folder.path, needs.profile)),
  ]);
}

function checkSpace(machine: Machine, { path, key }: Folder): Finding[] {
  const space = machine.space(path);
  if (space === null || space.freeBytes >= Math.min(leastFree, space.totalBytes / 10)) return [];
  const gb = (bytes: number) => (bytes / gigabyte).toFixed(1);
  return [
    {
      check: 'disk_space',
      severity: 'serious',
      found: `${path}: expected 5 GB or a tenth free, got ${gb(space.freeBytes)} of ${gb(space.totalBytes)} GB`,
      remedy: `move files away${key === null ? '' : `, or name another folder in ${key}`}`,
    },
  ];
}

function checkWriting(machine: Machine, path: string, key: string): Finding[] {
  const { problem, durableMs } = machine.tryDisk(path);
  if (problem !== null) {
    return [
      {
        check: 'disk_write',
        severity: 'serious',
        found: `${path} (${key}): expected a folder that takes files, ${problem}`,
        remedy: `run this as the agent's user; mkdir -p ${path} && chown summit-agent: ${path}, or name another folder`,
      },
    ];
  }
  if (durableMs < slowMs) return [];
  return [
    {
      check: 'disk_slow',
      severity: 'warning',
      found: `${path} (${key}): expected a megabyte on the disk within ${slowMs} ms, it took ${durableMs.toFixed(0)} ms`,
      remedy: 'iostat -x 1 shows who keeps the disk busy; name a folder on a disk of its own',
    },
  ];
}

/** The unit makes everything read-only but its own folders and what drop-ins name. */
function checkUnit(machine: Machine, path: string, profile: string | null): Finding[] {
  const unit = unitOf(machine);
  const within = (folder: string) => path === folder || path.startsWith(`${folder.replace(/\/$/, '')}/`);
  if (unit === null || !profile?.startsWith('/etc/summit-agent/') || writable.some(within)) return [];
  const name = `summit-agent@${basename(profile, '.yaml')}.service`;
  const texts = [unit, ...dropIns(machine, 'summit-agent@.service'), ...dropIns(machine, name)];
  const opened = texts.flatMap((text) =>
    [...text.matchAll(/^(?:ReadWritePaths|BindPaths)=(.*)$/gm)].flatMap(([, value = '']) =>
      value.trim().split(/\s+/),
    ),
  );
  if (opened.some((folder) => within(folder.replace(/^[-+]+/, '').split(':')[0] ?? ''))) return [];
  return [
    {
      check: 'unit_read_only',
      severity: 'serious',
      found: `${path}: expected a folder that ${name} may write in, its file system is read-only there`,
      remedy: `systemctl edit ${name}, with [Service] and ReadWritePaths=${nearestOf(machine, path)}`,
    },
  ];
}

function dropIns(machine: Machine, unit: string): string[] {
  return ['/etc/systemd/system', '/usr/lib/systemd/system'].flatMap((folder) => {
    const at = `${folder}/${unit}.d`;
    return namesIn(machine, at).flatMap((name) => textOf(machine, `${at}/${name}`) ?? []);
  });
}

/** ReadWritePaths must be there: a folder that is still to be made is named by the one that holds it. */
function nearestOf(machine: Machine, path: string): string {
  if (dirname(path) === path || namesIn(machine, dirname(path)).includes(basename(path))) return path;
  return nearestOf(machine, dirname(path));
}
