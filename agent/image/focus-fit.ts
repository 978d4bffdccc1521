// SPDX-License-Identifier: Apache-2.0
// Best focus from frames at several hexapod positions: the square of the width is a parabola in z.

export interface FocusPoint {
  readonly z: number;
  readonly fwhm: number;
  readonly fwhmErr: number;
}

export interface FocusFit {
  readonly best_z_mm: number;
  /** 1 sigma: of the widths' own errors, and of the seeing between frames */
  readonly err: number;
  readonly n: number;
  readonly fwhm_px: number;
  /** the best place lies outside the positions that were tried */
  readonly extrapolated: boolean;
}

/**
 * Seeing changes between frames, which adds the same to the square of every width, in focus or out of it. By how much the
 * points tell; few of them tell little, so that this much, a share of the width in focus, counts as so many points more.
 */
const usualSeeing = 0.05;
const usualWeight = 4;
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
  const squares = usable.map(({ z, fwhm, fwhmErr }) => ({
    z: z - middle,
    square: fwhm ** 2,
    own: (2 * fwhm * fwhmErr) ** 2,
  }));
  const usual = (2 * usualSeeing * Math.min(...squares.map(({ square }) => square))) ** 2;
  let seeing = usual;
  let fit = parabolaThrough(squares, seeing);
  for (let round = 0; round < 5 && fit !== null; round++) {
    const { c, b, a } = fit;
    const left = squares.map(({ z, square, own }) => (square - c - b * z - a * z ** 2) ** 2 - own);
    const sum = left.reduce((all, one) => all + one, usualWeight * usual);
    seeing = Math.max(0.01 * usual, sum / (squares.length - 3 + usualWeight));
    fit = parabolaThrough(squares, seeing);
  }
  if (fit === null || !(fit.a > 0)) return null;
  const { a: curvature, b, c, at } = fit;
  const best = -b / (2 * curvature);
  const da = b / (2 * curvature ** 2);
  const db = -1 / (2 * curvature);
  const variance = db ** 2 * at(1, 1) + 2 * da * db * at(1, 2) + da ** 2 * at(2, 2);
  const zs = usable.map((p) => p.z);
  const z = best + middle;
  return {
    best_z_mm: z,
    err: Math.sqrt(variance),
    n: usable.length,
    fwhm_px: Math.sqrt(Math.max(0, c - b ** 2 / (4 * curvature))),
    extrapolated: z < Math.min(...zs) || z > Math.max(...zs),
  };
}

interface Square {
  readonly z: number;
  readonly square: number;
  /** variance */
  readonly own: number;
}

/** c + b z + a z^2, and its covariances by powers of z; null when the points have none. */
function parabolaThrough(squares: readonly Square[], seeing: number) {
  const m = [0, 0, 0, 0, 0];
  const r = [0, 0, 0];
  for (const { z, square, own } of squares) {
    const weight = 1 / (own + seeing);
    for (let k = 0; k < 5; k++) m[k] = (m[k] ?? 0) + weight * z ** k;
    for (let k = 0; k < 3; k++) r[k] = (r[k] ?? 0) + weight * square * z ** k;
  }
  const inverse = inverseOf(m);
  if (inverse === null) return null;
  const row = (i: number) => inverse[i]?.reduce((sum, v, k) => sum + v * (r[k] ?? 0), 0) ?? Number.NaN;
  return { c: row(0), b: row(1), a: row(2), at: (i: number, j: number) => inverse[i]?.[j] ?? 0 };
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
