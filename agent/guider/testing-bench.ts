// SPDX-License-Identifier: Apache-2.0
// A guider role on a bench: records go in, messages come out, time moves when told.

import { type DaqRecord, EventType } from '../model/daq.js';
import type { GuideSensor } from '../model/location.js';
import { logTo } from '../model/log.js';
import { Guider } from './guider.js';
import type { GuiderDeps, GuiderSettings } from './guider-contract.js';
import {
  all,
  Collected,
  FakeClock,
  halt,
  ms,
  resume,
  second,
  stampOf,
  start,
  status,
} from './testing-records.js';

export const obsid = 'MC_O_20260714_000123';
/** of the exposure after that one */
export const next = 'MC_O_20260714_000124';
export const period = 100n * ms;

export class Bench {
  readonly clock = new FakeClock();
  readonly sink = new Collected();
  readonly warnings: string[] = [];
  readonly guider: Guider;
  time: bigint;

  constructor(settings: Partial<GuiderSettings> = {}, deps: Partial<GuiderDeps> = {}) {
    const log = logTo((level, message) => {
      if (level === 'warning') this.warnings.push(message);
    });
    this.guider = new Guider(
      {
        sensors: all,
        deadlineMs: null,
        roi: null,
        scatterFloorMm: 0.0002,
        timeSuspect: () => false,
        ...settings,
      },
      { clock: this.clock, sink: this.sink, log, counters: () => [], ...deps },
    );
    this.time = this.clock.now;
  }

  give(records: readonly DaqRecord[]): void {
    if (this.time > this.clock.now) this.clock.moveTo(this.time);
    this.guider.onRecords(records);
  }

  open(series = 1, sensors: readonly GuideSensor[] = all, comment = obsid): void {
    this.give(sensors.map((s) => start(s, series, this.time)));
    this.time += 10n * ms;
    this.give(sensors.map((s) => resume(s, series, this.time, comment)));
    this.time += period;
  }

  /** One stamp of all given sensors, a period after the one before. */
  stamp(
    stamp: number,
    motion = { dx: 0, dy: 0, rotation: 0 },
    sensors: readonly GuideSensor[] = all,
    over: (s: GuideSensor) => Partial<DaqRecord> = () => ({}),
    series = 1,
  ): void {
    this.give(sensors.map((s) => stampOf(s, { series, stamp, lastNs: this.time }, motion, over(s))));
    this.time += period;
  }

  /** What the DAQ says four times a second. */
  tellStatus(daqState: number): void {
    this.time += 250n * ms;
    this.give([status(daqState, this.time)]);
  }

  /** names of the events so far, without the ones of every exposure */
  get events(): readonly string[] {
    return this.sink
      .of('guider.event')
      .map((m) => m.name)
      .filter((name) => name !== 'reference_changed');
  }

  lastEvent(name: string) {
    const found = this.sink.of('guider.event').findLast((m) => m.name === name);
    if (!found) throw new Error(`no event ${name}`);
    return found;
  }

  pause(series: number, sent: bigint | null): void {
    this.give(all.map((s) => halt(s, EventType.pause, series, this.time, sent)));
    this.time += 10n * ms;
  }

  /** Stamps of the first sensor that carry a flag. */
  flaggedWith(flag: number): readonly number[] {
    return this.sink
      .of('guider.result')
      .filter((m) => m.index === 0 && m.flagsBits & flag)
      .map((m) => m.stamp);
  }

  close(series = 1, sent: bigint | null = null): void {
    this.give(all.map((s) => halt(s, EventType.pause, series, this.time, sent)));
    this.give(all.map((s) => halt(s, EventType.stop, series, this.time, sent)));
    this.time += second;
    this.clock.moveTo(this.time);
  }
}

export const without = (...names: string[]) => all.filter((s) => !names.includes(s.detectorName));
