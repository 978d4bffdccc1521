// SPDX-License-Identifier: Apache-2.0
// What several frames say together: the best focus of LATISS, the difference of the wavefront halves' donuts.
import { type FocusFit, type FocusPoint, fitFocus } from './focus-fit.js';
import type { FrameReport } from './report.js';

/** Focus of the frames that can be compared: one grating, one filter. */
export class FocusSeries {
  readonly #points = new Map<string, FocusPoint[]>();

  /** The fit over what was seen of the frame's series so far, itself included. */
  add(report: FrameReport): FocusFit | null {
    const focus = report.product.focus ?? null;
    if (focus === null || focus.fwhm_px === null || focus.z_mm === null) return null;
    const key = `${String(report.header.GRATING)}~${String(report.header.FILTER)}`;
    const points = this.#points.get(key) ?? [];
    points.push({ z: focus.z_mm, fwhm: focus.fwhm_px, fwhmErr: focus.fwhm_err_px ?? 0 });
    this.#points.set(key, points);
    return fitFocus(points);
  }

  /** Of the longest series. */
  best(): FocusFit | null {
    const series = [...this.#points.values()].sort((a, b) => b.length - a.length);
    return fitFocus(series[0] ?? []);
  }
}

export interface Defocus {
  readonly obsid: string;
  /** R44 */
  readonly raft: string;
  /** px: extra-focal radius less intra-focal */
  readonly radius_difference_px: number;
  readonly err: number;
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
      err: Math.hypot(a.radius_err ?? 0, b.radius_err ?? 0),
    });
  }
  return found;
}
