// SPDX-License-Identifier: Apache-2.0
// Bodies of what health says.

import type { HostMessage, MetricsMessage, SensorMessage } from '../model/health.js';
import { toWire } from '../model/names.js';

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

export function hostBody(m: HostMessage): Readonly<Record<string, unknown>> {
  const { reading: r } = m;
  return {
    machine: r.machine === null ? null : toWire(r.machine),
    cpu_load: r.cpuLoad,
    cpu_load_max: r.cpuLoadMax,
    memory_total_bytes: r.memoryTotalBytes,
    memory_available_bytes: r.memoryAvailableBytes,
    swap_used_bytes: r.swapUsedBytes,
    disks: r.disks.map(toWire),
    disk_read_bytes_s: r.diskReadBytesS,
    disk_write_bytes_s: r.diskWriteBytesS,
    disk_reads_s: r.diskReadsS,
    disk_writes_s: r.diskWritesS,
    temperature_c: r.temperatureC,
    interface: r.interface === null ? null : toWire(r.interface),
    daq_errors: m.daqErrors,
    process_rss_bytes: r.processRssBytes,
    fds: r.fds,
    fd_limit: r.fdLimit,
    event_loop_delay: toWire(m.eventLoopDelay),
    age_ms: m.ageMs,
  };
}

export function metricsBody(m: MetricsMessage): Readonly<Record<string, unknown>> {
  return {
    counters: m.counters,
    latency: Object.fromEntries(Object.entries(m.latency).map(([door, one]) => [door, toWire(one)])),
  };
}
