// SPDX-License-Identifier: Apache-2.0
// The machine beside the stamps: publishes what its thread reads and compares it with the thresholds of the profile.

import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import {
  type EventLoopDelay,
  type HostQuantity,
  type HostReading,
  type HostSettings,
  hostQuantities,
  type InterfaceReading,
} from '../../model/health.js';
import type { AlarmMessage, MessageSink } from '../../model/messages.js';
import type { Alarms } from '../alarms.js';
import { interfaceOf } from './interface.js';
import type { HostThread, StartHostThread } from './thread.js';
import { Threshold } from './threshold.js';

export interface HostDeps {
  readonly sink: MessageSink;
  readonly alarms: Alarms;
  readonly startThread: StartHostThread;
  /** s, monotonic */
  readonly nowS: () => number;
}

/** ms between two looks at the event loop */
const resolutionMs = 10;
/** s without a reading after which the last one is stale */
const staleAfterS = 5;
const periodMs = 1000;
/** s over which errors of the DAQ's interface are counted */
const errorWindowS = 30;

interface Watched {
  readonly name: string;
  readonly severity: AlarmMessage['severity'];
  readonly sentence: (value: string) => string;
}

const watched: Readonly<Record<HostQuantity, Watched>> = {
  cpuLoad: { name: 'host_cpu_load', severity: 'warning', sentence: (v) => `the CPUs are ${v} % busy` },
  memoryAvailable: {
    name: 'host_memory_available',
    severity: 'serious',
    sentence: (v) => `${v} % of the memory is available`,
  },
  diskFree: { name: 'host_disk_free', severity: 'serious', sentence: (v) => `${v} % of the disk is free` },
  temperature: { name: 'host_temperature', severity: 'warning', sentence: (v) => `the CPU is at ${v} deg C` },
  processRss: { name: 'host_process_rss', severity: 'warning', sentence: (v) => `the agent holds ${v} MB` },
  fds: {
    name: 'host_fds',
    severity: 'serious',
    sentence: (v) => `${v} % of the file descriptors are in use`,
  },
  eventLoopDelay: {
    name: 'host_event_loop_delay',
    severity: 'warning',
    sentence: (v) => `the event loop was ${v} ms late`,
  },
  daqErrors: {
    name: 'daq_interface_errors',
    severity: 'warning',
    sentence: (v) => `the DAQ's interface counted ${v} errors and drops within 30 s`,
  },
  daqSpeed: {
    name: 'daq_interface_speed',
    severity: 'warning',
    sentence: (v) => `the DAQ's interface runs at ${v} Mbit/s`,
  },
};

const errorsOf = (i: InterfaceReading) => i.rxErrors + i.rxDropped + i.txErrors + i.txDropped;
const short = (value: number) => String(Math.round(value * 10) / 10);

export class HostHealth {
  readonly #settings: HostSettings;
  readonly #deps: HostDeps;
  /** by name of the alarm */
  readonly #thresholds = new Map<string, Threshold>();
  readonly #delay: IntervalHistogram = monitorEventLoopDelay({ resolution: resolutionMs });
  #thread: HostThread | null = null;
  #timer: NodeJS.Timeout | null = null;
  #reading: HostReading | null = null;
  #readS = 0;
  /** of the DAQ's interface, by time */
  #errors: { readonly atS: number; readonly count: number }[] = [];
  #last: EventLoopDelay = { p50Ms: 0, p99Ms: 0, maxMs: 0 };

  constructor(settings: HostSettings, deps: HostDeps) {
    this.#settings = settings;
    this.#deps = deps;
  }

  start(): void {
    this.#readS = this.#deps.nowS();
    this.#delay.enable();
    this.#thread = this.#deps.startThread(this.#settings, (reading) => this.onReading(reading));
    this.#timer = setInterval(() => this.#checkAge(), periodMs);
  }

  async stop(): Promise<void> {
    if (this.#timer) clearInterval(this.#timer);
    this.#delay.disable();
    await this.#thread?.stop();
    this.#thread = null;
  }

  /** The last reading and the event loop's delay then. */
  get last(): { readonly reading: HostReading | null; readonly eventLoopDelay: EventLoopDelay } {
    return { reading: this.#reading, eventLoopDelay: this.#last };
  }

  onReading(reading: HostReading): void {
    this.#reading = reading;
    this.#readS = this.#deps.nowS();
    this.#last = this.#takeDelay();
    this.#deps.alarms.clear('host_stale', 'the machine is read again');
    this.#countErrors(reading.interface);
    this.#publish();
    this.#check(reading);
  }

  get #daqErrors(): number {
    return (this.#errors.at(-1)?.count ?? 0) - (this.#errors[0]?.count ?? 0);
  }

  #publish(): void {
    if (this.#reading === null) return;
    this.#deps.sink.publish({
      kind: 'health.host',
      reading: this.#reading,
      eventLoopDelay: this.#last,
      daqErrors: this.#daqErrors,
      ageMs: Math.round((this.#deps.nowS() - this.#readS) * 1000),
    });
  }

  #checkAge(): void {
    if (this.#deps.nowS() - this.#readS < staleAfterS) return;
    this.#deps.alarms.raise('host_stale', 'warning', `the machine was not read for ${staleAfterS} s`);
    // Its age says that it is an old one.
    this.#publish();
  }

  /** The histogram counts whole intervals between two looks: what is beyond the one asked for is delay. */
  #takeDelay(): EventLoopDelay {
    const beyond = (ns: number) => Math.max(0, ns / 1e6 - resolutionMs);
    const delay = this.#delay;
    const none = delay.count === 0;
    const taken = {
      p50Ms: none ? 0 : beyond(delay.percentile(50)),
      p99Ms: none ? 0 : beyond(delay.percentile(99)),
      maxMs: none ? 0 : beyond(delay.max),
    };
    delay.reset();
    return taken;
  }

  #countErrors(now: InterfaceReading | null): void {
    const atS = this.#deps.nowS();
    const count = now === null ? 0 : errorsOf(now);
    // Counters begin again when an interface does.
    if (count < (this.#errors.at(-1)?.count ?? 0)) this.#errors = [];
    this.#errors.push({ atS, count });
    this.#errors = this.#errors.filter((one) => atS - one.atS <= errorWindowS);
  }

  #check(reading: HostReading): void {
    const { memoryAvailableBytes, memoryTotalBytes, interface: daq } = reading;
    const values: Readonly<Record<Exclude<HostQuantity, 'diskFree'>, number>> = {
      cpuLoad: reading.cpuLoad,
      memoryAvailable: (memoryAvailableBytes / memoryTotalBytes) * 100,
      temperature: reading.temperatureC ?? Number.NaN,
      processRss: reading.processRssBytes / 1e6,
      fds: (reading.fds / reading.fdLimit) * 100,
      eventLoopDelay: this.#last.maxMs,
      daqErrors: this.#daqErrors,
      daqSpeed: daq?.speedMbps ?? Number.NaN,
    };
    for (const quantity of hostQuantities) {
      if (quantity !== 'diskFree') this.#compare(quantity, '', values[quantity]);
    }
    for (const disk of reading.disks) {
      this.#compare('diskFree', `:${disk.folder}`, (disk.freeBytes / disk.totalBytes) * 100);
    }
    if (daq === null) return;
    const down = daq.state === 'down' || daq.state === 'absent' || daq.state === 'lowerlayerdown';
    const text = `the DAQ's interface ${daq.name} is ${daq.state}`;
    if (down) this.#deps.alarms.raise('daq_interface_down', 'serious', text);
    else this.#deps.alarms.clear('daq_interface_down', text);
  }

  #compare(quantity: HostQuantity, suffix: string, value: number): void {
    const settings = this.#settings.thresholds[quantity];
    if (settings === null) return;
    const { name, severity, sentence } = watched[quantity];
    const key = name + suffix;
    const threshold = this.#thresholds.get(key) ?? new Threshold(settings);
    this.#thresholds.set(key, threshold);
    const where = suffix === '' ? '' : ` (${suffix.slice(1)})`;
    const text = `${sentence(short(value))}${where}`;
    if (threshold.take(value, this.#deps.nowS())) {
      this.#deps.alarms.raise(key, severity, `${text}: the alarm begins at ${settings.raise}`);
    } else this.#deps.alarms.clear(key, text);
  }
}

/** `linkOptions`: of the DAQ driver; where the profile names no interface, they say on which address stamps arrive. */
export function makeHost(
  settings: HostSettings | null,
  linkOptions: Readonly<Record<string, unknown>>,
  deps: HostDeps,
): HostHealth | null {
  if (settings === null) return null;
  const { address, interface: name } = linkOptions;
  const text = (value: unknown) => (typeof value === 'string' ? value : null);
  const daq = settings.interface ?? interfaceOf(text(address), text(name));
  return new HostHealth({ ...settings, interface: daq }, deps);
}
