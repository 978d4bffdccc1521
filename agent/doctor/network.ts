// SPDX-License-Identifier: Apache-2.0
// Socket buffers, and the interface of the DAQ network.

import type { Finding, Needs } from './finding.js';
import { type Machine, numberOf, textOf } from './machine.js';

const backlogWanted = 5000;
const mtuWanted = 9000;
/** Mbit/s: a burst of stamps of 400x400 needs it */
const speedWanted = 10_000;

export function checkBuffers(machine: Machine, needs: Needs): Finding[] {
  const remedy = 'install scripts/sysctl/60-summit-agent.conf to /etc/sysctl.d and run sysctl --system';
  const wanted = [
    ['net.core.rmem_max', needs.receiveBufferBytes],
    ['net.core.netdev_max_backlog', backlogWanted],
  ] as const;
  return wanted.flatMap(([name, least]) => {
    const value = numberOf(machine, `/proc/sys/${name.replaceAll('.', '/')}`);
    if (value === null || value >= least) return [];
    const check = name === 'net.core.rmem_max' ? 'receive_buffer' : 'network_backlog';
    return [
      { check, severity: 'serious', found: `${name}: expected at least ${least}, got ${value}`, remedy },
    ];
  });
}

export function checkInterface(machine: Machine, needs: Needs): Finding[] {
  return needs.interfaces.flatMap((name) => interfaceFindings(machine, name));
}

function interfaceFindings(machine: Machine, name: string): Finding[] {
  const at = `/sys/class/net/${name}`;
  const state = textOf(machine, `${at}/operstate`);
  if (state === null) {
    const found = `expected the network interface ${name}, there is none`;
    return [{ check: 'interface', severity: 'serious', found, remedy: 'ip link shows those that there are' }];
  }
  const findings: Finding[] = [];
  const add = (check: string, severity: Finding['severity'], found: string, remedy: string) =>
    findings.push({ check, severity, found, remedy });
  // Loopback and virtual interfaces do not know their state.
  if (state !== 'up' && state !== 'unknown') {
    add(
      'interface',
      'serious',
      `${name}: expected up, got ${state}`,
      `ip link set ${name} up; look at fibre and switch`,
    );
  }
  const mtu = numberOf(machine, `${at}/mtu`);
  if (mtu !== null && mtu < mtuWanted) {
    const remedy = `ip link set ${name} mtu ${mtuWanted}, and the same on the switch and in the network's configuration`;
    add('jumbo_frames', 'warning', `${name}: expected an MTU of at least ${mtuWanted}, got ${mtu}`, remedy);
  }
  const speed = numberOf(machine, `${at}/speed`);
  if (speed !== null && speed > 0 && speed < speedWanted) {
    const found = `${name}: expected at least ${speedWanted} Mbit/s, got ${speed}`;
    add('interface_speed', 'warning', found, `ethtool ${name} shows what both ends offer`);
  }
  return findings;
}
