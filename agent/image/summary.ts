// SPDX-License-Identifier: Apache-2.0
// What several frames say together: the best focus of LATISS, the difference of the wavefront halves' donuts.
import { type FocusFit, type FocusPoint, fitFocus } from './focus-fit.js';
import type { FrameReport } from './report.js';

/** Widths of another hour are of another seeing. */
const seriesS = 900;

interface TimedPoint extends FocusPoint {
  readonly atS: number;
}

/** Focus of the frames that can be compared: one grating, one filter, within a quarter of an hour where they have times. */
export class FocusSeries {
  readonly #points = new Map<string, TimedPoint[]>();

  /** The fit over what was seen of the frame's series so far, itself included. */
  add(report: FrameReport, atS = 0): FocusFit | null {
    const focus = report.product.focus ?? null;
    if (focus === null || focus.fwhm_px === null || focus.z_mm === null) return null;
    const key = `${String(report.header.GRATING)}~${String(report.header.FILTER)}`;
    const points = (this.#points.get(key) ?? []).filter((point) => Math.abs(atS - point.atS) <= seriesS);
    points.push({ z: focus.z_mm, fwhm: focus.fwhm_px, fwhmErr: focus.fwhm_err_px ?? 0, atS });
    this.#points.set(key, points);
    return fitFocus(points);
  }

  /** Of the longest series. */
  best(): FocusFit | null {
    const series = [...this.#points.values()].sort((a, b) => b.length - a.length);
    return fitFocus(series[0] ?? []);
  }
}

/** Of defocus for one px of a donut's radius (addons/image/donuts.h). */
const mmPerPx = 0.0226;

export interface Defocus {
  readonly obsid: string;
  /** R44 */
  readonly raft: string;
  /** px: extra-focal radius less intra-focal */
  readonly radius_difference_px: number;
  readonly err: number;
  /** mm the focal plane is off, by the radii: + towards the extra-focal side */
  readonly defocus_mm: number;
}

/** Of the wavefront sensors whose both halves were seen. */
export function defocusOf(reports: readonly FrameReport[]): Defocus[] {
  const found: Defocus[] = [];
  for (const extra of reports) {
    const intra = reports.find(
      ({ header, product }) =>
        product.focal === 'intra' &&
        header.OBSID === extra.header.OBSID &&
        header.RAFTBAY === extra.header.RAFTBAY,
    );
    const a = extra.product.sensor;
    const b = intra?.product.sensor;
    if (extra.product.focal !== 'extra' || !a || !b || a.radius === null || b.radius === null) continue;
    found.push({
      obsid: String(extra.header.OBSID),
      raft: String(extra.header.RAFTBAY),
      radius_difference_px: a.radius - b.radius,
      defocus_mm: (mmPerPx * (a.radius - b.radius)) / 2,
      err: Math.hypot(a.radius_err ?? 0, b.radius_err ?? 0),
    });
  }
  return found;
}

/** Halves that wait for the other one. */
const mostHalves = 32;

/** Wavefront sensors as they are looked at, half by half. */
export class PairBook {
  readonly #halves = new Map<string, FrameReport>();

  /** With the second half of a sensor what both say; null with the first. */
  add(report: FrameReport): Defocus | null {
    const { focal } = report.product;
    if (focal === undefined) return null;
    const key = `${String(report.header.OBSID)} ${String(report.header.RAFTBAY)}`;
    const other = this.#halves.get(key);
    if (other && other.product.focal !== focal) {
      this.#halves.delete(key);
      return defocusOf([report, other])[0] ?? null;
    }
    this.#halves.set(key, report);
    const oldest = this.#halves.keys().next();
    if (this.#halves.size > mostHalves && !oldest.done) this.#halves.delete(oldest.value);
    return null;
  }
}
