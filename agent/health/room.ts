// SPDX-License-Identifier: Apache-2.0
// Wires what watches: alarms, time, heartbeat, serial devices, the machine, signs of life.

import type { LinkCounters } from '../model/daq.js';
import type { HostSettings, SensorSettings } from '../model/health.js';
import type { Log } from '../model/log.js';
import type { MessageSink } from '../model/messages.js';
import type { SummaryState } from '../model/summary-state.js';
import { Alarms } from './alarms.js';
import { Health } from './health.js';
import { type HostHealth, makeHost } from './host/host.js';
import type { StartHostThread } from './host/thread.js';
import { type ClockSource, HostClock } from './host-clock.js';
import { Sensors } from './sensors.js';
import { LeapTableFile } from './tai-source.js';
import { type TimeSources, TimeWatch, taiOffsetNow } from './time-watch.js';
import { VitalSigns } from './vital-signs.js';

/** The clock with the TAI offset that is known at the start, and who knows it later. */
export interface StartingTime {
  readonly clock: HostClock;
  readonly offset: ReturnType<typeof taiOffsetNow>;
  readonly sources: TimeSources;
}

export function startingTime(
  kernelSeconds: () => number | null,
  profileSeconds: number | null,
  clocks: ClockSource,
): StartingTime {
  const table = new LeapTableFile();
  const sources: TimeSources = { kernelSeconds, profileSeconds, leapTable: (nowS) => table.text(nowS) };
  const nowS = Number(clocks.monotonicNs()) / 1e9;
  const offset = taiOffsetNow(sources, clocks.wallMs() / 1000, nowS);
  return { clock: new HostClock(offset.seconds, clocks), offset, sources };
}

export interface HealthRoomSettings {
  readonly host: HostSettings | null;
  readonly sensors: readonly SensorSettings[];
  /** of the DAQ driver */
  readonly linkOptions: Readonly<Record<string, unknown>>;
  readonly simulationMode: number;
  readonly version: string;
}

export interface HealthRoomDeps {
  readonly sink: MessageSink;
  readonly log: Log;
  readonly time: StartingTime;
  readonly startHostThread: StartHostThread;
  readonly counters: () => LinkCounters;
  readonly linkOpen: () => boolean;
  readonly subscriptions: () => number;
  readonly sendFailures: () => number;
  readonly summaryState: () => SummaryState;
  readonly uptimeS: () => number;
}

export class HealthRoom {
  readonly alarms: Alarms;
  readonly time: TimeWatch;
  readonly beat: Health;
  readonly sensors: Sensors;
  readonly host: HostHealth | null;
  readonly vitalSigns: VitalSigns;

  constructor(settings: HealthRoomSettings, deps: HealthRoomDeps) {
    const { sink, log, time, counters, summaryState } = deps;
    this.alarms = new Alarms(sink, log);
    const { alarms } = this;
    this.sensors = new Sensors(settings.sensors, { sink, alarms, clock: time.clock });
    this.time = new TimeWatch(time.offset, time.sources, {
      alarms,
      log,
      clock: time.clock,
      receiverSuspect: () => this.sensors.timeSuspect,
    });
    this.beat = new Health({
      ...deps,
      alarms,
      tai: () => this.time.offset,
      timeSuspect: () => this.time.suspect,
      simulationMode: settings.simulationMode,
      version: settings.version,
    });
    const nowMs = () => performance.now();
    this.vitalSigns = new VitalSigns({
      summaryState,
      linkOpen: deps.linkOpen,
      counters,
      alarms: () => alarms.active.map(({ name }) => name),
      nowMs,
    });
    this.host = makeHost(settings.host, settings.linkOptions, {
      sink,
      alarms,
      startThread: deps.startHostThread,
      nowS: () => nowMs() / 1000,
    });
  }

  start(): void {
    this.time.start();
    this.beat.start();
    this.sensors.start();
    this.host?.start();
  }

  async stop(): Promise<void> {
    await this.host?.stop();
    await this.sensors.stop();
    this.beat.stop();
  }
}
