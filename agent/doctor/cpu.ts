// SPDX-License-Identifier: Apache-2.0
// Clock rate of the CPUs, and who else works on the link thread's.

import type { Finding, Needs } from './finding.js';
import { type Machine, namesIn, processes, textOf } from './machine.js';

export function checkGovernor(machine: Machine): Finding[] {
  const folder = '/sys/devices/system/cpu';
  const others = namesIn(machine, folder)
    .filter((name) => /^cpu\d+$/.test(name))
    .map((name) => textOf(machine, `${folder}/${name}/cpufreq/scaling_governor`))
    .filter((governor) => governor !== null && governor !== 'performance');
  if (others.length === 0) return [];
  return [
    {
      check: 'cpu_governor',
      severity: 'warning',
      found: `expected the governor performance, got ${[...new Set(others)].join(', ')} on ${others.length} CPUs`,
      remedy: 'cpupower frequency-set -g performance (package linux-cpupower), also at boot',
    },
  ];
}

/** Numbers of a kernel CPU list: 0-3,8. */
export function cpuList(text: string): Set<number> {
  const numbers = new Set<number>();
  for (const part of text.split(',')) {
    const [, from, to] = /^(\d+)(?:-(\d+))?$/.exec(part.trim()) ?? [];
    if (from === undefined) continue;
    for (let cpu = Number(from); cpu <= Number(to ?? from); cpu++) numbers.add(cpu);
  }
  return numbers;
}

export function checkCpu(machine: Machine, needs: Needs): Finding[] {
  const each = [...new Set(needs.cpus)];
  const shared = each.filter((cpu) => needs.cpus.filter((one) => one === cpu).length > 1);
  return [
    ...each.flatMap((cpu) => cpuFindings(machine, cpu, needs.interfaces)),
    ...shared.map((cpu): Finding => {
      const found = `expected one link thread to a CPU, got several on CPU ${cpu} (daq.links, cpu)`;
      return { check: 'cpu_shared', severity: 'warning', found, remedy: 'give each link a CPU of its own' };
    }),
  ];
}

function cpuFindings(machine: Machine, cpu: number, interfaces: readonly string[]): Finding[] {
  const online = textOf(machine, '/sys/devices/system/cpu/online') ?? '';
  if (!cpuList(online).has(cpu)) {
    const found = `daq.cpu: expected one of the CPUs ${online}, got ${cpu}`;
    return [{ check: 'cpu', severity: 'serious', found, remedy: 'name one of them in the profile' }];
  }
  const findings: Finding[] = [];
  if (!cpuList(textOf(machine, '/sys/devices/system/cpu/isolated') ?? '').has(cpu)) {
    findings.push({
      check: 'cpu_isolation',
      severity: 'warning',
      found: `expected CPU ${cpu} (daq.cpu) to be kept free of other tasks, it is not isolated`,
      remedy: `add isolcpus=${cpu} nohz_full=${cpu} to the kernel's command line and reboot`,
    });
  }
  for (const name of interfaces) {
    const irqs = interruptsOf(machine, name).filter((irq) =>
      cpuList(textOf(machine, `/proc/irq/${irq}/smp_affinity_list`) ?? '').has(cpu),
    );
    if (irqs.length === 0) continue;
    const elsewhere = [...cpuList(online)].filter((other) => other !== cpu).join(',');
    findings.push({
      check: 'interrupts',
      severity: 'warning',
      found: `expected interrupts of ${name} away from CPU ${cpu} (daq.cpu), got ${irqs.join(', ')} on it`,
      remedy: `for each: echo ${elsewhere} > /proc/irq/NUMBER/smp_affinity_list`,
    });
  }
  const balances = processes(machine).some(({ command }) => /(^|\/)irqbalance( |$)/.test(command));
  const banned = /^\s*IRQBALANCE_BANNED_CPULIST="?([^"\n]*)/m.exec(
    textOf(machine, '/etc/default/irqbalance') ?? '',
  );
  if (balances && !cpuList(banned?.[1] ?? '').has(cpu)) {
    findings.push({
      check: 'irqbalance',
      severity: 'warning',
      found: `expected irqbalance to leave CPU ${cpu} (daq.cpu) alone`,
      remedy: `put IRQBALANCE_BANNED_CPULIST=${cpu} into /etc/default/irqbalance and restart it`,
    });
  }
  return findings;
}

/** Numbers of the interrupts of a network interface, all its queues. */
function interruptsOf(machine: Machine, name: string): string[] {
  const lines = (textOf(machine, '/proc/interrupts') ?? '').split('\n');
  return lines
    .filter((line) => line.split(/[\s:,]+/).some((word) => word === name || word.startsWith(`${name}-`)))
    .flatMap((line) => /^\s*(\d+):/.exec(line)?.[1] ?? []);
}
