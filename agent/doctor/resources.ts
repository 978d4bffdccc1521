// SPDX-License-Identifier: Apache-2.0
// Node.js, device nodes, disk.

import type { Finding, Needs } from './finding.js';
import { accessTo, type Machine } from './machine.js';

const nodeWanted = [20, 19] as const;
const gigabyte = 1e9;
const leastFree = 5 * gigabyte;

export function checkNode({ nodeVersion }: Machine): Finding[] {
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number);
  if (major > nodeWanted[0] || (major === nodeWanted[0] && minor >= nodeWanted[1])) return [];
  return [
    {
      check: 'node',
      severity: 'serious',
      found: `expected Node.js ${nodeWanted.join('.')} or later, got ${nodeVersion}`,
      remedy: "install it from the site's repository, or unpack it to /opt/summit-agent/node",
    },
  ];
}

export function checkDevices(machine: Machine, needs: Needs): Finding[] {
  return needs.devices.flatMap((path): Finding[] => {
    const access = accessTo(machine, path);
    if (access === 'usable') return [];
    const found = `expected the device ${path}, ${access === 'missing' ? 'there is none' : 'this user may not open it'}`;
    const remedy =
      access === 'missing'
        ? 'plug it in; ls -l /dev/serial/by-id shows names that stay'
        : "run this as the agent's user; it must be in the group of the device: usermod -aG dialout summit-agent";
    return [{ check: 'device', severity: 'serious', found, remedy }];
  });
}

export function checkFolders(machine: Machine, needs: Needs): Finding[] {
  return needs.folders.flatMap((folder): Finding[] => {
    const space = machine.space(folder);
    if (space === null || space.freeBytes >= Math.min(leastFree, space.totalBytes / 10)) return [];
    const gb = (bytes: number) => (bytes / gigabyte).toFixed(1);
    return [
      {
        check: 'disk_space',
        severity: 'serious',
        found: `${folder}: expected 5 GB or a tenth free, got ${gb(space.freeBytes)} of ${gb(space.totalBytes)} GB`,
        remedy: 'move recordings away, or name another folder in guider.recording.directory',
      },
    ];
  });
}
