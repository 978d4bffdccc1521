// SPDX-License-Identifier: Apache-2.0
// The series the DAQ plays, one after the other: as a scenario file has them, or as the options say.
import { guideSensorNamed, guideSensors, roiKeyOf } from '../../agent/model/location.js';
import { listOf } from './happenings.js';

export type RoiJson = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** As it stands in the file. */
export interface SeriesEntry {
  readonly sensors?: string | readonly string[];
  readonly roi?: RoiJson;
  readonly rows?: number;
  readonly cols?: number;
  readonly 'integration-ms'?: number;
  readonly stamps?: number;
  readonly exposures?: number | readonly ExposureEntry[];
  readonly repeat?: number;
  readonly 'wait-ms'?: number;
  readonly sequence?: number;
  readonly 'first-stamp'?: number;
  readonly ends?: 'stop' | 'pause' | 'running';
  readonly restart?: { readonly 'down-ms'?: number };
}

export interface ExposureEntry {
  readonly stamps?: number;
  readonly obsid?: string;
  readonly 'pause-ms'?: number;
  readonly repeat?: number;
}

export interface Exposure {
  readonly stamps: number;
  /** null: named by day and number */
  readonly obsid: string | null;
  readonly pauseMs: number;
}

export interface Series {
  readonly roiSpec: RoiJson;
  /** in order; a generator, because there may be very many */
  readonly exposures: () => Iterable<Exposure>;
  readonly waitMs: number;
  readonly sequence: number | null;
  readonly firstStamp: number;
  readonly ends: 'stop' | 'pause' | 'running';
  /** ms without a DAQ before it; null: no restart */
  readonly downMs: number | null;
}

/** What the options say where the plan does not. */
export interface PlanDefaults {
  readonly rows: number;
  readonly cols: number;
  readonly integrationMs: number;
  readonly stamps: number;
  readonly exposures: number;
  readonly series: number;
  readonly gapMs: number;
}

/** roiSpec of the observatory's on-sky default places: segment 7 on SG0, 0 on SG1, row 800, column 56. */
export function defaultRoiSpec(defaults: PlanDefaults, entry: SeriesEntry = {}): RoiJson {
  const spec: Record<string, Record<string, number>> = {
    common: {
      rows: entry.rows ?? defaults.rows,
      cols: entry.cols ?? defaults.cols,
      integrationTimeMillis: entry['integration-ms'] ?? defaults.integrationMs,
    },
  };
  const named = listOf(entry.sensors).map((name) => guideSensorNamed(name));
  const sensors = named.length === 0 ? guideSensors : named.filter((sensor) => sensor !== undefined);
  for (const sensor of sensors)
    spec[roiKeyOf(sensor)] = { segment: sensor.ccdSlot === 'SG0' ? 7 : 0, startRow: 800, startCol: 56 };
  return spec;
}

function* exposuresOf(entry: SeriesEntry, defaults: PlanDefaults): Generator<Exposure> {
  const stamps = entry.stamps ?? defaults.stamps;
  const given = entry.exposures ?? defaults.exposures;
  const list: readonly ExposureEntry[] = typeof given === 'number' ? [{ repeat: given }] : given;
  let first = true;
  for (const one of list) {
    for (let i = 0; i < (one.repeat ?? 1); i++) {
      const pauseMs = one['pause-ms'] ?? (first ? 0 : defaults.gapMs);
      yield { stamps: one.stamps ?? stamps, obsid: one.obsid ?? null, pauseMs };
      first = false;
    }
  }
}

/** Every series of the run, in order. */
export function* seriesOf(plan: readonly SeriesEntry[] | null, defaults: PlanDefaults): Generator<Series> {
  const entries = plan ?? [{ repeat: defaults.series, 'wait-ms': 0 }];
  let first = true;
  for (const entry of entries) {
    for (let i = 0; i < (entry.repeat ?? 1); i++) {
      yield {
        roiSpec: entry.roi ?? defaultRoiSpec(defaults, entry),
        exposures: () => exposuresOf(entry, defaults),
        waitMs: entry['wait-ms'] ?? (first ? 0 : defaults.gapMs),
        sequence: i === 0 ? (entry.sequence ?? null) : null,
        firstStamp: entry['first-stamp'] ?? 0,
        ends: entry.ends ?? 'stop',
        downMs: entry.restart === undefined ? null : (entry.restart['down-ms'] ?? 500),
      };
      first = false;
    }
  }
}
