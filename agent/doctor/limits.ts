// SPDX-License-Identifier: Apache-2.0
// What the agent's user may do: real-time scheduling, locked memory, huge pages.

import type { Finding, Needs } from './finding.js';
import { type Machine, numberOf, textOf, unitOf } from './machine.js';

/** Limits of the installed service; without one those of this process. */
function limitOf(machine: Machine, directive: string, row: string): number {
  const unit = unitOf(machine);
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

/** For the agent itself beside frames and images, bytes. */
const restBytes = 500e6;

/** Full frames lie in anonymous memory: transparent huge pages, not those of vm.nr_hugepages. */
export function checkImageMemory(machine: Machine, needs: Needs): Finding[] {
  if (needs.imageBytes === 0) return [];
  const findings: Finding[] = [];
  const pages = textOf(machine, '/sys/kernel/mm/transparent_hugepage/enabled');
  const mb = (value: number) => (value / 1e6).toFixed(0);
  if (needs.imageHugePages && (pages === null || pages.includes('[never]'))) {
    findings.push({
      check: 'transparent_huge_pages',
      severity: 'warning',
      found: `expected transparent huge pages (madvise or always) for ${mb(needs.imageBytes)} MB of images, got ${pages === null ? 'a kernel without them' : 'never'}`,
      remedy:
        'echo madvise > /sys/kernel/mm/transparent_hugepage/enabled, and transparent_hugepage=madvise on the kernel command line; or daq.hugePages: false',
    });
  }
  const wanted = needs.imageBytes + (needs.lockBytes ?? needs.hugeBytes ?? 0) + restBytes;
  const total =
    Number(/^MemTotal:\s+(\d+) kB/m.exec(textOf(machine, '/proc/meminfo') ?? '')?.[1] ?? Number.NaN) * 1024;
  const allowed = /^MemoryMax=(\d+[KMG]?)$/m.exec(unitOf(machine) ?? '')?.[1];
  const rows = [
    ['the machine has', total, 'name fewer image.sets, or give the machine more memory'],
    [
      'MemoryMax of the service is',
      allowed ? bytes(allowed) : Number.NaN,
      'name fewer image.sets, or set MemoryMax in a drop-in (systemctl edit)',
    ],
  ] as const;
  for (const [what, have, remedy] of rows) {
    if (!(have < wanted)) continue;
    const found = `expected ${mb(wanted)} MB of memory for the agent and its images (image.sets), ${what} ${mb(have)} MB`;
    findings.push({ check: 'memory', severity: 'serious', found, remedy });
  }
  return findings;
}
