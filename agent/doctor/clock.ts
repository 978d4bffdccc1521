// SPDX-License-Identifier: Apache-2.0
// Who keeps the clock, and whether the kernel knows TAI.

import { chooseTaiOffset, leapTablePath, parseLeapTable } from '../model/tai.js';
import type { Finding } from './finding.js';
import { type Machine, processes, textOf } from './machine.js';

const keepers = ['chronyd', 'ptp4l', 'phc2sys', 'ntpd', 'systemd-timesyncd'];

export function checkClock(machine: Machine): Finding[] {
  const running = processes(machine).map(({ command }) => command.split(' ', 1)[0] ?? '');
  if (running.some((program) => keepers.includes(program.split('/').at(-1) ?? ''))) return [];
  return [
    {
      check: 'clock',
      severity: 'serious',
      found: `expected one of ${keepers.join(', ')} to keep the clock, none is running`,
      remedy: "apt-get install chrony, and name the site's time servers in /etc/chrony/chrony.conf",
    },
  ];
}

export function checkTai(machine: Machine): Finding[] {
  const table = textOf(machine, leapTablePath);
  const { suspect, detail } = chooseTaiOffset(machine.kernelTaiSeconds, table, machine.nowUnixS);
  const findings: Finding[] = [];
  if (suspect) {
    findings.push({
      check: 'tai_offset',
      severity: 'serious',
      found: detail,
      remedy:
        'chrony: put "leapsectz right/UTC" into chrony.conf (package tzdata) and restart it; PTP: phc2sys sets it',
    });
  }
  const expires = table === null ? null : parseLeapTable(table).expiresUnixS;
  if (expires === null || expires < machine.nowUnixS) {
    const until =
      expires === null ? 'there is none' : `it ended ${new Date(expires * 1000).toISOString().slice(0, 10)}`;
    findings.push({
      check: 'leap_table',
      severity: 'warning',
      found: `expected a leap-second table in force at ${leapTablePath}, ${until}`,
      remedy: 'apt-get install --only-upgrade tzdata',
    });
  }
  return findings;
}
