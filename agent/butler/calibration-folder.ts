// SPDX-License-Identifier: Apache-2.0
// Master calibrations in a directory, DETECTOR/TYPE.fits as the roles read them: which dataset each file is, and for which
// time it counts. Everything that is wrong is said at once, before anything is copied.

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type AgentError, refuseAll, sentenceOf } from '../model/errors.js';
import type { Calibration } from './certify.js';
import { calibrationTypes } from './dataset-types.js';
import { checksum } from './datastore.js';
import { physicalFilterOf } from './exposure-record.js';
import { type Header, readAllHeaders } from './fits-header.js';
import { instrumentTable, instrumentTables } from './instruments.js';
import type { Timespan } from './lookup.js';
import { nsOfIso, unboundedSpan } from './tai-times.js';

export interface FolderSettings {
  /** goes before what the files say; null: they say it */
  readonly begin: bigint | null;
  readonly end: bigint | null;
  /** of flats that do not tell theirs */
  readonly filters: readonly string[];
}

export interface FolderContent {
  readonly calibrations: readonly Calibration[];
  /** files that are no calibrations */
  readonly leftOut: readonly string[];
}

interface Found {
  readonly file: string;
  readonly folder: string;
  readonly type: string;
  /** of the file's name: flat_i_39.fits */
  readonly named: string | null;
  readonly headers: readonly Header[];
}

const sums = 'SHA256SUMS';

/** The folder's name as the registry has the detector; null: it is no detector. */
export function detectorOfFolder(name: string): { instrument: string; detector: string } | null {
  const latiss = ['LATISS', 'RXX_S00', 'R00_S00'].includes(name);
  const instrument = latiss ? 'LATISS' : 'LSSTCam';
  const detector = latiss ? 'RXX_S00' : name;
  const known = instrumentTable(instrument)?.detectors.some(({ fullName }) => fullName === detector);
  return known ? { instrument, detector } : null;
}

function nameOf(file: string): { readonly type: string; readonly named: string | null } | null {
  const stem = /^(.+)\.fits$/.exec(file)?.[1];
  if (stem === undefined) return null;
  if (calibrationTypes.some(({ name }) => name === stem)) return { type: stem, named: null };
  const flat = /^flat_(.+)$/.exec(stem)?.[1];
  return flat === undefined ? null : { type: 'flat', named: flat };
}

/** `sha256sum`'s list, where the folder has one. */
function expectedSums(folder: string): ReadonlyMap<string, string> {
  const path = join(folder, sums);
  if (!existsSync(path)) return new Map();
  const lines = readFileSync(path, 'utf8').split('\n');
  const parts = lines.flatMap((line) => {
    const match = /^([0-9a-f]{64}) [ *](.+)$/.exec(line);
    return match ? [[join(folder, match[2] ?? ''), match[1] ?? ''] as const] : [];
  });
  return new Map(parts);
}

function text(headers: readonly Header[], ...keys: readonly string[]): string | null {
  for (const header of headers)
    for (const key of keys) {
      const value = header[key];
      if (typeof value === 'string' && value.trim() !== '') return value.trim();
    }
  return null;
}

function spanOf({ file, headers }: Found, problems: string[]): Timespan | null {
  const said = ['VALIDITYBEGIN', 'VALIDITYEND'].map((key) => text(headers, key));
  if (said.every((value) => value === null)) return null;
  const [begin, end] = said.map((value, i) => {
    if (value === null) return i === 0 ? unboundedSpan.begin : unboundedSpan.end;
    const ns = nsOfIso(value);
    if (ns === null)
      problems.push(`${file}: ${i === 0 ? 'VALIDITYBEGIN' : 'VALIDITYEND'}: expected a time, got ${value}`);
    return ns ?? 0n;
  });
  return { begin: begin ?? 0n, end: end ?? 0n };
}

/** What a file says of itself has to be what its place says. */
function checkIdentity({ file, folder, type, headers }: Found, problems: string[]): void {
  const place = detectorOfFolder(folder);
  const said = text(headers, 'DETECTOR_NAME', 'DETNAME');
  if (said !== null && detectorOfFolder(said)?.detector !== place?.detector)
    problems.push(`${file}: expected a calibration of ${folder}, got one of ${said}`);
  const kind = text(headers, 'OBSTYPE');
  if (kind !== null && kind.toLowerCase() !== type.toLowerCase())
    problems.push(`${file}: expected OBSTYPE ${type}, got ${kind}`);
}

/** Filters are given for a delivery of both cameras at once: a known one of the other is not meant here. */
function isFilterOf(instrument: string, name: string): boolean {
  const owners = instrumentTables.filter(({ filters }) => filters.some(([filter]) => filter === name));
  return owners.length === 0 || owners.some((table) => table.name === instrument);
}

function filtersOf(
  { file, folder, type, named, headers }: Found,
  given: readonly string[],
  problems: string[],
): readonly (string | null)[] {
  if (type !== 'flat') return [null];
  if (named !== null) return [named];
  const camera = text(headers, 'INSTRUME');
  const [told] = headers.filter(({ FILTER }) => typeof FILTER === 'string');
  if (told && camera !== null) return [physicalFilterOf(told, file)];
  if (told) return [String(told.FILTER)];
  const instrument = detectorOfFolder(folder)?.instrument ?? '';
  const own = given.filter((name) => isFilterOf(instrument, name));
  if (own.length === 0)
    problems.push(`${file}: it does not tell its filter: --filter NAME does, a filter of ${instrument}`);
  return own;
}

function filesOf(source: string, leftOut: string[], problems: string[]): Found[] {
  const found: Found[] = [];
  for (const folder of readdirSync(source).sort()) {
    const path = join(source, folder);
    if (!statSync(path).isDirectory() || detectorOfFolder(folder) === null) {
      if (folder !== sums) leftOut.push(path);
      continue;
    }
    for (const name of readdirSync(path).sort()) {
      const known = nameOf(name);
      const file = join(path, name);
      if (known === null) {
        if (name !== sums) leftOut.push(file);
        continue;
      }
      try {
        found.push({ file, folder, ...known, headers: readAllHeaders(file) });
      } catch (error) {
        problems.push(sentenceOf(error));
      }
    }
  }
  return found;
}

/** The one validity of the files beside it that tell theirs; null: there is none, or more than one. */
function siblingSpan(folder: string, spans: ReadonlyMap<Found, Timespan | null>): Timespan | null {
  const told = [...spans].flatMap(([one, span]) => (one.folder === folder && span ? [span] : []));
  const [first] = told;
  const same = first && told.every(({ begin, end }) => begin === first.begin && end === first.end);
  return same ? first : null;
}

function refuse(source: string, problems: readonly string[]): AgentError {
  return refuseAll('butler_metadata', `${source} cannot be taken`, problems);
}

/** Refuses (`butler_metadata`) a directory in which anything is wrong, with all of it. */
export function readCalibrationFolder(
  source: string,
  { begin, end, filters }: FolderSettings,
): FolderContent {
  const problems: string[] = [];
  const leftOut: string[] = [];
  const found = filesOf(source, leftOut, problems);
  if (found.length === 0 && problems.length === 0)
    problems.push('expected DETECTOR/TYPE.fits such as R44_SW0/bias.fits in it, got none');
  const spans = new Map(found.map((one) => [one, spanOf(one, problems)]));
  const expected = new Map([...expectedSums(source), ...found.flatMap(sumsBeside)]);
  const calibrations = found.flatMap((one): Calibration[] => {
    const { file, folder, type } = one;
    checkIdentity(one, problems);
    const place = detectorOfFolder(folder);
    if (!place) return [];
    const told = spans.get(one) ?? siblingSpan(folder, spans) ?? unboundedSpan;
    const span = { begin: begin ?? told.begin, end: end ?? told.end };
    const sha256 = checksum(file);
    const listed = expected.get(file) ?? sha256;
    if (listed !== sha256) problems.push(`${file}: expected sha256 ${listed} as in ${sums}, got ${sha256}`);
    return filtersOf(one, filters, problems).map((filter) => ({
      file,
      type,
      ...place,
      filter,
      span,
      sha256,
    }));
  });
  for (const [file] of expected)
    if (!existsSync(file)) problems.push(`${file}: it is listed in ${sums}, and not there`);
  if (problems.length > 0) throw refuse(source, problems);
  return { calibrations, leftOut: leftOut.map((path) => basename(path)) };
}

function sumsBeside({ file }: Found): (readonly [string, string])[] {
  return [...expectedSums(join(file, '..'))];
}
