// SPDX-License-Identifier: Apache-2.0
// From a header to the rows of an exposure, by the rules of the observatory's translators: what the registry holds has to
// equal, bit by bit, what the observatory's own ingest would write for the same header.

import { AgentError } from '../model/errors.js';
import type { Header, HeaderValue } from './fits-header.js';
import { correctedCameraHeader } from './header-corrections.js';
import { HeaderSeries } from './header-series.js';
import { icrsOfFk5 } from './sky-frame.js';
import { dayObsSpan, nsOfIso, nsOfMjd, taiMinusUtcNs } from './tai-times.js';

export interface ExposureRow {
  readonly instrument: string;
  readonly id: number;
  readonly day_obs: number;
  readonly group: string;
  readonly physical_filter: string;
  readonly obs_id: string;
  readonly exposure_time: number;
  readonly dark_time: number;
  readonly observation_type: string;
  readonly observation_reason: string;
  readonly seq_num: number;
  readonly seq_start: number;
  readonly seq_end: number;
  readonly target_name: string;
  readonly science_program: string;
  readonly tracking_ra: number | null;
  readonly tracking_dec: number | null;
  readonly sky_angle: number | null;
  readonly azimuth: number | null;
  readonly zenith_angle: number | null;
  readonly has_simulated: 0 | 1;
  readonly can_see_sky: 0 | 1 | null;
  readonly timespan_begin: bigint;
  readonly timespan_end: bigint;
}

/** What a header says of the file it stands in. */
export interface Observation {
  readonly exposure: ExposureRow;
  readonly daySpan: readonly [bigint, bigint];
  /** full name, as the detector rows have it */
  readonly detector: string;
}

/** Keywords that are read here, and in the corrections; of longer ones those that tell of a simulation. */
const keywords = [
  ...['INSTRUME', 'OBSID', 'DAYOBS', 'SEQNUM', 'CONTRLLR', 'CALIB_ID', 'RAFTBAY', 'CCDSLOT', 'RUNNUM'],
  ...['IMGTYPE', 'OBSTYPE', 'REASON', 'TESTTYPE', 'OBJECT', 'PROGRAM', 'GROUPID', 'CURINDEX', 'MAXINDEX'],
  ...['FILTER', 'FILTER1', 'FILTER2', 'GRATING', 'EXPTIME', 'DARKTIME', 'SHUTTIME', 'VIGN_MIN', 'SIMULATE'],
  ...['MJD-BEG', 'DATE-BEG', 'MJD-OBS', 'DATE-OBS', 'DATE-END', 'TIMESYS', 'DATE', 'TRACKSYS', 'RADESYS'],
  ...['RA', 'DEC', 'RASTART', 'DECSTART', 'ROTPA', 'ROTANGLE', 'ROTCOORD', 'AZSTART', 'ELSTART'],
];
const known: ReadonlySet<string> = new Set(keywords);

/** The registry takes no longer one. */
const longestType = 16;
const controllers = 'OCHPQS';
/** The laboratory's day began at midnight there; the camera was shipped in May 2024. */
const firstNightOnSummit = 20240501;

class Reader {
  readonly #header: Header;
  readonly #path: string;

  constructor(header: Header, path: string) {
    this.#header = header;
    this.#path = path;
  }

  value(...keys: readonly string[]): Exclude<HeaderValue, null> | undefined {
    for (const key of keys) {
      if (!known.has(key)) throw new Error(`${key} is not among the keywords that are read`);
      const value = this.#header[key];
      if (value !== undefined && value !== null) return value;
    }
    return undefined;
  }

  text(...keys: readonly string[]): string | undefined {
    const value = this.value(...keys);
    return value === undefined ? undefined : String(value);
  }

  number(...keys: readonly string[]): number | undefined {
    const value = this.value(...keys);
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
  }

  needText(key: string): string {
    return this.text(key) ?? this.fail(key);
  }

  needNumber(key: string): number {
    return this.number(key) ?? this.fail(key);
  }

  fail(key: string): never {
    const got = this.#header[key];
    throw new AgentError(
      'butler_metadata',
      `${this.#path}: header ${key}: expected a value, got ${got === undefined || got === null ? 'nothing' : String(got)}`,
    );
  }

  /** A keyword with this in it has a value, and that is not false. */
  says(part: string): boolean {
    for (const key in this.#header) if (key.includes(part) && this.#header[key]) return true;
    return false;
  }
}

function instrumentOf(header: Reader): 'LSSTCam' | 'LATISS' {
  const name = header.needText('INSTRUME');
  if (name.toLowerCase() === 'lsstcam') return 'LSSTCam';
  if (name === 'LATISS' || name === 'LSST_ATISS') return 'LATISS';
  return header.fail('INSTRUME');
}

interface Night {
  readonly dayObs: number;
  readonly seqNum: number;
  readonly id: number;
  readonly controller: string;
}

/** Until then these controllers' exposures have years of their own. */
function hasOwnYears(controller: string, dayObs: number): boolean {
  if (controller === 'H') return true;
  if (controller === 'C') return dayObs < 20231005;
  return 'PQS'.includes(controller) && dayObs <= 20250417;
}

function isDay(text: string): boolean {
  const [, year = '', month = '', day = ''] = /^(\d{4})(\d\d)(\d\d)$/.exec(text) ?? [];
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  return date.getUTCMonth() + 1 === Number(month) && date.getUTCDate() === Number(day);
}

function nightOf(header: Reader, instrument: string): Night {
  const parts = (header.text('OBSID') ?? '').split('_');
  const fromId = instrument === 'LATISS' && parts.length === 4 ? parts : [];
  const dayText = (header.text('DAYOBS') ?? fromId[2] ?? header.fail('DAYOBS')).replaceAll('-', '');
  const seqNum = header.number('SEQNUM') ?? Number(fromId[3] ?? header.fail('SEQNUM'));
  if (!isDay(dayText)) header.fail('DAYOBS');
  if (!Number.isInteger(seqNum) || seqNum < 0 || seqNum > 99_999) header.fail('SEQNUM');
  const controller = header.text('CONTRLLR') ?? 'O';
  const place = controllers.indexOf(controller);
  if (place < 0) header.fail('CONTRLLR');
  if (header.value('CALIB_ID') !== undefined) header.fail('CALIB_ID');
  const dayObs = Number(dayText);
  const years = hasOwnYears(controller, dayObs) ? place * 1000 : 0;
  return { dayObs, seqNum, controller, id: (dayObs + years * 10_000) * 100_000 + seqNum };
}

function cameraFilter(header: Reader): string {
  const names = ['FILTER', 'FILTER1', 'FILTER2'].flatMap((key) => {
    const name = header.text(key);
    return name === undefined ? [] : [name.toUpperCase() === 'NONE' ? 'none' : name];
  });
  return names.length === 0 ? 'unknown' : names.join('~').replace(/(~empty)+$/, '');
}

function latissFilter(header: Reader): string {
  const filter = header.text('FILTER')?.replace(/^empty(_\d+)?$/, 'empty') ?? 'unknown';
  const grating = header.text('GRATING')?.replace(/^empty.*$/, 'empty') ?? 'unknown';
  return `${filter}~${grating}`;
}

/** Of any header that tells INSTRUME and what stands in the light, as the registry names it. */
export function physicalFilterOf(header: Header, path: string): string {
  const told = new Reader(header, path);
  return instrumentOf(told) === 'LSSTCam' ? cameraFilter(told) : latissFilter(told);
}

function typeOf(header: Reader, instrument: string, exposureTime: number): string {
  const given = instrument === 'LATISS' ? header.text('OBSTYPE', 'IMGTYPE') : header.needText('IMGTYPE');
  if (given === undefined) return exposureTime === 0 ? 'bias' : 'unknown';
  const type = given.toLowerCase();
  if (type === '' || type.length > longestType) header.fail('IMGTYPE');
  return type === 'skyexp' || type === 'object' ? 'science' : type;
}

interface Pointing {
  readonly ra: number | null;
  readonly dec: number | null;
  readonly angle: number | null;
}

function pointingOf(header: Reader, type: string): Pointing {
  const none = { ra: null, dec: null, angle: null };
  const system = header.text('TRACKSYS');
  if (type === 'bias' || type === 'flat' || (system !== undefined && system !== 'RADEC')) return none;
  const ra = header.number('RASTART') ?? header.number('RA');
  const dec = header.number('DECSTART') ?? header.number('DEC');
  // Without DATE there is no time of observation to place it in.
  if (ra === undefined || dec === undefined || header.value('DATE') === undefined) return none;
  const frame = (header.text('RADESYS') ?? '').toUpperCase();
  const sky = frame === 'FK5' ? icrsOfFk5(ra, dec) : { ra, dec };
  const onSky = type !== 'dark' && header.text('ROTCOORD') === 'sky';
  return { ...sky, angle: onSky ? (header.number('ROTPA', 'ROTANGLE') ?? 0) : null };
}

function seesSky(header: Reader, instrument: string, night: Night, type: string): 0 | 1 | null {
  if (instrument === 'LSSTCam' && night.dayObs < 20250301) return 0;
  if (header.number('SHUTTIME') === 0) return 0;
  const vignetted = header.text('VIGN_MIN');
  if (vignetted === 'FULLY') return 0;
  if (vignetted === 'UNKNOWN') return null;
  if (vignetted !== undefined) return 1;
  if (instrument === 'LSSTCam') return null;
  if (type === 'science') return 1;
  return type === 'bias' || type === 'dark' ? 0 : null;
}

function simulated(header: Reader, controller: string): 0 | 1 {
  if ('HPQS'.includes(controller)) return 1;
  const told = header.says('SIMULATE');
  return told ? 1 : 0;
}

function beginOf(header: Reader): bigint {
  for (const name of ['BEG', 'OBS']) {
    const mjd = header.number(`MJD-${name}`);
    if (mjd !== undefined) return nsOfMjd(mjd);
    const ns = nsOfIso(header.text(`DATE-${name}`) ?? '');
    if (ns !== null) return ns;
  }
  return header.fail('MJD-BEG');
}

function endOf(header: Reader, instrument: string, begin: bigint, exposureTime: number): bigint {
  const said = nsOfIso(header.text('DATE-END') ?? '');
  const shutter = header.number('SHUTTIME') ?? 0;
  const open = instrument === 'LSSTCam' && shutter > 0 ? shutter : exposureTime;
  const isTai = header.text('TIMESYS')?.trim().toUpperCase() === 'TAI';
  const end = said === null ? begin + BigInt(Math.round(open * 1e9)) : said + (isTai ? 0n : taiMinusUtcNs);
  return end < begin ? begin : end;
}

/** Hours by which local midnight of the laboratory in California trails UTC on that day. */
function laboratoryOffset(dayObs: number): number {
  const noon = Date.UTC(Math.floor(dayObs / 10_000), (Math.floor(dayObs / 100) % 100) - 1, dayObs % 100, 12);
  const hour = new Intl.DateTimeFormat('en-GB', {
    timeZone: 'America/Los_Angeles',
    hour: 'numeric',
    hour12: false,
  }).format(noon);
  return 12 - Number(hour);
}

function detectorOf(header: Reader, instrument: string): string {
  if (instrument === 'LATISS') return 'RXX_S00';
  return `${header.needText('RAFTBAY')}_${header.needText('CCDSLOT')}`;
}

/** It becomes a folder's name. */
function obsIdOf(header: Reader): string {
  const obsId = header.needText('OBSID');
  return /^\.*$/.test(obsId) ? header.fail('OBSID') : obsId;
}

function wrapped(degrees: number): number {
  const rest = degrees % 360;
  return rest < 0 ? rest + 360 : rest;
}

/** Refuses (`butler_metadata`) a header that lacks what an exposure needs; `path` names it. */
export function observationOf(raw: Header, path: string): Observation {
  const told = new Reader(raw, path);
  const instrument = instrumentOf(told);
  const night = nightOf(told, instrument);
  const { dayObs, seqNum } = night;
  const isCamera = instrument === 'LSSTCam';
  const header = isCamera ? new Reader(correctedCameraHeader(raw, dayObs, seqNum), path) : told;
  const exposureTime = isCamera ? header.needNumber('EXPTIME') : (header.number('EXPTIME') ?? -1);
  const type = typeOf(header, instrument, exposureTime);
  const dark = header.number('DARKTIME');
  const pointing = pointingOf(header, type);
  const azimuth = header.number('AZSTART');
  const elevation = header.number('ELSTART');
  const index = header.number('CURINDEX');
  const last = header.number('MAXINDEX');
  const inSequence =
    index !== undefined && last !== undefined && Number.isSafeInteger(index) && Number.isSafeInteger(last);
  const begin = beginOf(header);
  return {
    exposure: {
      instrument,
      id: night.id,
      day_obs: dayObs,
      group: header.text('GROUPID') ?? String(night.id),
      physical_filter: isCamera ? cameraFilter(header) : latissFilter(header),
      obs_id: obsIdOf(header),
      exposure_time: exposureTime,
      dark_time: dark === undefined || (!isCamera && dark < exposureTime) ? exposureTime : dark,
      observation_type: type,
      observation_reason: (header.text('REASON', 'TESTTYPE') ?? 'unknown').toLowerCase(),
      seq_num: seqNum,
      seq_start: inSequence ? seqNum - index + 1 : seqNum,
      seq_end: inSequence ? seqNum + last - index : seqNum,
      target_name: header.text('OBJECT') ?? 'UNKNOWN',
      science_program: header.text('PROGRAM') ?? (isCamera ? header.text('RUNNUM') : undefined) ?? 'unknown',
      tracking_ra: pointing.ra,
      tracking_dec: pointing.dec,
      sky_angle: pointing.angle,
      azimuth: azimuth === undefined ? null : wrapped(azimuth),
      zenith_angle: elevation === undefined ? null : 90 - elevation,
      has_simulated: simulated(header, night.controller),
      can_see_sky: seesSky(header, instrument, night, type),
      timespan_begin: begin,
      timespan_end: endOf(header, instrument, begin, exposureTime),
    },
    daySpan: dayObsSpan(dayObs, isCamera && dayObs < firstNightOnSummit ? laboratoryOffset(dayObs) : 12),
    detector: detectorOf(header, instrument),
  };
}

const detectorKeywords: ReadonlySet<string> = new Set(['RAFTBAY', 'CCDSLOT']);

/** Files one after the other: those of an exposure tell the same of it, each of its detector. */
export class Observations {
  readonly #headers = new HeaderSeries(keywords);
  #last: Observation | null = null;

  /** Refuses (`butler_metadata`) what `observationOf` refuses, and a file without a header that can be read. */
  next(path: string): Observation {
    const { header, changed } = this.#headers.next(path);
    const last = this.#last;
    this.#last = null;
    this.#last =
      last && changed?.every((keyword) => detectorKeywords.has(keyword))
        ? { ...last, detector: detectorOf(new Reader(header, path), last.exposure.instrument) }
        : observationOf(header, path);
    return this.#last;
  }
}
