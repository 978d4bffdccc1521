// SPDX-License-Identifier: Apache-2.0
// The keys of a profile below `health`: defaults, and what a schema cannot say.

import type { SensorSettings } from '../model/health.js';
import { show } from '../model/show.js';

export interface HealthProfile {
  readonly sensors: readonly SensorSettings[];
}

export interface HealthFile {
  sensors?: (Pick<SensorSettings, 'name' | 'device' | 'path'> & Partial<SensorSettings>)[];
}

const sensorDefaults = { baudRate: null, silentAfterMs: null, delayMs: 0, maxOffsetMs: 500 } as const;

export function completeHealth(file: HealthFile = {}): HealthProfile {
  return { sensors: (file.sensors ?? []).map((sensor) => ({ ...sensorDefaults, ...sensor })) };
}

/** Parts of the wrong type are left to the schema. */
export function checkHealth(value: unknown, out: string[]): void {
  const { sensors } = (value ?? {}) as { sensors?: unknown };
  if (!Array.isArray(sensors)) return;
  for (const key of ['name', 'path'] as const) {
    const seen = new Set<unknown>();
    sensors.forEach((sensor: unknown, i) => {
      const own = ((sensor ?? {}) as Record<string, unknown>)[key];
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
