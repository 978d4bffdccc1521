// SPDX-License-Identifier: Apache-2.0
// Hand-made records and a clock that only moves when told, for tests of the role.

import type { Clock, Timer } from '../model/clock.js';
import { type DaqRecord, EventType, type Measurement } from '../model/daq.js';
import { focalPlaneToRoi, type Point, roiToFocalPlane } from '../model/geometry.js';
import { type GuideSensor, guideSensors } from '../model/location.js';
import type { AgentMessage, MessageSink } from '../model/messages.js';

export const ms = 1_000_000n;
export const second = 1_000n * ms;
/** 2026-07-14, TAI */
export const t0TaiNs = 1_784_079_261_500_000_000n;

export class FakeClock implements Clock {
  now = 1_000n * second;
  readonly #timers = new Set<{ readonly at: bigint; readonly call: () => void }>();

  monotonicNs(): bigint {
    return this.now;
  }

  taiNs(): bigint {
    return t0TaiNs + this.now;
  }

  at(at: bigint, call: () => void): Timer {
    const timer = { at, call };
    this.#timers.add(timer);
    return { cancel: () => this.#timers.delete(timer) };
  }

  /** Moves to a time and fires what is due, in order. */
  moveTo(time: bigint): void {
    for (;;) {
      const due = [...this.#timers].filter((t) => t.at <= time).sort((a, b) => Number(a.at - b.at));
      const [next] = due;
      if (!next) break;
      this.#timers.delete(next);
      if (next.at > this.now) this.now = next.at;
      next.call();
    }
    this.now = time;
  }

  get pending(): number {
    return this.#timers.size;
  }
}

export class Collected implements MessageSink {
  readonly messages: AgentMessage[] = [];

  publish(message: AgentMessage): void {
    this.messages.push(message);
  }

  of<K extends AgentMessage['kind']>(kind: K): Extract<AgentMessage, { kind: K }>[] {
    return this.messages.filter((m): m is Extract<AgentMessage, { kind: K }> => m.kind === kind);
  }

  last<K extends AgentMessage['kind']>(kind: K): Extract<AgentMessage, { kind: K }> {
    const found = this.of(kind).at(-1);
    if (!found) throw new Error(`no message of kind ${kind}`);
    return found;
  }
}

export const roi = { rows: 50, cols: 50, integrationMs: 50, segment: 3, startRow: 800, startCol: 56 };
const star: Point = { x: 24.5, y: 25.25 };
export const sigmaPx = 0.02;

export function measurement(p: Point, over: Partial<Measurement> = {}): Measurement {
  return {
    x: p.x,
    y: p.y,
    ex: sigmaPx,
    ey: sigmaPx,
    flux: 50_000,
    fluxErr: 300,
    background: 13_000,
    noise: 5,
    snr: 150,
    fwhm: 4,
    momentXx: 2.9,
    momentYy: 2.9,
    momentXy: 0,
    chi2: 1,
    peak: 3000,
    flags: 0,
    fault: 0,
    nSaturated: 0,
    nMasked: 0,
    iterations: 5,
    candidates: 1,
    measureNs: 15_000,
    ...over,
  };
}

export interface When {
  readonly series: number;
  /** in the series */
  readonly stamp: number;
  /** last packet, monotonic */
  readonly lastNs: bigint;
}

export function record(sensor: GuideSensor, over: Partial<DaqRecord>): DaqRecord {
  return {
    eventType: EventType.stamp,
    eventStatus: 0,
    daqState: 3,
    location: sensor.location,
    pixelType: 1,
    sequence: 0,
    stamp: 0,
    series: 0n,
    stampIndex: 0n,
    frameFlags: 0,
    missingBytes: 0,
    gap: 0,
    tSrcTaiNs: 0n,
    tFirstNs: 0n,
    tLastNs: 0n,
    tDeliveredNs: over.tLastNs ?? 0n,
    tMeasuredNs: 0n,
    rows: roi.rows,
    cols: roi.cols,
    segment: roi.segment,
    startRow: roi.startRow,
    startCol: roi.startCol,
    integrationMs: roi.integrationMs,
    stampsSent: null,
    outcome: 'event',
    superseded: 0,
    lease: 0n,
    measurement: null,
    seriesMetadata: null,
    text: '',
    ...over,
  };
}

function numbered({ series, stamp, lastNs }: When): Partial<DaqRecord> {
  return {
    sequence: series & 0xffff,
    series: BigInt(series),
    stamp: stamp & 0xffff,
    stampIndex: BigInt(stamp),
    tSrcTaiNs: t0TaiNs + lastNs,
    tFirstNs: lastNs - 200_000n,
    tLastNs: lastNs,
    tMeasuredNs: lastNs + 20_000n,
  };
}

/** A measured stamp whose star has moved by (dx, dy, rotation) mm and rad in the focal plane. */
export function stampOf(
  sensor: GuideSensor,
  when: When,
  motion: { dx: number; dy: number; rotation: number } = { dx: 0, dy: 0, rotation: 0 },
  over: Partial<DaqRecord> = {},
): DaqRecord {
  const at = roiToFocalPlane(sensor, roi, star);
  const moved = {
    x: at.x + motion.dx - motion.rotation * at.y,
    y: at.y + motion.dy + motion.rotation * at.x,
  };
  return record(sensor, {
    ...numbered(when),
    outcome: 'measured',
    measurement: measurement(focalPlaneToRoi(sensor, roi, moved)),
    ...over,
  });
}

export function start(sensor: GuideSensor, series: number, lastNs: bigint, id = 'guider-1'): DaqRecord {
  return record(sensor, {
    ...numbered({ series, stamp: 0, lastNs }),
    eventType: EventType.start,
    daqState: 2,
    seriesMetadata: {
      rows: roi.rows,
      cols: roi.cols,
      integrationMs: roi.integrationMs,
      overRows: 0,
      underCols: 0,
      overCols: 0,
      flushCount: 0,
      location: sensor.location,
      segment: roi.segment,
      startRow: roi.startRow,
      startCol: roi.startCol,
      version: 'R5-V13.16',
      firmware: 1,
      serial: 7n,
      splitRoi: false,
      vendor: 0,
      platform: 'test',
      id,
    },
  });
}

export function resume(sensor: GuideSensor, series: number, lastNs: bigint, text: string): DaqRecord {
  return record(sensor, {
    ...numbered({ series, stamp: 0, lastNs }),
    eventType: EventType.resume,
    text,
  });
}

export function halt(
  sensor: GuideSensor,
  eventType: number,
  series: number,
  lastNs: bigint,
  stampsSent: bigint | null,
): DaqRecord {
  return record(sensor, { ...numbered({ series, stamp: 0, lastNs }), eventType, daqState: 2, stampsSent });
}

export function status(daqState: number, lastNs: bigint): DaqRecord {
  const [any] = guideSensors;
  if (!any) throw new Error('there are guide sensors');
  const whole = record(any, {
    ...numbered({ series: 0, stamp: 0, lastNs }),
    eventType: EventType.status,
    daqState,
  });
  return { ...whole, location: 255 };
}

export const all = guideSensors;
