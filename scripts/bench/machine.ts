// SPDX-License-Identifier: Apache-2.0
// What machine a measurement was made on: without it a figure says nothing.
import { readFileSync } from 'node:fs';
import si from 'systeminformation';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly os: string;
  readonly kernel: string;
  readonly node: string;
  readonly loadBefore: number;
  readonly governor: string | null;
}

export async function describeMachine(): Promise<Machine> {
  const [cpu, mem, os, load] = await Promise.all([si.cpu(), si.mem(), si.osInfo(), si.currentLoad()]);
  return {
    cpu: `${cpu.manufacturer} ${cpu.brand}`.trim(),
    cores: cpu.cores,
    memoryGb: Math.round(mem.total / 2 ** 30),
    os: `${os.distro} ${os.release}`,
    kernel: os.kernel,
    node: process.version,
    loadBefore: Math.round(load.currentLoad * 10) / 10,
    governor: readGovernor(),
  };
}

function readGovernor(): string | null {
  try {
    return readFileSync('/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor', 'utf8').trim();
  } catch {
    return null;
  }
}
