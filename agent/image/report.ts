// SPDX-License-Identifier: Apache-2.0
// What the native side tells of a processed frame (addons/looks/image_report.h) and what goes into <stem>.json.

/** Null where a number is not known. */
export type Known = number | null;

export interface FrameReport {
  /** folder of its calibrations: LATISS, R44_SW0 */
  readonly detector: string;
  readonly kind: 'latiss' | 'wavefront';
  readonly header: Readonly<Record<string, string | number | boolean | null>>;
  readonly isr: {
    readonly applied: readonly string[];
    readonly skipped: readonly string[];
    /** one sentence for each calibration that is not there */
    readonly missing: readonly string[];
    readonly nominal_gain: boolean;
  };
  readonly times_ms: Readonly<Record<string, number>>;
  /** what was seen, by its keys in <stem>.json */
  readonly product: Product;
}

export interface Product {
  readonly target?: Place & { readonly fwhm: Known; readonly snr: Known };
  readonly sources?: readonly (Place & { readonly fwhm: Known })[];
  readonly offset?: { readonly sweet_spot: { readonly x: number; readonly y: number } };
  readonly trace?: { readonly angle_deg: number; readonly x_at_y0: number } | null;
  readonly zeroth?: Place | null;
  readonly spectrum?: Spectrum | null;
  readonly focus?: Focus | null;
  readonly focal?: 'extra' | 'intra';
  readonly donuts?: readonly Donut[];
  readonly sensor?: { readonly radius: Known; readonly radius_err: Known };
  readonly quality: { readonly flags: readonly string[] };
}

interface Place {
  readonly x: number;
  readonly y: number;
}

export interface Spectrum {
  readonly distance_px: readonly Known[];
  readonly y_px: readonly number[];
  readonly wavelength_nm: readonly number[];
  readonly flux: readonly number[];
  readonly variance: readonly Known[];
  readonly background: readonly Known[];
  readonly lines: readonly { readonly lambda_nm: number; readonly distance_px: number }[];
}

export interface Donut extends Place {
  readonly radius: number;
  readonly blended: boolean;
}

export interface Focus {
  /** along the dispersion */
  readonly fwhm_px: Known;
  readonly fwhm_err_px: Known;
  /** FOCUSZ */
  readonly z_mm: Known;
}

export interface Preview {
  readonly cols: number;
  readonly rows: number;
  /** 8 bit, row by row, the lowest first; one for 4 x 4 of the frame */
  readonly pixels: Uint8Array;
}
