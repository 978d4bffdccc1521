// SPDX-License-Identifier: Apache-2.0
// All serial devices of a profile, and what a timing receiver among them says about the system clock.

import type { Clock } from '../model/clock.js';
import type { SensorSettings } from '../model/health.js';
import type { MessageSink } from '../model/messages.js';
import type { Alarms } from './alarms.js';
import { ReceivedTime } from './received-time.js';
import { SerialSensor } from './serial/sensor.js';

export interface SensorsDeps {
  readonly sink: MessageSink;
  readonly alarms: Alarms;
  readonly clock: Pick<Clock, 'monotonicNs' | 'taiNs'> & {
    /** UTC now, ns since 1970, by the system clock */
    utcNs(): bigint;
  };
}

export class Sensors {
  readonly #sensors: readonly SerialSensor[];
  readonly #time: ReceivedTime;

  constructor(settings: readonly SensorSettings[], deps: SensorsDeps) {
    const { alarms, clock } = deps;
    this.#time = new ReceivedTime(alarms);
    const receivedTime = (utcNs: bigint, atNs: bigint, { delayMs, maxOffsetMs }: SensorSettings) => {
      const systemNs = clock.utcNs() - clock.monotonicNs() + atNs;
      const offsetMs = Number(systemNs - utcNs) / 1e6 - delayMs;
      this.#time.note(offsetMs, maxOffsetMs);
      return offsetMs;
    };
    this.#sensors = settings.map((one) => new SerialSensor(one, { ...deps, receivedTime }));
  }

  start(): void {
    for (const sensor of this.#sensors) sensor.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#sensors.map((sensor) => sensor.stop()));
  }

  /** A timing receiver says that the system clock is wrong. */
  get timeSuspect(): boolean {
    return this.#time.suspect;
  }

  /** Every counter by sensor, wire names. */
  counters(): Record<string, Record<string, number>> {
    return Object.fromEntries(this.#sensors.map((sensor) => [sensor.name, sensor.counters()]));
  }
}
