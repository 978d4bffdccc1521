// SPDX-License-Identifier: Apache-2.0
// The header of one raw image: what this agent knows, then the DAQ, the profile and a header document on top of each
// other. Nothing is made up: what nobody tells stays without a value.
import { isKeyword, isStructural } from '../model/fits-keyword.js';
import type { ImageDetector, ImageKind } from '../model/image-detectors.js';
import { parseObsId } from '../model/obs-id.js';
import { commentOf, primaryKeywords } from './primary-keywords.js';

export type KeywordValue = string | number | boolean | null;
export type Keywords = Readonly<Record<string, KeywordValue>>;

/** What the profile and a header document may tell. */
export interface HeaderValues {
  readonly keywords: Keywords;
  /** by detector name, before `keywords` of the same source */
  readonly detectors: Readonly<Record<string, Keywords>>;
  readonly rebCond: Keywords;
  readonly configCond: Keywords;
}

export const noValues: HeaderValues = { keywords: {}, detectors: {}, rebCond: {}, configCond: {} };

export interface HeaderInput {
  readonly kind: ImageKind;
  readonly detector: ImageDetector;
  readonly name: string;
  readonly imageTag: string;
  readonly triggerTaiNs: bigint;
  readonly nowTaiNs: bigint;
  /** of the DAQ, as it told them */
  readonly details: Readonly<Record<string, unknown>>;
  readonly sourceDetails: Readonly<Record<string, unknown>>;
  /** profile first, then the document; later ones win */
  readonly values: readonly HeaderValues[];
}

/** Letters of an image's name in that of its files. */
const mostStem = 120;

/** TAI ns since 1970 as FITS writes it, to the ms. */
export function isoOf(taiNs: bigint): string {
  return new Date(Number(taiNs / 1_000_000n)).toISOString().slice(0, -1);
}

export function mjdOf(taiNs: bigint): number {
  return 40_587 + Number(taiNs / 1_000_000n) / 86_400_000;
}

function timePair(suffix: string, taiNs: bigint | null): Keywords {
  if (taiNs === null || taiNs === 0n) return {};
  const dash = suffix === '' ? '' : `-${suffix}`;
  return { [`DATE${dash}`]: isoOf(taiNs), [`MJD${dash}`]: mjdOf(taiNs) };
}

function bigOf(value: unknown): bigint | null {
  return typeof value === 'string' && /^\d{1,19}$/.test(value) ? BigInt(value) : null;
}

function textOf(from: Readonly<Record<string, unknown>>, key: string): KeywordValue {
  const value = from[key];
  return typeof value === 'string' ? value : null;
}

/** The part of an object that can be keywords of an image; what a file says of itself is left to who writes it. */
export function keywordsOf(value: unknown): Keywords {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
  const entries = Object.entries(value).filter(
    ([name, v]) =>
      isKeyword(name) &&
      !isStructural(name) &&
      (v === null || ['string', 'number', 'boolean'].includes(typeof v)),
  );
  return Object.fromEntries(entries) as Keywords;
}

const constants: Readonly<Record<ImageKind, Keywords>> = {
  wavefront: { CCD_TYPE: '4400', INSTRUME: 'lsstCam', TELESCOP: 'Simonyi Survey Telescope', HEADVER: 101 },
  latiss: {
    CCD_TYPE: '3800C',
    INSTRUME: 'LATISS',
    TELESCOP: 'LSST AuxTelescope',
    FACILITY: 'Vera C. Rubin Observatory',
    HEADVER: 2,
  },
};

function known(input: HeaderInput): Keywords {
  const { kind, details, sourceDetails, triggerTaiNs, nowTaiNs } = input;
  const begin = bigOf(details.begin_tai_ns);
  const end = bigOf(details.end_tai_ns) ?? triggerTaiNs;
  return {
    ...constants[kind],
    CCD_MANU: 'ITL',
    DETSIZE: '[1:4072,1:4000]',
    BINX: 1,
    BINY: 1,
    CCDGAIN: 1,
    CCDNOISE: 10,
    BUNIT: 'adu',
    TIMESYS: 'TAI',
    CURINDEX: 1,
    MAXINDEX: 1,
    FIRMWARE: textOf(sourceDetails, 'firmware'),
    CONTNUM: textOf(sourceDetails, 'serial'),
    PLATFORM: textOf(details, 'platform'),
    DAQVERS: textOf(details, 'version'),
    DAQPART: textOf(details, 'partition'),
    DAQFOLD: textOf(details, 'folder'),
    OBSANNOT: textOf(details, 'annotation'),
    ...timePair('', nowTaiNs),
    ...timePair('TRG', triggerTaiNs),
    // Without the camera's own times the trigger is the best there is, as older files have it.
    ...timePair('OBS', begin ?? triggerTaiNs),
    ...timePair('BEG', begin),
    ...timePair('END', end),
    'HIERARCH.STUTTER.ROWS': 0,
    'HIERARCH.STUTTER.DELAY': 0,
    'HIERARCH.STUTTER.NSHIFTS': 0,
    ...keywordsOf(details.keywords),
  };
}

/** Which image and detector a file is of: DAQ and board know, and nobody else says otherwise. */
function identityOf({ kind, detector, name, imageTag }: HeaderInput): Keywords {
  const obsId = parseObsId(name);
  return {
    INSTRUME: constants[kind].INSTRUME ?? null,
    CCDSLOT: detector.ccdSlot,
    RAFTBAY: detector.raftBay,
    OBSID: name,
    IMAGETAG: imageTag,
    ...(obsId && {
      CAMCODE: obsId.source,
      CONTRLLR: obsId.controller,
      DAYOBS: String(obsId.dayObs),
      SEQNUM: obsId.seqNum,
    }),
  };
}

/** Values by keyword, everything taken together. */
export function headerValues(input: HeaderInput): Keywords {
  const name = input.detector.detectorName;
  const own = input.values.flatMap((values) => [values.keywords, values.detectors[name] ?? {}]);
  const values = keywordsOf(Object.assign({}, known(input), ...own, identityOf(input)));
  const seqName = values.SEQNAME ?? values.SEQFILE ?? null;
  const groupId = values.GROUPID ?? values['DATE-BEG'] ?? null;
  return { ...values, SEQNAME: seqName, GROUPID: groupId, FILENAME: `${fileStem(input)}.fits` };
}

/** Of the files of an image: its name as far as it can be one of a file, so that pixels are kept whatever the DAQ calls them. */
export function fileStem({
  name,
  imageTag,
  detector,
}: Pick<HeaderInput, 'name' | 'imageTag' | 'detector'>): string {
  const safe = name
    .replaceAll(/[^A-Za-z0-9_.+-]/g, '_')
    .replace(/^\./, '_')
    .slice(0, mostStem);
  return `${safe === '' ? `image_${imageTag}` : safe}_${detector.detectorName}`;
}

/** JSON for the native writer: every keyword of the camera in its order, then those it does not know. */
export function headerJson(input: HeaderInput, values = headerValues(input)): string {
  const order = primaryKeywords[input.kind];
  const listed = new Set(order);
  const others = Object.keys(values).filter((name) => !listed.has(name));
  const cards = [...order, ...others].map((name) => [name, values[name] ?? null, commentOf(name)]);
  const table = (pick: (v: HeaderValues) => Keywords) =>
    Object.entries(keywordsOf(Object.assign({}, ...input.values.map(pick))));
  return JSON.stringify({
    primary: cards,
    reb_cond: table((v) => v.rebCond),
    config_cond: table((v) => v.configCond),
  });
}
