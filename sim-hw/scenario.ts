// SPDX-License-Identifier: Apache-2.0
// Plays what the simulated DAQ does by itself: START {RESUME, STAMP x N, PAUSE} x M STOP, like a night's scripts.
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Daq, Outcome } from './daq.js';
import type { SimOptions } from './options.js';
import { type Exposure, type Series, seriesOf } from './scenario/plan.js';

/** YYYYMMDD: the day changes at 12 h UTC, as the observatory's does. */
export function dayObsOf(now: Date): string {
  return new Date(now.getTime() - 12 * 3_600_000).toISOString().slice(0, 10).replaceAll('-', '');
}

/** OBSID of the n-th exposure of this run. */
export function obsidOf(now: Date, n: number): string {
  return `MC_O_${dayObsOf(now)}_${String(n).padStart(6, '0')}`;
}

function must(outcome: Outcome): void {
  if (outcome.reply !== 'SUCCESS') throw new Error(`${outcome.reply}: ${outcome.message ?? ''}`);
}

/** What a restart of the DAQ does to its clients. */
export interface Connections {
  /** nobody is connected, and nobody can connect */
  close(): void;
  open(): Promise<void>;
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
  #onSubscribed: (() => void) | null = null;
  #stamps: number;

  constructor(daq: Daq, options: SimOptions, stop: AbortSignal) {
    this.#daq = daq;
    this.#options = options;
    this.#signal = AbortSignal.any([stop, this.#taken.signal]);
    this.#stamps = options.stamps;
  }

  /** of the current exposure */
  get stamps(): number {
    return this.#stamps;
  }

  subscribed(): void {
    this.#onSubscribed?.();
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
  async run(begin: Promise<void>, connections: Connections): Promise<void> {
    const { seconds, startDelayMs, scenario } = this.#options;
    try {
      await Promise.race([begin, aborted(this.#signal)]);
      await delay(startDelayMs, undefined, { signal: this.#signal });
      if (seconds !== null) this.#endMs = performance.now() + seconds * 1000;
      for (const series of seriesOf(scenario.plan, this.#options)) {
        if (this.#over) break;
        await this.#runSeries(series, connections);
      }
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

  async #pass(ms: number): Promise<void> {
    if (ms > 0) await delay(ms / this.#options.speed, undefined, { signal: this.#signal });
  }

  async #runSeries(series: Series, connections: Connections): Promise<void> {
    if (series.downMs !== null) await this.#restart(series.downMs, connections);
    await this.#pass(series.waitMs);
    this.#daq.prepare(series);
    must(this.#daq.command('initGuiders', { roiSpec: series.roiSpec }));
    let paused = true;
    for (const exposure of series.exposures()) {
      if (this.#over) break;
      if (!paused) must(this.#daq.command('pause', {}));
      await this.#pass(exposure.pauseMs);
      await this.#runExposure(exposure);
      paused = false;
    }
    if (series.ends === 'running' && !this.#over) return;
    if (!paused) must(this.#daq.command('pause', {}));
    if (series.ends === 'stop' || this.#over) must(this.#daq.command('stop', {}));
  }

  /** The DAQ goes, and comes back as another run; clients that it had find it again. */
  async #restart(downMs: number, connections: Connections): Promise<void> {
    const hadClients = this.#daq.destinations.subscribers > 0;
    const again = new Promise<void>((resolve) => {
      this.#onSubscribed = resolve;
    });
    this.#daq.crash();
    connections.close();
    await this.#pass(downMs);
    await connections.open();
    this.#daq.resumeStatus();
    if (hadClients) await Promise.race([again, aborted(this.#signal)]);
    this.#onSubscribed = null;
    this.#signal.throwIfAborted();
  }

  async #runExposure(exposure: Exposure): Promise<void> {
    const done = new Promise<void>((resolve) => {
      this.#streamDone = resolve;
    });
    this.#stamps = exposure.stamps;
    const obsid = exposure.obsid ?? obsidOf(new Date(), ++this.#exposures);
    must(this.#daq.command('resume', { comment: obsid }));
    const timeIsUp = new AbortController();
    const onAbort = (): void => timeIsUp.abort();
    this.#signal.addEventListener('abort', onAbort, { once: true });
    const left = Math.min(this.#endMs - performance.now(), 2 ** 31 - 1);
    const timer = delay(left, undefined, { signal: timeIsUp.signal }).catch(() => undefined);
    await Promise.race([done, timer]);
    timeIsUp.abort();
    this.#signal.removeEventListener('abort', onAbort);
    this.#signal.throwIfAborted();
  }
}
