// SPDX-License-Identifier: Apache-2.0
// Best focus from frames at several hexapod positions: the square of the width is a parabola in z.

export interface FocusPoint {
  readonly z: number;
  readonly fwhm: number;
  readonly fwhmErr: number;
}

export interface FocusFit {
  readonly best_z_mm: number;
  /** 1 sigma, from what the points scatter about the parabola, at least what their own errors say */
  readonly err: number;
  readonly n: number;
  readonly fwhm_px: number;
  /** the best place lies outside the positions that were tried */
  readonly extrapolated: boolean;
}

/** Seeing changes between frames by more than a fit's own error tells. */
const leastShare = 0.002;
/** mm: nearer positions are one. */
const samePosition = 1e-4;

/** Null below three positions, or when the widths have no minimum. */
export function fitFocus(points: readonly FocusPoint[]): FocusFit | null {
  const usable = points.filter((p) => Number.isFinite(p.z) && p.fwhm > 0 && p.fwhmErr >= 0);
  const positions = [...usable]
    .sort((a, b) => a.z - b.z)
    .filter((p, i, all) => i === 0 || p.z - (all[i - 1]?.z ?? 0) > samePosition);
  if (positions.length < 3) return null;
  const middle = usable.reduce((sum, p) => sum + p.z, 0) / usable.length;
  const m = [0, 0, 0, 0, 0];
  const r = [0, 0, 0];
  const weighted = usable.map((p) => {
    const err = Math.hypot(p.fwhmErr, leastShare * p.fwhm);
    return { z: p.z - middle, square: p.fwhm ** 2, weight: 1 / (2 * p.fwhm * err) ** 2 };
  });
  for (const { z, square, weight } of weighted) {
    for (let k = 0; k < 5; k++) m[k] = (m[k] ?? 0) + weight * z ** k;
    for (let k = 0; k < 3; k++) r[k] = (r[k] ?? 0) + weight * square * z ** k;
  }
  const inverse = inverseOf(m);
  if (inverse === null) return null;
  const [c, b, a] = inverse.map((row) => row.reduce((sum, v, k) => sum + v * (r[k] ?? 0), 0)) as [
    number,
    number,
    number,
  ];
  if (!(a > 0)) return null;
  const chi2 = weighted.reduce((sum, p) => sum + p.weight * (p.square - c - b * p.z - a * p.z ** 2) ** 2, 0);
  const scale = usable.length > 3 ? Math.max(1, chi2 / (usable.length - 3)) : 1;
  const best = -b / (2 * a);
  const da = b / (2 * a ** 2);
  const db = -1 / (2 * a);
  const at = (i: number, j: number) => inverse[i]?.[j] ?? 0;
  const variance = scale * (db ** 2 * at(1, 1) + 2 * da * db * at(1, 2) + da ** 2 * at(2, 2));
  const zs = usable.map((p) => p.z);
  const z = best + middle;
  return {
    best_z_mm: z,
    err: Math.sqrt(variance),
    n: usable.length,
    fwhm_px: Math.sqrt(Math.max(0, c - b ** 2 / (4 * a))),
    extrapolated: z < Math.min(...zs) || z > Math.max(...zs),
  };
}

/** Of the matrix with element (i, j) = m[i + j], 3 x 3; null when it is singular. */
function inverseOf(m: readonly number[]): number[][] | null {
  const at = (i: number, j: number) => m[i + j] ?? 0;
  const minor = (i: number, j: number) => {
    const [p, q] = [0, 1, 2].filter((k) => k !== i) as [number, number];
    const [u, v] = [0, 1, 2].filter((k) => k !== j) as [number, number];
    return ((i + j) % 2 === 0 ? 1 : -1) * (at(p, u) * at(q, v) - at(p, v) * at(q, u));
  };
  const det = at(0, 0) * minor(0, 0) + at(0, 1) * minor(0, 1) + at(0, 2) * minor(0, 2);
  const size = at(0, 0) * at(2, 2) * at(4, 0);
  if (!(Math.abs(det) > 1e-12 * size)) return null;
  return [0, 1, 2].map((i) => [0, 1, 2].map((j) => minor(i, j) / det));
}
