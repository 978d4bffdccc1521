// SPDX-License-Identifier: Apache-2.0
// Bodies of what health says.

import type { SensorMessage } from '../model/health.js';

export function sensorBody(m: SensorMessage): Readonly<Record<string, unknown>> {
  return {
    sensor: m.sensor,
    device: m.device,
    event: m.event,
    timestamp: m.timestamp,
    t_arrival_ns: m.tArrivalNs,
    t_arrival_tai_ns: m.tArrivalTaiNs,
    values: m.values,
    flags: m.flags,
    lines: m.lines,
    reconnects: m.reconnects,
    detail: m.detail,
  };
}
