// SPDX-License-Identifier: Apache-2.0
// Two nights' headers by what ingest reads of them, and files that have them. Values are those of two real files
// (MC_O_20260315_000051, AT_O_20240624_000169), whose rows the shared reference dumps hold.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export type Values = Readonly<Record<string, string | number | boolean | null>>;

export const cameraHeader: Values = {
  INSTRUME: 'lsstCam',
  IMGTYPE: 'DARK',
  OBSID: 'MC_O_20260315_000051',
  CAMCODE: 'MC',
  CONTRLLR: 'O',
  DAYOBS: '20260315',
  SEQNUM: 51,
  CURINDEX: 1,
  MAXINDEX: 1,
  GROUPID: '2026-03-15T22:50:34.110',
  DATE: '2026-03-15T22:50:22.844',
  'DATE-BEG': '2026-03-15T22:50:54.832',
  'MJD-BEG': 61114.95202352386,
  'DATE-END': '2026-03-15T22:50:59.846',
  TIMESYS: 'TAI',
  RA: 0.0,
  DEC: 0.0,
  RASTART: 84.54740362444205,
  DECSTART: 15.961814429418297,
  ROTPA: 89.30082602885373,
  ROTCOORD: 'sky',
  ELSTART: 43.81125182495,
  AZSTART: -0.580160322058676,
  TRACKSYS: 'AZEL',
  RADESYS: null,
  OBJECT: 'azel_target',
  VIGN_MIN: 'FULLY',
  TESTTYPE: 'DARK',
  PROGRAM: 'BLOCK-T250',
  REASON: 'TMACheckout',
  FILTER: 'r_57',
  EXPTIME: 5.0,
  DARKTIME: 5.01371,
  SHUTTIME: 0.0,
  RAFTBAY: 'R01',
  CCDSLOT: 'S01',
};

export const latissHeader: Values = {
  INSTRUME: 'LATISS',
  IMGTYPE: 'DARK',
  OBSID: 'AT_O_20240624_000169',
  CAMCODE: 'AT',
  CONTRLLR: 'O',
  DAYOBS: '20240624',
  SEQNUM: 169,
  CURINDEX: 1,
  MAXINDEX: 1,
  GROUPID: '2024-06-25T07:10:40.297',
  DATE: '2024-06-25T07:11:10.392',
  'DATE-BEG': '2024-06-25T07:10:40.383',
  'MJD-BEG': 60486.29907850688,
  'DATE-END': '2024-06-25T07:11:10.392',
  TIMESYS: 'TAI',
  RASTART: 272.52669789029613,
  DECSTART: -78.69215330186401,
  ROTPA: 3.8810207341278717,
  ROTCOORD: 'sky',
  ELSTART: 38.992927174779474,
  AZSTART: -171.23888407563265,
  TRACKSYS: null,
  RADESYS: null,
  OBJECT: 'FlatField position',
  VIGN_MIN: 'FULLY',
  TESTTYPE: 'DARK',
  PROGRAM: null,
  REASON: null,
  GRATING: 'empty_1',
  FILTER: 'SDSSr_65mm',
  EXPTIME: 30.0,
  DARKTIME: 30.0096,
  SHUTTIME: 30.0,
  RAFTBAY: 'R00',
  CCDSLOT: 'S00',
  'HIERARCH.SIMULATE.ATHEXAPOD': 0,
};

/** An exposure of that camera, on that night. */
export function numbered(header: Values, seqNum: number): Values {
  const day = String(header.DAYOBS);
  const obsId = `${header.CAMCODE}_O_${day}_${String(seqNum).padStart(6, '0')}`;
  return { ...header, SEQNUM: seqNum, OBSID: obsId, GROUPID: `${day}-${seqNum}` };
}

export function at(header: Values, raftBay: string, ccdSlot: string): Values {
  return { ...header, RAFTBAY: raftBay, CCDSLOT: ccdSlot };
}

function card(key: string, value: string | number | boolean): string {
  const name = key.includes('.') ? `${key.replaceAll('.', ' ')} = ` : `${key.padEnd(8)}= `;
  if (typeof value === 'string') return `${name}'${value.padEnd(8)}'`.padEnd(80);
  const text = typeof value === 'boolean' ? (value ? 'T' : 'F') : String(value);
  return `${name}${text.padStart(20)}`.padEnd(80);
}

/** A FITS file of these keywords without an image, with what makes its content its own after them. */
export function writeFits(path: string, header: Values, content = ''): string {
  const cards = [card('SIMPLE', true), card('BITPIX', 8), card('NAXIS', 0)];
  for (const [key, value] of Object.entries(header)) if (value !== null) cards.push(card(key, value));
  cards.push('END'.padEnd(80));
  const text = cards.join('');
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text.padEnd(Math.ceil(text.length / 2880) * 2880) + content);
  return path;
}

/** A raw file or guider file by the camera's name for it. */
export function writeRaw(folder: string, header: Values, content = ''): string {
  const guider = String(header.CCDSLOT).startsWith('SG') ? '_guider' : '';
  const name = `${header.OBSID}_${header.RAFTBAY}_${header.CCDSLOT}${guider}.fits`;
  return writeFits(join(folder, name), header, content);
}
