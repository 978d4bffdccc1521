// SPDX-License-Identifier: Apache-2.0
// What health says and what a profile tells it. Wire names and units of values: agent/README.md.

/** A device on a serial line. */
export interface SensorSettings {
  /** source in its topic */
  readonly name: string;
  /** key of the table of devices */
  readonly device: string;
  readonly path: string;
  /** null: the device's own */
  readonly baudRate: number | null;
  /** ms without a good line after which an alarm is raised; null: five periods of the device, at least 2 s */
  readonly silentAfterMs: number | null;
  /** a timing receiver: ms from the second to the arrival of its sentence */
  readonly delayMs: number;
  /** a timing receiver: offset of the system clock that raises an alarm, ms */
  readonly maxOffsetMs: number;
}

export type SensorEvent = 'reading' | 'connected' | 'lost' | 'silent' | 'bad_line';

/** A reading of a serial device, or what befell it (then `values` is empty). */
export interface SensorMessage {
  readonly kind: 'health.sensor';
  readonly sensor: string;
  readonly device: string;
  readonly event: SensorEvent;
  /** TAI s of the arrival of the line's first byte; of the event */
  readonly timestamp: number;
  readonly tArrivalNs: bigint;
  readonly tArrivalTaiNs: bigint;
  /** wire names with units, as the device's file lists them; NaN: no number */
  readonly values: Readonly<Record<string, unknown>>;
  readonly flags: readonly string[];
  /** lines since the agent's start: good, ignored, and bad by cause; wire names */
  readonly lines: Readonly<Record<string, number>>;
  readonly reconnects: number;
  /** a sentence for people; '' with a reading */
  readonly detail: string;
}

/** `raise` beyond `clear`: high values are bad; below it: low ones are. */
export interface ThresholdSettings {
  readonly raise: number;
  readonly clear: number;
  /** s that a value stays beyond either before the alarm changes */
  readonly holdS: number;
}

/** What a threshold of the host is about; units in hw-profiles/README.md. */
export const hostQuantities = [
  'cpuLoad',
  'memoryAvailable',
  'diskFree',
  'temperature',
  'processRss',
  'fds',
  'eventLoopDelay',
  'daqErrors',
  'daqSpeed',
] as const;
export type HostQuantity = (typeof hostQuantities)[number];

export interface HostSettings {
  /** network interface of the DAQ link; null: none */
  readonly interface: string | null;
  /** folders whose disks are watched */
  readonly disks: readonly string[];
  /** null: not watched */
  readonly thresholds: Readonly<Record<HostQuantity, ThresholdSettings | null>>;
}

export interface DiskReading {
  /** folder in the profile */
  readonly folder: string;
  readonly mount: string;
  readonly totalBytes: number;
  readonly freeBytes: number;
}

export interface InterfaceReading {
  readonly name: string;
  /** up, down, unknown (loopback), absent */
  readonly state: string;
  /** Mbit/s; null where it has none */
  readonly speedMbps: number | null;
  readonly rxBytes: number;
  readonly txBytes: number;
  /** since the interface exists */
  readonly rxErrors: number;
  readonly rxDropped: number;
  readonly txErrors: number;
  readonly txDropped: number;
}

/** What does not change while a machine runs. */
export interface MachineReading {
  readonly system: string;
  readonly cpu: string;
  readonly cores: number;
  readonly os: string;
  readonly kernel: string;
}

/** What the host's thread reads; null: not read yet, or the machine has none. */
export interface HostReading {
  readonly machine: MachineReading | null;
  /** % of all cores */
  readonly cpuLoad: number;
  /** % of the busiest core */
  readonly cpuLoadMax: number;
  readonly memoryTotalBytes: number;
  readonly memoryAvailableBytes: number;
  readonly swapUsedBytes: number;
  readonly disks: readonly DiskReading[];
  readonly diskReadBytesS: number | null;
  readonly diskWriteBytesS: number | null;
  readonly diskReadsS: number | null;
  readonly diskWritesS: number | null;
  /** deg C, the hottest */
  readonly temperatureC: number | null;
  readonly interface: InterfaceReading | null;
  readonly processRssBytes: number;
  readonly fds: number;
  readonly fdLimit: number;
}

/** ms beyond what was asked of a timer of the main thread, in the last second */
export interface EventLoopDelay {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface HostMessage {
  readonly kind: 'health.host';
  readonly reading: HostReading;
  readonly eventLoopDelay: EventLoopDelay;
  /** errors and drops of the DAQ interface within the last 30 s */
  readonly daqErrors: number;
  /** age of the reading, ms; above 5000 it is stale */
  readonly ageMs: number;
}

/** Every counter, and latencies of the last seconds. */
export interface MetricsMessage {
  readonly kind: 'metrics';
  readonly counters: Readonly<Record<string, unknown>>;
  /** by door, ms */
  readonly latency: Readonly<Record<string, DoorLatency>>;
}

export interface DoorLatency {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** An alarm that was on at least once. */
export interface AlarmHistory {
  readonly name: string;
  readonly severity: string;
  readonly active: boolean;
  /** how often it began */
  readonly raised: number;
}
