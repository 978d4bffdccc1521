// SPDX-License-Identifier: Apache-2.0
// Reads the machine through systeminformation: cheap things each second, dear ones seldom, the dearest once.
// Thread: the host's worker. Some of these calls stop their thread for 60 ms.

import { readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { resolve } from 'node:path';
import si from 'systeminformation';
import type {
  DiskReading,
  HostReading,
  HostSettings,
  InterfaceReading,
  MachineReading,
} from '../../model/health.js';

/** s between two looks */
const everyS = { network: 5, disks: 5, space: 30, temperature: 30 } as const;

interface DiskRates {
  readonly readBytesS: number | null;
  readonly writeBytesS: number | null;
  readonly readsS: number | null;
  readonly writesS: number | null;
}

/** systeminformation says null or a negative number for what it does not know. */
function known(value: number | null | undefined): number | null {
  return typeof value === 'number' && value >= 0 ? value : null;
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return null;
  }
}

/** Mbit/s from the kernel; -1 and an error mean that there is none. */
function speedOf(name: string): number | null {
  const speed = Number(textOf(`/sys/class/net/${name}/speed`) ?? Number.NaN);
  return speed > 0 ? speed : null;
}

function fdLimit(): number {
  const soft = /^Max open files\s+(\d+)/m.exec(textOf('/proc/self/limits') ?? '')?.[1];
  return soft === undefined ? Number.NaN : Number(soft);
}

/** Share of time that the cores were busy between two looks, %. systeminformation starts three processes to know it. */
class CpuLoad {
  #before = cpus();

  look(): { readonly all: number; readonly busiest: number } {
    const now = cpus();
    const cores = now.map(({ times }, i) => {
      const then = this.#before[i]?.times;
      const spent = (key: keyof typeof times) => times[key] - (then?.[key] ?? 0);
      const idle = spent('idle');
      const total = idle + spent('user') + spent('nice') + spent('sys') + spent('irq');
      return { busy: total - idle, total };
    });
    this.#before = now;
    const percent = (busy: number, total: number) => (total > 0 ? (100 * busy) / total : 0);
    const sum = (key: 'busy' | 'total') => cores.reduce((all, core) => all + core[key], 0);
    return {
      all: percent(sum('busy'), sum('total')),
      busiest: Math.max(0, ...cores.map(({ busy, total }) => percent(busy, total))),
    };
  }
}

export class HostSampler {
  readonly #settings: Pick<HostSettings, 'interface' | 'disks'>;
  #machine: MachineReading | null = null;
  #interface: InterfaceReading | null = null;
  #disks: readonly DiskReading[] = [];
  #rates: DiskRates = { readBytesS: null, writeBytesS: null, readsS: null, writesS: null };
  #temperatureC: number | null = null;
  readonly #load = new CpuLoad();
  #second = 0;

  constructor(settings: Pick<HostSettings, 'interface' | 'disks'>) {
    this.#settings = settings;
  }

  /** To be called once a second. */
  async sample(): Promise<HostReading> {
    const due = (every: number) => this.#second % every === 0;
    const memory = await si.mem();
    const load = this.#load.look();
    if (due(everyS.network)) this.#interface = await this.#readInterface();
    if (due(everyS.disks)) this.#rates = await this.#readRates();
    if (due(everyS.space)) this.#disks = await this.#readSpace();
    if (due(everyS.temperature)) this.#temperatureC = await this.#readTemperature();
    this.#machine ??= await this.#readMachine();
    this.#second++;
    return {
      machine: this.#machine,
      cpuLoad: load.all,
      cpuLoadMax: load.busiest,
      memoryTotalBytes: memory.total,
      memoryAvailableBytes: memory.available,
      swapUsedBytes: memory.swapused,
      disks: this.#disks,
      diskReadBytesS: this.#rates.readBytesS,
      diskWriteBytesS: this.#rates.writeBytesS,
      diskReadsS: this.#rates.readsS,
      diskWritesS: this.#rates.writesS,
      temperatureC: this.#temperatureC,
      interface: this.#interface,
      processRssBytes: process.memoryUsage.rss(),
      // Reading the folder takes one itself.
      fds: readdirSync('/proc/self/fd').length - 1,
      fdLimit: fdLimit(),
    };
  }

  async #readMachine(): Promise<MachineReading> {
    const [cpu, os, system] = await Promise.all([si.cpu(), si.osInfo(), si.system()]);
    return {
      system: `${system.manufacturer} ${system.model}`.trim(),
      cpu: `${cpu.manufacturer} ${cpu.brand}`.trim(),
      cores: cpu.cores,
      os: `${os.distro} ${os.release}`,
      kernel: os.kernel,
    };
  }

  async #readInterface(): Promise<InterfaceReading | null> {
    const name = this.#settings.interface;
    if (name === null) return null;
    const state = textOf(`/sys/class/net/${name}/operstate`) ?? 'absent';
    const none = { rxBytes: 0, txBytes: 0, rxErrors: 0, rxDropped: 0, txErrors: 0, txDropped: 0 };
    if (state === 'absent') return { name, state, speedMbps: null, ...none };
    const [stats] = await si.networkStats(name);
    return {
      name,
      state,
      speedMbps: speedOf(name),
      rxBytes: stats?.rx_bytes ?? 0,
      txBytes: stats?.tx_bytes ?? 0,
      rxErrors: stats?.rx_errors ?? 0,
      rxDropped: stats?.rx_dropped ?? 0,
      txErrors: stats?.tx_errors ?? 0,
      txDropped: stats?.tx_dropped ?? 0,
    };
  }

  async #readRates(): Promise<DiskRates> {
    const [bytes, calls] = await Promise.all([si.fsStats(), si.disksIO()]);
    return {
      readBytesS: known(bytes?.rx_sec),
      writeBytesS: known(bytes?.wx_sec),
      readsS: known(calls?.rIO_sec),
      writesS: known(calls?.wIO_sec),
    };
  }

  async #readSpace(): Promise<readonly DiskReading[]> {
    const mounts = await si.fsSize();
    return this.#settings.disks.flatMap((folder) => {
      const path = resolve(folder);
      const holds = (mount: string) => path === mount || path.startsWith(mount === '/' ? '/' : `${mount}/`);
      const found = mounts
        .filter(({ mount }) => holds(mount))
        .sort((a, b) => b.mount.length - a.mount.length)[0];
      return found
        ? [{ folder, mount: found.mount, totalBytes: found.size, freeBytes: found.available }]
        : [];
    });
  }

  async #readTemperature(): Promise<number | null> {
    const { main, max } = await si.cpuTemperature();
    return known(max) ?? known(main);
  }
}
