// SPDX-License-Identifier: Apache-2.0
// Whether the time that goes out can be trusted: TAI - UTC from all who know it, steps of the system clock, and the
// timing receiver. Where it cannot, an alarm says why and results are flagged.

import type { Log } from '../model/log.js';
import { chooseTaiOffset, type TaiOffset } from '../model/tai.js';
import type { Alarms } from './alarms.js';
import type { HostClock } from './host-clock.js';

export interface TimeSources {
  /** CLOCK_TAI - CLOCK_REALTIME, s; null where it cannot be read */
  readonly kernelSeconds: () => number | null;
  /** what the profile vouches for */
  readonly profileSeconds: number | null;
  /** text of the leap-second table; `nowS` is monotonic */
  readonly leapTable: (nowS: number) => string | null;
}

export interface TimeWatchDeps {
  readonly alarms: Alarms;
  readonly log: Log;
  readonly clock: HostClock;
  /** a timing receiver says that the system clock is wrong */
  readonly receiverSuspect: () => boolean;
}

/** s after a step of the system clock in which nobody knows whether it was right before or is right now */
const stepHoldsS = 60;

/** TAI - UTC now, by all who know it. */
export function taiOffsetNow(sources: TimeSources, nowUnixS: number, nowS: number): TaiOffset {
  return chooseTaiOffset(sources.kernelSeconds(), sources.leapTable(nowS), nowUnixS, sources.profileSeconds);
}

export class TimeWatch {
  readonly #sources: TimeSources;
  readonly #deps: TimeWatchDeps;
  #offset: TaiOffset;
  /** monotonic s of the last step */
  #steppedS = Number.NEGATIVE_INFINITY;

  constructor(offset: TaiOffset, sources: TimeSources, deps: TimeWatchDeps) {
    this.#offset = offset;
    this.#sources = sources;
    this.#deps = deps;
  }

  get offset(): TaiOffset {
    return this.#offset;
  }

  /** Results must not be taken at their time. */
  get suspect(): boolean {
    return this.#offset.suspect || this.#deps.alarms.isOn('clock_step') || this.#deps.receiverSuspect();
  }

  start(): void {
    this.#tell();
    if (!this.#offset.suspect) this.#deps.log.info(this.#offset.detail);
  }

  /** To be called each second. */
  look(): void {
    const { clock, alarms, log } = this.#deps;
    const nowS = Number(clock.monotonicNs()) / 1e9;
    const step = clock.refresh();
    if (step !== 0) {
      const message = `the system clock was set ${step > 0 ? 'forward' : 'back'} by ${Math.abs(step).toFixed(3)} s`;
      if (alarms.isOn('clock_step')) log.warning(message, { alarm: 'clock_step' });
      else alarms.raise('clock_step', 'serious', `${message}: results are flagged time_suspect`);
      this.#steppedS = nowS;
    } else if (nowS - this.#steppedS >= stepHoldsS) {
      alarms.clear('clock_step', `the system clock was not set for ${stepHoldsS} s`);
    }
    const offset = taiOffsetNow(this.#sources, Number(clock.utcNs()) / 1e9, nowS);
    if (offset.detail === this.#offset.detail) return;
    this.#offset = offset;
    clock.taiMinusUtcS = offset.seconds;
    alarms.clear('tai_offset', offset.detail);
    this.#tell();
    if (!offset.suspect) log.info(offset.detail);
  }

  #tell(): void {
    const { suspect, detail } = this.#offset;
    if (suspect) this.#deps.alarms.raise('tai_offset', 'warning', detail);
  }
}
