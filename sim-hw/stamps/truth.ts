// SPDX-License-Identifier: Apache-2.0
// What is true of one stamp: the truth columns of a stamp set. Positions and widths px, light in electrons.

/** measure: a position within 1 px is due; reject: none may be given unflagged; either: right, or none. */
export type Want = 'measure' | 'either' | 'reject';

export interface Truth {
  readonly cls: string;
  readonly want?: Want;
  readonly star: boolean;
  readonly x: number | null;
  readonly y: number | null;
  readonly flux_e: number | null;
  readonly fwhm_px: number | null;
  readonly e1: number | null;
  readonly e2: number | null;
  /** of the whole star on a quiet background */
  readonly snr: number | null;
  /** what is left in the stamp, other light counted as noise */
  readonly snr_eff: number | null;
  readonly crlb_x: number | null;
  readonly crlb_y: number | null;
  /** with a free offset per column */
  readonly crlbc_x: number | null;
  readonly crlbc_y: number | null;
  readonly gain: number;
  readonly rn_e: number;
  readonly sky_e: number;
  /** s, within a series */
  readonly t?: number;
}

export interface Stamp {
  readonly pixels: Int32Array;
  readonly truth: Truth;
}

/** A group of a set before it is painted. */
export interface GroupPlan {
  readonly name: string;
  readonly dtype: 'int32' | 'uint16';
  readonly rows: number;
  readonly cols: number;
  readonly note: string;
  readonly count: number;
  /** Paints stamp i; to be asked in order. */
  stamp(i: number): Stamp;
}
