// SPDX-License-Identifier: Apache-2.0
// The words of a scenario file (schema.json says what each means) and when they apply.

export type Vector = readonly [number, number];
/** [stamps since the window's first, value]... */
export type Curve = readonly (readonly [number, number])[];

/** Which stamps: all that are left out apply to all. */
export interface Window {
  readonly sensors?: string | readonly string[];
  /** from 1 */
  readonly series?: number;
  /** from 1; `from` then counts from this exposure's first stamp */
  readonly exposure?: number;
  readonly from?: number;
  readonly stamps?: number;
}

export interface ShakeLine {
  readonly hz: number;
  readonly arcsec: number;
  readonly 'direction-deg'?: number;
  readonly 'phase-deg'?: number;
}

export type Happening = Window &
  (
    | { readonly what: 'dead' }
    | { readonly what: 'late-start'; readonly start?: 'late' | 'on-time' | 'never' }
    | { readonly what: 'frozen' }
    | { readonly what: 'clouds'; readonly transparency?: number; readonly curve?: Curve }
    | { readonly what: 'seeing'; readonly fwhm?: number; readonly curve?: Curve }
    | {
        readonly what: 'satellite';
        readonly 'offset-px'?: Vector;
        readonly 'angle-deg'?: number;
        readonly 'electrons-per-px'?: number;
      }
    | {
        readonly what: 'cosmic-ray';
        readonly 'offset-px'?: Vector;
        readonly 'angle-deg'?: number;
        readonly 'length-px'?: number;
        readonly electrons?: number;
      }
    | { readonly what: 'star'; readonly 'offset-px': Vector; readonly ratio?: number }
    | {
        readonly what: 'wrong-star';
        readonly 'offset-px'?: Vector;
        readonly 'drift-px-per-s'?: Vector;
        readonly 'jitter-px'?: number;
      }
    | { readonly what: 'wind'; readonly lines: readonly ShakeLine[] }
    | { readonly what: 'drift'; readonly 'arcsec-per-s': number; readonly 'direction-deg'?: number }
    | { readonly what: 'rotation'; readonly 'arcsec-per-s': number }
    | { readonly what: 'jump'; readonly arcsec: Vector }
    | { readonly what: 'shutter'; readonly ms?: number }
    | { readonly what: 'smear'; readonly fraction?: number }
    | { readonly what: 'split-roi'; readonly column?: number; readonly 'step-adu'?: number }
  );
export type What = Happening['what'];

/** One stamp's place in the run. */
export interface Moment {
  /** from 1 */
  readonly series: number;
  /** within the series, from 1 */
  readonly exposure: number;
  /** stamps before it in the series, in the exposure */
  readonly inSeries: number;
  readonly inExposure: number;
  /** stamps of this exposure; infinite: nobody knows */
  readonly ofExposure: number;
  /** the sky's seconds from stamp to stamp */
  readonly periodS: number;
}

export function listOf(value: string | readonly string[] | undefined): readonly string[] {
  if (value === undefined) return [];
  return typeof value === 'string' ? [value] : value;
}

/** True for a window without sensors, too. */
export function concerns(window: Window, sensor: string): boolean {
  return window.sensors === undefined || listOf(window.sensors).includes(sensor);
}

/** Stamps since the window's first one, below 0 before it; null: another series or exposure. */
export function sinceStart(window: Window, moment: Moment): number | null {
  if (window.series !== undefined && window.series !== moment.series) return null;
  if (window.exposure !== undefined && window.exposure !== moment.exposure) return null;
  const count = window.exposure === undefined ? moment.inSeries : moment.inExposure;
  return count - (window.from ?? 0);
}

/** Stamps since the window's first one, or null outside it; it lasts `stamps`, or as many as is usual. */
export function inside(
  window: Window,
  moment: Moment,
  usual: number = Number.POSITIVE_INFINITY,
): number | null {
  const since = sinceStart(window, moment);
  return since !== null && since >= 0 && since < (window.stamps ?? usual) ? since : null;
}

/** Straight lines between the points, level outside. */
export function along(curve: Curve, at: number): number {
  let [beforeAt, beforeValue] = [Number.NEGATIVE_INFINITY, curve[0]?.[1] ?? Number.NaN];
  for (const [pointAt, value] of curve) {
    if (at < pointAt) {
      if (beforeAt === Number.NEGATIVE_INFINITY) return value;
      return beforeValue + ((value - beforeValue) * (at - beforeAt)) / (pointAt - beforeAt);
    }
    [beforeAt, beforeValue] = [pointAt, value];
  }
  return beforeValue;
}
