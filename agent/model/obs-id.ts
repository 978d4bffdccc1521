// SPDX-License-Identifier: Apache-2.0
// OBSID (`MC_O_20251202_000439`) to the numbers of a DataId. Rule of obs_lsst translators/lsst.py.

export interface ObsId {
  readonly obsId: string;
  /** AT, CC or MC */
  readonly source: string;
  /** O camera, C CCS, H, P, Q, S simulated or test controllers */
  readonly controller: string;
  /** YYYYMMDD, changes at noon UTC - 12 h */
  readonly dayObs: number;
  readonly seqNum: number;
  /** (dayObs + controller years) * 100000 + seqNum */
  readonly exposureId: number;
}

const form = /^([A-Z]{2})_([A-Z])_(\d{4})(\d{2})(\d{2})_(\d{1,6})$/;
const controllers = 'OCHPQS';
/** From the next day on these controllers share the camera's numbering. */
const lastDayOfOwnYears: Readonly<Record<string, number>> = {
  C: 20231004,
  P: 20250417,
  Q: 20250417,
  S: 20250417,
};
const maxSeqNum = 99_999;

/** Reads an OBSID; null when the text is not one (a series id, or nothing at all). */
export function parseObsId(text: string): ObsId | null {
  const match = form.exec(text);
  if (!match) return null;
  const [, source = '', controller = '', year, month, day, seq] = match;
  const place = controllers.indexOf(controller);
  const dayObs = Number(`${year}${month}${day}`);
  const seqNum = Number(seq);
  if (place < 0 || seqNum > maxSeqNum || Number(month) < 1 || Number(month) > 12) return null;
  if (Number(day) < 1 || Number(day) > 31) return null;
  const last = lastDayOfOwnYears[controller];
  const years = last !== undefined && dayObs > last ? 0 : place * 1000;
  const exposureId = (dayObs + years * 10_000) * 100_000 + seqNum;
  return { obsId: text, source, controller, dayObs, seqNum, exposureId };
}
