// SPDX-License-Identifier: Apache-2.0
// What the agent's user may do: real-time scheduling, locked memory, huge pages.

import type { Finding, Needs } from './finding.js';
import { type Machine, numberOf, textOf } from './machine.js';

const units = ['/etc/systemd/system', '/usr/lib/systemd/system', '/lib/systemd/system'];

/** Limits of the installed service; without one those of this process. */
function limitOf(machine: Machine, directive: string, row: string): number {
  const unit = units
    .map((folder) => textOf(machine, `${folder}/summit-agent@.service`))
    .find((text) => text !== null);
  const text = unit
    ? new RegExp(`^${directive}=(\\S+)`, 'm').exec(unit)?.[1]
    : new RegExp(`^${row}\\s+(\\S+)`, 'm').exec(textOf(machine, '/proc/self/limits') ?? '')?.[1];
  if (text === undefined) return 0;
  return text === 'infinity' || text === 'unlimited' ? Number.POSITIVE_INFINITY : bytes(text);
}

function bytes(text: string): number {
  const [, digits, unit = ''] = /^(\d+)([KMG]?)$/.exec(text) ?? [];
  return Number(digits ?? 0) * 1024 ** ['', 'K', 'M', 'G'].indexOf(unit);
}

export function checkLimits(machine: Machine, needs: Needs): Finding[] {
  const findings: Finding[] = [];
  const remedy = (line: string) =>
    `run it as the service (scripts/systemd/summit-agent@.service sets it), or put "${line}" into /etc/security/limits.d/60-summit-agent.conf and log in again`;
  const priority = limitOf(machine, 'LimitRTPRIO', 'Max realtime priority');
  if (needs.schedFifo !== null && priority < needs.schedFifo) {
    findings.push({
      check: 'realtime_priority',
      severity: 'warning',
      found: `expected a limit of at least ${needs.schedFifo} for real-time priority, got ${priority}`,
      remedy: remedy(`@summit-agent - rtprio ${needs.schedFifo}`),
    });
  }
  const locked = limitOf(machine, 'LimitMEMLOCK', 'Max locked memory');
  if (needs.lockBytes !== null && locked < needs.lockBytes) {
    findings.push({
      check: 'locked_memory',
      severity: 'warning',
      found: `expected a limit of at least ${needs.lockBytes} bytes of locked memory, got ${locked}`,
      remedy: remedy('@summit-agent - memlock unlimited'),
    });
  }
  return findings;
}

export function checkHugePages(machine: Machine, needs: Needs): Finding[] {
  if (needs.hugeBytes === null) return [];
  const size =
    Number(/^Hugepagesize:\s+(\d+) kB/m.exec(textOf(machine, '/proc/meminfo') ?? '')?.[1] ?? 2048) * 1024;
  const wanted = Math.ceil(needs.hugeBytes / size);
  const have = numberOf(machine, '/proc/sys/vm/nr_hugepages') ?? 0;
  if (have >= wanted) return [];
  return [
    {
      check: 'huge_pages',
      severity: 'warning',
      found: `vm.nr_hugepages: expected at least ${wanted} for the frame pool (daq.hugePages), got ${have}`,
      remedy: `put "vm.nr_hugepages = ${wanted}" into /etc/sysctl.d/61-summit-agent-pages.conf and run sysctl --system`,
    },
  ];
}
