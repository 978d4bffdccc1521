// SPDX-License-Identifier: Apache-2.0
// The machine and the alarms as Prometheus samples.

import type { AlarmHistory, EventLoopDelay, HostReading } from '../model/health.js';
import type { Sample } from './flatten.js';

function gauge(name: string, value: number | null, labels: Readonly<Record<string, string>> = {}): Sample[] {
  return value === null ? [] : [{ name: `summit_host_${name}`, type: 'gauge', labels, value }];
}

export function hostSamples(reading: HostReading | null, delay: EventLoopDelay): Sample[] {
  if (reading === null) return [];
  const daq = reading.interface;
  const counter = (name: string, value: number, labels: Readonly<Record<string, string>>): Sample => ({
    name: `summit_host_${name}_total`,
    type: 'counter',
    labels,
    value,
  });
  return [
    ...gauge('cpu_load', reading.cpuLoad),
    ...gauge('cpu_load_max', reading.cpuLoadMax),
    ...gauge('memory_total_bytes', reading.memoryTotalBytes),
    ...gauge('memory_available_bytes', reading.memoryAvailableBytes),
    ...gauge('swap_used_bytes', reading.swapUsedBytes),
    ...reading.disks.flatMap(({ folder, totalBytes, freeBytes }) => [
      ...gauge('disk_total_bytes', totalBytes, { folder }),
      ...gauge('disk_free_bytes', freeBytes, { folder }),
    ]),
    ...gauge('disk_read_bytes_s', reading.diskReadBytesS),
    ...gauge('disk_write_bytes_s', reading.diskWriteBytesS),
    ...gauge('temperature_c', reading.temperatureC),
    ...(daq === null
      ? []
      : [
          ...gauge('interface_up', daq.state === 'up' || daq.state === 'unknown' ? 1 : 0, {
            interface: daq.name,
          }),
          ...gauge('interface_speed_mbps', daq.speedMbps, { interface: daq.name }),
          ...(['rx', 'tx'] as const).flatMap((way) => {
            const labels = { interface: daq.name, direction: way };
            return [
              counter('interface_bytes', daq[`${way}Bytes`], labels),
              counter('interface_errors', daq[`${way}Errors`], labels),
              counter('interface_dropped', daq[`${way}Dropped`], labels),
            ];
          }),
        ]),
    ...gauge('process_rss_bytes', reading.processRssBytes),
    ...gauge('fds', reading.fds),
    ...gauge('fd_limit', reading.fdLimit),
    ...gauge('event_loop_delay_p50_ms', delay.p50Ms),
    ...gauge('event_loop_delay_p99_ms', delay.p99Ms),
    ...gauge('event_loop_delay_max_ms', delay.maxMs),
  ];
}

/** 1 while an alarm is on and 0 once it was, and how often it began: one that came and went between two scrapes counts. */
export function alarmSamples(known: readonly AlarmHistory[]): Sample[] {
  return known.flatMap(({ name, severity, active, raised }) => {
    const labels = { alarm: name, severity };
    return [
      { name: 'summit_alarm', type: 'gauge' as const, labels, value: active ? 1 : 0 },
      { name: 'summit_alarm_raised_total', type: 'counter' as const, labels, value: raised },
    ];
  });
}
