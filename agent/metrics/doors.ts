// SPDX-License-Identifier: Apache-2.0
// How long stamps take from door to door: every message on its way to the publisher is looked at, none is changed.

import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import type { DoorLatency } from '../model/health.js';
import type { AgentMessage, MessageSink } from '../model/messages.js';

/**
 * transfer: first to last packet of a stamp; measure: last packet to measured, the wait for the link thread included;
 * publish: measured to handed to ZeroMQ; offsets: last packet of an acquisition to its offsets handed to ZeroMQ.
 */
export const doors = ['transfer', 'measure', 'publish', 'offsets'] as const;
export type Door = (typeof doors)[number];

export interface DoorsDeps {
  readonly next: MessageSink;
  readonly monotonicNs: () => bigint;
  /** each latency, s */
  readonly observe: (door: Door, seconds: number) => void;
}

export class Doors implements MessageSink {
  readonly #deps: DoorsDeps;
  readonly #recent = new Map<Door, RecordableHistogram>(doors.map((door) => [door, createHistogram()]));
  readonly #waiting: [Door, bigint][] = [];

  constructor(deps: DoorsDeps) {
    this.#deps = deps;
  }

  publish(message: AgentMessage): void {
    this.#deps.next.publish(message);
    if (message.kind === 'guider.result' && message.outcome === 'measured') {
      const now = this.#deps.monotonicNs();
      this.#record('transfer', message.tLastNs - message.tFirstNs);
      this.#record('measure', message.tMeasuredNs - message.tLastNs);
      this.#record('publish', now - message.tMeasuredNs);
    } else if (message.kind === 'guider.offsets' && message.tLastNs > 0n) {
      this.#record('offsets', this.#deps.monotonicNs() - message.tLastNs);
    }
  }

  /** Since the last call, by door. */
  take(): Record<Door, DoorLatency> {
    this.#count();
    const out: Partial<Record<Door, DoorLatency>> = {};
    for (const [door, histogram] of this.#recent) {
      const { count } = histogram;
      const ms = (ns: number) => (count === 0 ? Number.NaN : ns / 1e6);
      out[door] = {
        count,
        p50Ms: ms(histogram.percentile(50)),
        p99Ms: ms(histogram.percentile(99)),
        maxMs: ms(histogram.max),
      };
      histogram.reset();
    }
    return out as Record<Door, DoorLatency>;
  }

  /** Counted once the messages of this turn have left. */
  #record(door: Door, ns: bigint): void {
    // A source without times (a recording) says nothing here.
    if (ns <= 0n) return;
    if (this.#waiting.length === 0) setImmediate(() => this.#count());
    this.#waiting.push([door, ns]);
  }

  #count(): void {
    for (const [door, ns] of this.#waiting) {
      this.#recent.get(door)?.record(ns);
      this.#deps.observe(door, Number(ns) / 1e9);
    }
    this.#waiting.length = 0;
  }
}
