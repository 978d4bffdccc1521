// SPDX-License-Identifier: Apache-2.0
// Which sensors belong to the series, and which of them acquisitions wait for: one that has gone silent costs
// every acquisition its deadline, so that after a few it is no longer waited for, until it is heard again.

/** Acquisitions without a sensor until it is called silent. */
export const patience = 3;
/** Without START the sensors are learnt from this many acquisitions. */
export const learning = 2;

export class Attendance {
  readonly #missed: number[];
  readonly #silent: boolean[];
  readonly #expected: boolean[];
  /** expected and heard of late */
  readonly #awaited: boolean[];
  #acquisitions = 0;
  #nExpected = 0;

  constructor(nSensors: number) {
    this.#missed = new Array<number>(nSensors).fill(0);
    this.#silent = new Array<boolean>(nSensors).fill(false);
    this.#expected = new Array<boolean>(nSensors).fill(false);
    this.#awaited = new Array<boolean>(nSensors).fill(false);
  }

  get expected(): readonly boolean[] {
    return this.#expected;
  }

  get nExpected(): number {
    return this.#nExpected;
  }

  get awaited(): readonly boolean[] {
    return this.#awaited;
  }

  isSilent(sensor: number): boolean {
    return this.#silent[sensor] ?? false;
  }

  /** Why a sensor is not in an acquisition. */
  absence(sensor: number): 'missing' | 'silent' | 'not_in_series' {
    if (!this.#expected[sensor]) return 'not_in_series';
    return this.isSilent(sensor) ? 'silent' : 'missing';
  }

  /** True while nobody knows yet which sensors a series without START has. */
  get learning(): boolean {
    return this.#acquisitions < learning;
  }

  beginSeries(): void {
    this.#acquisitions = 0;
    this.beginExposure();
  }

  /** Everybody gets a new chance. */
  beginExposure(): void {
    this.#missed.fill(0);
    this.#silent.fill(false);
    this.#settle();
  }

  setExpected(belongs: (sensor: number) => boolean): void {
    this.#nExpected = 0;
    for (let i = 0; i < this.#expected.length; i++) {
      const is = belongs(i);
      this.#expected[i] = is;
      if (is) this.#nExpected++;
    }
    this.#settle();
  }

  /** A stamp came; true when the sensor had been silent. */
  heard(sensor: number): boolean {
    this.#missed[sensor] = 0;
    if (!this.#silent[sensor]) return false;
    this.#silent[sensor] = false;
    this.#settle();
    return true;
  }

  /** An acquisition closed; returns the sensors that it makes silent. */
  closed(has: readonly unknown[]): readonly number[] {
    this.#acquisitions++;
    let fallen: number[] | null = null;
    for (let i = 0; i < this.#missed.length; i++) {
      if (has[i] || !this.#expected[i] || this.#silent[i]) continue;
      const missed = (this.#missed[i] ?? 0) + 1;
      this.#missed[i] = missed;
      if (missed < patience) continue;
      this.#silent[i] = true;
      fallen = [...(fallen ?? []), i];
    }
    if (fallen) this.#settle();
    return fallen ?? nobody;
  }

  #settle(): void {
    for (let i = 0; i < this.#awaited.length; i++) {
      this.#awaited[i] = (this.#expected[i] ?? false) && !this.#silent[i];
    }
  }
}

const nobody: readonly number[] = [];
