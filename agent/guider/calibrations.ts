// SPDX-License-Identifier: Apache-2.0
// Calibrations of the ROIs that are read out: asked for when a series or its stamps tell an ROI, and told when they
// are in force. Files are read on the native side's own threads; until then results carry `uncalibrated`. Another folder
// of calibrations is taken between two series.

import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { type CalibrationOrder, type DaqRecord, EventType, type LoadedCalibration } from '../model/daq.js';
import { AgentError } from '../model/errors.js';
import { ampCols, ampRows, isSegment } from '../model/geometry.js';
import type { GuideSensor } from '../model/location.js';
import type { MessageSink, SetAlarm } from '../model/messages.js';
import type { RoiSpec } from '../model/roi.js';

/** A gain that the profile gives; `segment` null: of all the sensor's amplifiers that have none of their own. */
export interface ProfileGain {
  readonly location: number;
  readonly segment: number | null;
  readonly gain: number;
  readonly readNoise: number;
}

export interface CalibrationSettings {
  /** holds DETECTOR/{bias,dark,flat,defects,ptc}.fits */
  readonly directory: string;
  /** they go before those of ptc.fits */
  readonly gains: readonly ProfileGain[];
}

export interface CalibrationsDeps {
  readonly sink: MessageSink;
  /** rejects with AgentError `daq_state` when the link is closed */
  readonly calibrate: (
    location: number,
    order: CalibrationOrder,
    amplifiers: string,
  ) => Promise<LoadedCalibration>;
  readonly alarm: SetAlarm;
}

type Roi = Pick<DaqRecord, 'rows' | 'cols' | 'segment' | 'startRow' | 'startCol' | 'integrationMs'>;

interface Applied {
  readonly roi: Roi;
  readonly gain: number;
  readonly readNoise: number;
  readonly missing: readonly string[];
}

function same(a: Roi, b: Roi): boolean {
  return (
    a.segment === b.segment &&
    a.startRow === b.startRow &&
    a.startCol === b.startCol &&
    a.rows === b.rows &&
    a.cols === b.cols &&
    a.integrationMs === b.integrationMs
  );
}

/** Sources that do not know where an ROI lies say 0, 0, 0. */
function isTold({ rows, cols, segment, startRow, startCol }: Roi): boolean {
  return rows > 0 && cols > 0 && isSegment(segment) && (segment !== 0 || startRow !== 0 || startCol !== 0);
}

/** A name that always stands for the newest folder, as what it stands for. */
function placeOf(directory: string): string {
  try {
    return realpathSync(directory);
  } catch {
    return directory;
  }
}

export class LiveCalibrations {
  readonly #settings: CalibrationSettings;
  readonly #sensors: readonly GuideSensor[];
  readonly #locations: ReadonlySet<number>;
  readonly #deps: CalibrationsDeps;
  readonly #asked = new Map<number, Roi>();
  readonly #waiting = new Map<number, Roi>();
  readonly #applied = new Map<number, Applied>();
  #busy = false;
  #directory: string;
  /** comes into force when the series is over */
  #next: string | null = null;
  #inSeries = false;

  constructor(settings: CalibrationSettings, sensors: readonly GuideSensor[], deps: CalibrationsDeps) {
    this.#settings = settings;
    this.#directory = settings.directory;
    this.#sensors = sensors;
    this.#locations = new Set(sensors.map((s) => s.location));
    this.#deps = deps;
  }

  /** A link was opened, which knows nothing yet: what the profile expects is there before its first series. */
  begin(expected: RoiSpec | null): void {
    for (const map of [this.#asked, this.#waiting, this.#applied]) map.clear();
    this.#inSeries = false;
    this.#directory = placeOf(this.#next ?? this.#directory);
    this.#next = null;
    if (expected === null) return;
    for (const { sensor, ...origin } of expected.locations)
      this.#ask(sensor.location, { ...expected.common, ...origin });
  }

  onRecords(records: readonly DaqRecord[]): void {
    for (const record of records) {
      const { eventType, location } = record;
      if (eventType === EventType.start || eventType === EventType.stamp) this.#inSeries = true;
      if (eventType === EventType.stamp) this.#ask(location, record);
      else if (eventType === EventType.start && record.seriesMetadata)
        this.#ask(location, record.seriesMetadata);
      else if (eventType === EventType.stop) this.#betweenSeries();
    }
  }

  /**
   * From now on calibrations are those of this folder; a series that runs is finished with those it began with, unless no
   * sensor had all of them.
   */
  use(directory: string): void {
    this.#next = directory === this.#directory ? null : directory;
    const complete = [...this.#applied.values()].some(({ missing }) => missing.length === 0);
    if (!this.#inSeries || !complete) this.#take();
  }

  #betweenSeries(): void {
    this.#inSeries = false;
    this.#take();
  }

  #take(): void {
    if (this.#next !== null) {
      this.#directory = this.#next;
      this.#next = null;
      for (const [location, roi] of this.#asked) this.#waiting.set(location, roi);
    }
    if (!this.#busy && this.#waiting.size > 0) void this.#work();
  }

  #ask(location: number, roi: Roi): void {
    const before = this.#asked.get(location);
    if ((before && same(before, roi)) || !this.#locations.has(location) || !isTold(roi)) return;
    const { rows, cols, segment, startRow, startCol, integrationMs } = roi;
    const asked = { rows, cols, segment, startRow, startCol, integrationMs };
    this.#asked.set(location, asked);
    this.#waiting.set(location, asked);
    if (!this.#busy) void this.#work();
  }

  /** One sensor after the other, so that reading never takes more than one of the threads that others wait for. */
  async #work(): Promise<void> {
    this.#busy = true;
    for (let next = this.#first(); next; next = this.#first()) {
      const [sensor, roi] = next;
      const applied = await this.#load(sensor, roi);
      if (applied && this.#asked.get(sensor.location) === roi) this.#applied.set(sensor.location, applied);
    }
    this.#busy = false;
    if (this.#applied.size > 0) this.#tell();
  }

  /** While a series runs only what has not all of them for its ROI. */
  #first(): readonly [GuideSensor, Roi] | null {
    for (const sensor of this.#sensors) {
      const roi = this.#waiting.get(sensor.location);
      const applied = this.#applied.get(sensor.location);
      const complete = applied?.missing.length === 0 && roi !== undefined && same(applied.roi, roi);
      if (!roi || (this.#inSeries && complete)) continue;
      this.#waiting.delete(sensor.location);
      return [sensor, roi];
    }
    return null;
  }

  async #load(sensor: GuideSensor, roi: Roi): Promise<Applied | null> {
    const { location, detectorName } = sensor;
    const told = this.#gainOf(location, roi.segment);
    const none = { roi, gain: told?.gain ?? Number.NaN, readNoise: told?.readNoise ?? Number.NaN };
    if (roi.startCol + roi.cols > ampCols || roi.startRow + roi.rows > ampRows)
      return { ...none, missing: [`${detectorName}: there are none for an ROI across amplifiers`] };
    const directory = join(this.#directory, detectorName);
    const { rows, cols, segment, startRow, startCol } = roi;
    const order: CalibrationOrder = {
      ...{ directory, segment, startRow, startCol, rows, cols },
      gain: told?.gain ?? 1,
      seconds: roi.integrationMs / 1000,
    };
    try {
      const loaded = await this.#deps.calibrate(location, order, told ? '' : join(directory, 'ptc.fits'));
      const { missing } = loaded;
      return loaded.gain > 0
        ? { roi, gain: loaded.gain, readNoise: loaded.readNoise, missing }
        : { ...none, missing };
    } catch (error) {
      // The link was closed in between; whoever opens it begins anew.
      if (error instanceof AgentError && error.code === 'daq_state') return null;
      throw error;
    }
  }

  #gainOf(location: number, segment: number): ProfileGain | undefined {
    const own = this.#settings.gains.filter((g) => g.location === location);
    return own.find((g) => g.segment === segment) ?? own.find((g) => g.segment === null);
  }

  #tell(): void {
    const of = this.#sensors.map((s) => this.#applied.get(s.location));
    const missing = of.flatMap((applied) => applied?.missing ?? []);
    const roi = (key: keyof Roi) => of.map((applied) => applied?.roi[key] ?? -1);
    this.#deps.sink.publish({
      kind: 'state',
      event: 'calibrationsApplied',
      directory: this.#directory,
      sensors: this.#sensors.map((s) => s.detectorName),
      complete: of.map((applied) => applied !== undefined && applied.missing.length === 0),
      segment: roi('segment'),
      startRow: roi('startRow'),
      startCol: roi('startCol'),
      nRows: roi('rows'),
      nCols: roi('cols'),
      integration: roi('integrationMs'),
      gain: of.map((applied) => applied?.gain ?? Number.NaN),
      readNoise: of.map((applied) => applied?.readNoise ?? Number.NaN),
      missing,
    });
    const more = missing.length > 1 ? `, and ${missing.length - 1} more` : '';
    const reason = missing.length === 0 ? null : `calibrations are missing: ${missing[0]}${more}`;
    this.#deps.alarm('uncalibrated', 'warning', reason, 'all calibrations are there');
  }
}
