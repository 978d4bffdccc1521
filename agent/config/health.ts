// SPDX-License-Identifier: Apache-2.0
// The keys of a profile below `health`: defaults, and what a schema cannot say.

import { resolve } from 'node:path';
import {
  type HostQuantity,
  type HostSettings,
  hostQuantities,
  type SensorSettings,
  type ThresholdSettings,
} from '../model/health.js';
import { show } from '../model/show.js';

export interface HealthProfile {
  /** null: the machine is not watched */
  readonly host: HostSettings | null;
  /** where Prometheus asks; null: nowhere */
  readonly prometheus: { readonly host: string; readonly port: number } | null;
  readonly sensors: readonly SensorSettings[];
  /** TAI - UTC that an operator vouches for, s; null: nobody does */
  readonly taiMinusUtcS: number | null;
}

export interface HealthFile {
  taiMinusUtcS?: number | null;
  host?: {
    interface?: string | null;
    disks?: string[];
    thresholds?: Partial<Record<HostQuantity, Partial<ThresholdSettings> | null>>;
  } | null;
  prometheus?: string | null;
  sensors?: (Pick<SensorSettings, 'name' | 'device' | 'path'> & Partial<SensorSettings>)[];
}

const sensorDefaults = { baudRate: null, silentAfterMs: null, delayMs: 0, maxOffsetMs: 500 } as const;
const prometheusDefault = '127.0.0.1:9570';

const thresholdDefaults: Readonly<Record<HostQuantity, ThresholdSettings | null>> = {
  cpuLoad: { raise: 95, clear: 85, holdS: 30 },
  memoryAvailable: { raise: 5, clear: 10, holdS: 10 },
  diskFree: { raise: 5, clear: 10, holdS: 0 },
  temperature: { raise: 90, clear: 80, holdS: 10 },
  processRss: { raise: 1500, clear: 1200, holdS: 10 },
  fds: { raise: 80, clear: 60, holdS: 0 },
  eventLoopDelay: { raise: 100, clear: 50, holdS: 3 },
  daqErrors: { raise: 1, clear: 0, holdS: 0 },
  daqSpeed: null,
};

/** `folder`: relative paths count from there; `spool`: a folder that the agent writes to, watched by default. */
export function completeHealth(file: HealthFile = {}, folder: string, spool: string | null): HealthProfile {
  const prometheus = file.prometheus === undefined ? prometheusDefault : file.prometheus;
  const [host = '', port = ''] = (prometheus ?? '').split(':');
  return {
    host: file.host === null ? null : completeHost(file.host ?? {}, folder, spool),
    prometheus: prometheus === null ? null : { host, port: Number(port) },
    taiMinusUtcS: file.taiMinusUtcS ?? null,
    sensors: (file.sensors ?? []).map((sensor) => ({ ...sensorDefaults, ...sensor })),
  };
}

function completeHost(
  file: NonNullable<HealthFile['host']>,
  folder: string,
  spool: string | null,
): HostSettings {
  const disks = file.disks ?? ['/', ...(spool === null ? [] : [spool])];
  const thresholds = { ...thresholdDefaults };
  for (const quantity of hostQuantities) {
    const own = file.thresholds?.[quantity];
    if (own === undefined) continue;
    const base = thresholdDefaults[quantity] ?? { raise: 0, clear: 0, holdS: 0 };
    thresholds[quantity] = own === null ? null : { ...base, ...own };
  }
  return {
    interface: file.interface ?? null,
    disks: disks.map((path) => resolve(folder, path)),
    thresholds,
  };
}

/** Parts of the wrong type are left to the schema. */
export function checkHealth(value: unknown, out: string[]): void {
  const { sensors, host, prometheus } = section(value);
  const address = /^(127\.\d{1,3}\.\d{1,3}\.\d{1,3}|localhost):(\d{1,5})$/.exec(String(prometheus));
  if (typeof prometheus === 'string' && !(address !== null && Number(address[2]) <= 65_535)) {
    out.push(
      `health.prometheus: expected a loopback address such as ${prometheusDefault}, got ${show(prometheus)}`,
    );
  }
  checkThresholds(section(section(host).thresholds), out);
  if (!Array.isArray(sensors)) return;
  for (const key of ['name', 'path'] as const) {
    const seen = new Set<unknown>();
    sensors.forEach((sensor: unknown, i) => {
      const own = section(sensor)[key];
      if (typeof own !== 'string') return;
      if (seen.has(own)) {
        out.push(
          `health.sensors.${i}.${key}: expected another than the sensors above have, got ${show(own)}`,
        );
      }
      seen.add(own);
    });
  }
}

type Section = Readonly<Record<string, unknown>>;

function section(value: unknown): Section {
  return typeof value === 'object' && value !== null ? (value as Section) : {};
}

/** Where an alarm begins and ends must not change sides: low values would be bad where high ones are. */
function checkThresholds(thresholds: Section, out: string[]): void {
  for (const quantity of hostQuantities) {
    const own = section(thresholds[quantity]);
    const base = thresholdDefaults[quantity];
    const raise = own.raise ?? base?.raise;
    const clear = own.clear ?? base?.clear;
    const key = `health.host.thresholds.${quantity}`;
    if (quantity === 'daqSpeed') {
      if (thresholds[quantity] && (own.raise === undefined || own.clear === undefined)) {
        out.push(`${key}: expected raise and clear, Mbit/s, got ${show(own)}`);
      }
      continue;
    }
    if (typeof raise !== 'number' || typeof clear !== 'number' || base === null) continue;
    const high = base.raise > base.clear;
    if (high ? clear > raise : clear < raise) {
      out.push(`${key}.clear: expected ${high ? 'at most' : 'at least'} raise (${raise}), got ${clear}`);
    }
  }
}
