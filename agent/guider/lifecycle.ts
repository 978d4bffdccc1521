// SPDX-License-Identifier: Apache-2.0
// Merges what the DAQ says of each sensor (START, RESUME, PAUSE, STOP) into one event of the guider: it goes
// out when all sensors have said it, or a short time after the first one did.

import type { Clock, Timer } from '../model/clock.js';
import { EventType } from '../model/daq.js';

export interface Merged {
  readonly eventType: number;
  readonly sensors: readonly string[];
  /** TAI ns of the earliest */
  readonly taiNs: bigint;
  readonly daqState: number;
}

/** The DAQ tells eight sensors within microseconds; a lost datagram must not hold the event back. */
const windowNs = 20_000_000n;
/** Nothing waits for START, and its message should know all sensors. */
const startWindowNs = 200_000_000n;

interface Pending {
  readonly eventType: number;
  readonly sensors: Set<string>;
  taiNs: bigint;
  daqState: number;
  timer: Timer;
}

export class EventMerger {
  readonly #clock: Clock;
  readonly #emit: (merged: Merged) => void;
  #pending: Pending | null = null;
  /** what was sent last: sensors that say it later add nothing */
  #told = -1;

  constructor(clock: Clock, emit: (merged: Merged) => void) {
    this.#clock = clock;
    this.#emit = emit;
  }

  /** `expected`: how many sensors will say it. */
  take(eventType: number, sensor: string, taiNs: bigint, daqState: number, expected: number): void {
    if (this.#pending && this.#pending.eventType !== eventType) this.flush();
    if (!this.#pending && this.#told === eventType) return;
    const window = eventType === EventType.start ? startWindowNs : windowNs;
    this.#pending ??= {
      eventType,
      sensors: new Set(),
      taiNs,
      daqState,
      timer: this.#clock.at(this.#clock.monotonicNs() + window, () => this.flush()),
    };
    const pending = this.#pending;
    pending.sensors.add(sensor);
    pending.daqState = daqState;
    if (taiNs !== 0n && (pending.taiNs === 0n || taiNs < pending.taiNs)) pending.taiNs = taiNs;
    if (pending.sensors.size >= expected) this.flush();
  }

  /** A new series or exposure: the same event may come again. */
  turn(): void {
    this.flush();
    this.#told = -1;
  }

  /** Sends what is pending now: something newer is about to be said. */
  flush(): void {
    const pending = this.#pending;
    if (!pending) return;
    this.#pending = null;
    this.#told = pending.eventType;
    pending.timer.cancel();
    const { eventType, taiNs, daqState } = pending;
    this.#emit({ eventType, sensors: [...pending.sensors], taiNs, daqState });
  }
}
