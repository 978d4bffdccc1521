// SPDX-License-Identifier: Apache-2.0
// What the simulated DAQ does by itself: START {RESUME, STAMP x N, PAUSE} x M STOP, like a night's scripts.
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { guideSensors, roiKeyOf } from '../agent/model/location.js';
import type { Daq, Outcome } from './daq.js';
import type { SimOptions } from './options.js';

/** roiSpec of the observatory's on-sky default places: segment 7 on SG0, 0 on SG1, row 800, column 56. */
export function defaultRoiSpec(options: SimOptions): Record<string, Record<string, number>> {
  const spec: Record<string, Record<string, number>> = {
    common: { rows: options.rows, cols: options.cols, integrationTimeMillis: options.integrationMs },
  };
  for (const sensor of guideSensors) {
    spec[roiKeyOf(sensor)] = { segment: sensor.ccdSlot === 'SG0' ? 7 : 0, startRow: 800, startCol: 56 };
  }
  return spec;
}

/** OBSID of the n-th exposure of this run: the day changes at 12 h UTC, as the observatory's does. */
export function obsidOf(now: Date, n: number): string {
  const day = new Date(now.getTime() - 12 * 3_600_000).toISOString().slice(0, 10).replaceAll('-', '');
  return `MC_O_${day}_${String(n).padStart(6, '0')}`;
}

function must(outcome: Outcome): void {
  if (outcome.reply !== 'SUCCESS') throw new Error(`${outcome.reply}: ${outcome.message ?? ''}`);
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}

export class Scenario {
  readonly #daq: Daq;
  readonly #options: SimOptions;
  readonly #signal: AbortSignal;
  readonly #taken = new AbortController();
  #finished = false;
  #exposures = 0;
  #endMs = Number.POSITIVE_INFINITY;
  #streamDone: (() => void) | null = null;

  constructor(daq: Daq, options: SimOptions, stop: AbortSignal) {
    this.#daq = daq;
    this.#options = options;
    this.#signal = AbortSignal.any([stop, this.#taken.signal]);
  }

  /** The stream says that the stamps of this exposure have left. */
  exposureDone(): void {
    this.#streamDone?.();
  }

  /** A command of a client was granted: until the scenario is over, that ends it and the DAQ is the client's. */
  takenOver(command: string, tell: (sentence: string) => void): void {
    if (this.#finished || this.#signal.aborted) return;
    tell(`the scenario ends: a client's command ${command} was granted`);
    this.#taken.abort();
  }

  /**
   * Waits for `begin`, then runs to its end, until `stop`, or until a client takes over; then, and only then, a series
   * may be left open.
   */
  async run(begin: Promise<void>): Promise<void> {
    const { series, seconds, startDelayMs } = this.#options;
    try {
      await Promise.race([begin, aborted(this.#signal)]);
      await delay(startDelayMs, undefined, { signal: this.#signal });
      if (seconds !== null) this.#endMs = performance.now() + seconds * 1000;
      for (let i = 0; i < series && !this.#over; i++) await this.#runSeries();
    } catch (error) {
      if (!this.#signal.aborted) throw error;
    }
    this.#finished = true;
    if (this.#taken.signal.aborted) return;
    if (this.#daq.state === 'PAUSED' || this.#daq.state === 'RUNNING') must(this.#daq.command('stop', {}));
  }

  get #over(): boolean {
    return this.#signal.aborted || performance.now() >= this.#endMs;
  }

  async #runSeries(): Promise<void> {
    must(this.#daq.command('initGuiders', { roiSpec: defaultRoiSpec(this.#options) }));
    for (let i = 0; i < this.#options.exposures && !this.#over; i++) {
      if (i > 0) await delay(this.#options.gapMs, undefined, { signal: this.#signal });
      await this.#runExposure();
    }
    must(this.#daq.command('stop', {}));
  }

  async #runExposure(): Promise<void> {
    const done = new Promise<void>((resolve) => {
      this.#streamDone = resolve;
    });
    must(this.#daq.command('resume', { comment: obsidOf(new Date(), ++this.#exposures) }));
    const timeIsUp = new AbortController();
    const onAbort = (): void => timeIsUp.abort();
    this.#signal.addEventListener('abort', onAbort, { once: true });
    const left = Math.min(this.#endMs - performance.now(), 2 ** 31 - 1);
    const timer = delay(left, undefined, { signal: timeIsUp.signal }).catch(() => undefined);
    await Promise.race([done, timer]);
    timeIsUp.abort();
    this.#signal.removeEventListener('abort', onAbort);
    this.#signal.throwIfAborted();
    must(this.#daq.command('pause', {}));
  }
}
