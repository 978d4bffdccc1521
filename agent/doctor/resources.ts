// SPDX-License-Identifier: Apache-2.0
// Node.js, device nodes.

import type { Finding, Needs } from './finding.js';
import { accessTo, type Machine } from './machine.js';

const nodeWanted = [20, 19] as const;

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

const serialRemedy = {
  missing: 'plug it in; ls -l /dev/serial/by-id shows names that stay',
  closed:
    "run this as the agent's user; it must be in the group of the device: usermod -aG dialout summit-agent",
};
const cardRemedy = {
  missing: 'lspci -d 1a4a:2030 shows whether the card is there; modprobe datadev loads its kernel module',
  closed:
    "run this as the agent's user; install scripts/udev/60-summit-agent.rules to /etc/udev/rules.d and run udevadm trigger",
};

export function checkDevices(machine: Machine, needs: Needs): Finding[] {
  return needs.devices.flatMap((path): Finding[] => {
    const access = accessTo(machine, path);
    if (access === 'usable') return [];
    const found = `expected the device ${path}, ${access === 'missing' ? 'there is none' : 'this user may not open it'}`;
    const remedy = (path.includes('datadev') ? cardRemedy : serialRemedy)[access];
    return [{ check: 'device', severity: 'serious', found, remedy }];
  });
}
