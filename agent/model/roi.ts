// SPDX-License-Identifier: Apache-2.0
// The ROI specification of a guider series, in the observatory's own JSON form:
// {"common": {"rows", "cols", "integrationTimeMillis"}, "R00SG0": {"segment", "startRow", "startCol"}, ...}

import { AgentError, refuseAll, sentenceOf } from './errors.js';
import { ampCols, ampRows, isSegment, type RoiOrigin } from './geometry.js';
import { type GuideSensor, guideSensorNamed, guideSensors, roiKeyOf } from './location.js';
import { repeatedKeys } from './repeated-keys.js';
import { show } from './show.js';

export interface RoiCommon {
  readonly rows: number;
  readonly cols: number;
  readonly integrationMs: number;
}

/** The ROI of one sensor. */
export interface RoiLocation extends RoiOrigin {
  readonly sensor: GuideSensor;
}

export interface RoiSpec {
  readonly common: RoiCommon;
  /** in the order of location numbers */
  readonly locations: readonly RoiLocation[];
}

/** Limits of the observatory's scripts (ts_observatory_control utils/roi_spec.py); `series` of a list are ours. */
export const roiLimits = {
  rows: [10, 400],
  cols: [10, 400],
  integrationTimeMillis: [5, 200],
  sensors: 8,
  series: 1000,
} as const;

type JsonObject = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readInteger(
  from: JsonObject,
  path: string,
  key: string,
  low: number,
  high: number,
  out: string[],
): number {
  const value = from[key];
  if (typeof value === 'number' && Number.isInteger(value) && value >= low && value <= high) return value;
  out.push(`${path}.${key}: expected an integer ${low}..${high}, got ${show(value)}`);
  return Number.NaN;
}

function refuseOtherKeys(from: JsonObject, path: string, known: readonly string[], out: string[]): void {
  for (const key of Object.keys(from)) {
    if (!known.includes(key)) out.push(`${path}.${key}: expected only ${known.join(', ')}, got this key too`);
  }
}

const commonKeys = ['rows', 'cols', 'integrationTimeMillis'] as const;

function readCommon(value: unknown, out: string[]): RoiCommon {
  if (!isObject(value)) {
    out.push(`common: expected an object {rows, cols, integrationTimeMillis}, got ${show(value)}`);
    return { rows: Number.NaN, cols: Number.NaN, integrationMs: Number.NaN };
  }
  refuseOtherKeys(value, 'common', commonKeys, out);
  const { rows, cols, integrationTimeMillis: time } = roiLimits;
  return {
    rows: readInteger(value, 'common', 'rows', rows[0], rows[1], out),
    cols: readInteger(value, 'common', 'cols', cols[0], cols[1], out),
    integrationMs: readInteger(value, 'common', 'integrationTimeMillis', time[0], time[1], out),
  };
}

const locationKeys = ['segment', 'startRow', 'startCol'] as const;

function readLocation(
  sensor: GuideSensor,
  value: unknown,
  common: RoiCommon,
  out: string[],
): RoiLocation | null {
  const key = roiKeyOf(sensor);
  if (!isObject(value)) {
    out.push(`${key}: expected an object {segment, startRow, startCol}, got ${show(value)}`);
    return null;
  }
  refuseOtherKeys(value, key, locationKeys, out);
  const segment = value.segment;
  if (typeof segment !== 'number' || !isSegment(segment)) {
    out.push(`${key}.segment: expected an amplifier label 0..7 or 10..17, got ${show(segment)}`);
  }
  const startRow = readInteger(value, key, 'startRow', 0, ampRows - 1, out);
  const startCol = readInteger(value, key, 'startCol', 0, ampCols - 1, out);
  // NaN (already reported) compares false, so one mistake is not told twice.
  if (startRow + common.rows > ampRows) {
    out.push(
      `${key}.startRow: expected at most ${ampRows - common.rows} so that ${common.rows} rows end inside the ${ampRows}-row amplifier, got ${startRow}`,
    );
  }
  if (startCol + common.cols > ampCols) {
    out.push(
      `${key}.startCol: expected at most ${ampCols - common.cols} so that ${common.cols} columns end inside the ${ampCols}-column amplifier, got ${startCol}`,
    );
  }
  return { sensor, segment: typeof segment === 'number' ? segment : Number.NaN, startRow, startCol };
}

function readLocations(value: JsonObject, common: RoiCommon, out: string[]): RoiLocation[] {
  const locations: RoiLocation[] = [];
  const keys = Object.keys(value).filter((key) => key !== 'common');
  for (const key of keys) {
    const sensor = guideSensorNamed(key);
    if (!sensor || roiKeyOf(sensor) !== key) {
      out.push(`${key}: expected common or one of ${guideSensors.map(roiKeyOf).join(', ')}, got this key`);
      continue;
    }
    const location = readLocation(sensor, value[key], common, out);
    if (location) locations.push(location);
  }
  if (keys.length === 0) out.push('expected at least one sensor such as R00SG0, got none');
  if (keys.length > roiLimits.sensors) {
    out.push(`expected at most ${roiLimits.sensors} sensors, got ${keys.length}`);
  }
  return locations.sort((a, b) => a.sensor.location - b.sensor.location);
}

/** `out`: of keys of which a reader would take one and forget the other without a word. */
function parseText(text: string, out: string[]): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw refuseAll('roi', 'roiSpec', [`expected JSON text, got ${sentenceOf(error)}`]);
  }
  for (const key of repeatedKeys(text)) out.push(`${key}: expected this key once, got it again`);
  return value;
}

/** Reads a roiSpec (object or JSON text); refuses with one AgentError (`roi`) that lists everything wrong. */
export function parseRoiSpec(input: unknown): RoiSpec {
  const problems: string[] = [];
  const value = typeof input === 'string' ? parseText(input, problems) : input;
  if (!isObject(value)) {
    const got = Array.isArray(value) ? 'a list (one series at a time)' : show(value);
    throw refuseAll('roi', 'roiSpec', [`expected an object with common and sensors, got ${got}`]);
  }
  const common = readCommon(value.common, problems);
  const locations = readLocations(value, common, problems);
  if (problems.length > 0) throw refuseAll('roi', 'roiSpec', problems);
  return { common, locations };
}

/** Series one after another: a roiSpec, or a list of them; one error lists everything wrong in all of them. */
export function parseRoiSpecs(input: unknown, sensors: readonly string[]): readonly RoiSpec[] {
  const problems: string[] = [];
  const value = typeof input === 'string' ? parseText(input, problems) : input;
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  const specs: RoiSpec[] = [];
  if (list.length === 0) problems.push('expected at least one series, got an empty list');
  if (list.length > roiLimits.series) {
    throw refuseAll('roi', 'roiSpec', [`expected at most ${roiLimits.series} series, got ${list.length}`]);
  }
  list.forEach((one, i) => {
    const prefix = Array.isArray(value) ? `[${i}].` : '';
    try {
      const spec = parseRoiSpec(one);
      specs.push(spec);
      for (const { sensor } of spec.locations) {
        if (sensors.includes(sensor.detectorName)) continue;
        problems.push(
          `${prefix}${roiKeyOf(sensor)}: expected sensors of the profile (${sensors.join(', ')}), got ${sensor.detectorName}`,
        );
      }
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      problems.push(...error.problems.map((problem) => `${prefix}${problem}`));
    }
  });
  if (problems.length > 0) throw refuseAll('roi', 'roiSpec', problems);
  return specs;
}

/** The observatory's JSON form of a roiSpec, as `initGuiders` takes it. */
export function formatRoiSpec(spec: RoiSpec): Record<string, Record<string, number>> {
  const { rows, cols, integrationMs } = spec.common;
  const out: Record<string, Record<string, number>> = {
    common: { rows, cols, integrationTimeMillis: integrationMs },
  };
  for (const { sensor, segment, startRow, startCol } of spec.locations) {
    out[roiKeyOf(sensor)] = { segment, startRow, startCol };
  }
  return out;
}

/**
 * Time from stamp to stamp in ms. A model of the guider sequencer: integration, fast parallel clocking past
 * the rows outside the ROI, slow rows inside it (slow columns inside, fast ones outside); good to 10 %.
 */
export function stampPeriodMs(common: RoiCommon): number {
  const { rows, cols, integrationMs } = common;
  const readoutUs = (ampRows - rows) * 21 + rows * (23.5 + cols * 1.84 + (525 - cols) * 0.52);
  return 1.07 * (integrationMs + readoutUs / 1000);
}
