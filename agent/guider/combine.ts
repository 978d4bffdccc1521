// SPDX-License-Identifier: Apache-2.0
// From displacements of single stars to one displacement of the camera: a weighted least-squares fit of
// dx, dy and rotation about the optical axis that survives up to half of its sensors being wrong.

import type { CombinedFit } from '../model/messages.js';

/** One sensor's displacement at its place in the focal plane, mm. */
export interface Displacement {
  readonly x: number;
  readonly y: number;
  readonly dx: number;
  readonly dy: number;
  /** 1 sigma of dx, dy, without the scatter floor */
  readonly sigmaX: number;
  readonly sigmaY: number;
}

/** Displacement = (dx - rotation * y, dy + rotation * x), rotation in rad. */
export interface Motion {
  readonly dx: number;
  readonly dy: number;
  readonly rotation: number;
}

export interface Combination {
  readonly fit: CombinedFit;
  readonly motion: Motion;
  /** which displacements the fit used; the others are outliers */
  readonly used: readonly boolean[];
}

const arcsecPerRad = (180 / Math.PI) * 3600;
/** A residual of this many sigma (both axes together) is no member of the fit: 3e-4 of good ones. */
const cut = 4;
/** Median length of a two-dimensional residual of unit sigma per axis. */
const rayleighMedian = Math.sqrt(2 * Math.log(2));
/** Below this a rotation cannot be told from one star's own motion. */
const leastForRotation = 3;

interface Weighted extends Displacement {
  readonly wx: number;
  readonly wy: number;
}

interface Solution {
  readonly motion: Motion;
  /** of (dx, dy, rotation in rad): xx, xy, xr, yy, yr, rr */
  readonly covariance: readonly number[];
}

/** Solves the 3x3 normal equations by eliminating dx and dy, whose block is diagonal. */
function solve(data: readonly Weighted[], use: readonly boolean[], withRotation: boolean): Solution {
  let naa = 0;
  let nbb = 0;
  let nar = 0;
  let nbr = 0;
  let nrr = 0;
  let ra = 0;
  let rb = 0;
  let rr = 0;
  data.forEach((d, i) => {
    if (!use[i]) return;
    naa += d.wx;
    nbb += d.wy;
    nar -= d.wx * d.y;
    nbr += d.wy * d.x;
    nrr += d.wx * d.y * d.y + d.wy * d.x * d.x;
    ra += d.wx * d.dx;
    rb += d.wy * d.dy;
    rr += d.wy * d.x * d.dy - d.wx * d.y * d.dx;
  });
  if (!withRotation) {
    const motion = { dx: ra / naa, dy: rb / nbb, rotation: 0 };
    return { motion, covariance: [1 / naa, 0, Number.NaN, 1 / nbb, Number.NaN, Number.NaN] };
  }
  const pa = nar / naa;
  const pb = nbr / nbb;
  const s = nrr - nar * pa - nbr * pb;
  const rotation = (rr - pa * ra - pb * rb) / s;
  const motion = { dx: ra / naa - pa * rotation, dy: rb / nbb - pb * rotation, rotation };
  const covariance = [
    1 / naa + (pa * pa) / s,
    (pa * pb) / s,
    -pa / s,
    1 / nbb + (pb * pb) / s,
    -pb / s,
    1 / s,
  ];
  return { motion, covariance };
}

export function displacementAt(motion: Motion, x: number, y: number): { dx: number; dy: number } {
  return { dx: motion.dx - motion.rotation * y, dy: motion.dy + motion.rotation * x };
}

/** Residual in sigma, both axes together. */
function residual(d: Weighted, motion: Motion): number {
  const at = displacementAt(motion, d.x, d.y);
  return Math.sqrt(d.wx * (d.dx - at.dx) ** 2 + d.wy * (d.dy - at.dy) ** 2);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const upper = sorted[half] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[half - 1] ?? Number.NaN)) / 2;
}

/** Least median of squares over all pairs of sensors (28 for eight): the motion most of them agree on. */
function robustStart(data: readonly Weighted[]): { motion: Motion; scale: number } {
  let best: Motion = { dx: 0, dy: 0, rotation: 0 };
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < data.length; i++) {
    for (let j = i + 1; j < data.length; j++) {
      const pair = data.map((_, k) => k === i || k === j);
      const { motion } = solve(data, pair, true);
      const middle = median(data.map((d) => residual(d, motion)));
      if (middle < least) {
        least = middle;
        best = motion;
      }
    }
  }
  // Rousseeuw's small-sample factor; 1.5 parameters for each two-dimensional residual.
  const scale = ((1 + 5 / (data.length - 1.5)) * least) / rayleighMedian;
  return { motion: best, scale: Math.max(1, scale) };
}

function chi2Of(data: readonly Weighted[], use: readonly boolean[], motion: Motion): number {
  return data.reduce((sum, d, i) => (use[i] ? sum + residual(d, motion) ** 2 : sum), 0);
}

function count(use: readonly boolean[]): number {
  return use.reduce((n, u) => (u ? n + 1 : n), 0);
}

/** Which sensors belong together. Starts from the robust motion, then refits until the set stands still. */
function selectMembers(data: readonly Weighted[]): boolean[] {
  let use = data.map(() => true);
  if (data.length < leastForRotation) return use;
  const plain = solve(data, use, true).motion;
  // The common case: when nobody is far from the plain fit, nobody has bent it.
  if (data.every((d) => residual(d, plain) <= cut)) return use;
  let { motion, scale } = robustStart(data);
  for (let round = 0; round < 4; round++) {
    const next = data.map((d) => residual(d, motion) <= cut * scale);
    const same = round > 0 && next.every((u, i) => u === use[i]);
    use = next;
    const n = count(use);
    if (same || n < leastForRotation) break;
    motion = solve(data, use, true).motion;
    scale = Math.max(1, Math.sqrt(chi2Of(data, use, motion) / (2 * n - 3)));
  }
  return use;
}

function sampleSd(values: readonly number[]): number {
  if (values.length < 2) return Number.NaN;
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / (values.length - 1));
}

const nothing: CombinedFit = {
  x: Number.NaN,
  y: Number.NaN,
  xErr: Number.NaN,
  yErr: Number.NaN,
  rotation: Number.NaN,
  rotationErr: Number.NaN,
  covariance: [Number.NaN, Number.NaN, Number.NaN, Number.NaN, Number.NaN, Number.NaN],
  chi2: Number.NaN,
  dof: 0,
  scatterX: Number.NaN,
  scatterY: Number.NaN,
  nSensors: 0,
};

/**
 * Fits all displacements. `scatterFloorMm` is added to every error in quadrature: it keeps one bright star
 * from deciding alone and stands for what stars do by themselves. Errors grow with sqrt(chi2 / dof) when the
 * sensors disagree more than their errors say, and never shrink.
 */
export function combine(displacements: readonly Displacement[], scatterFloorMm: number): Combination {
  if (displacements.length === 0) {
    return { fit: nothing, motion: { dx: Number.NaN, dy: Number.NaN, rotation: Number.NaN }, used: [] };
  }
  const floor2 = scatterFloorMm * scatterFloorMm;
  const data = displacements.map((d) => ({
    ...d,
    wx: 1 / (d.sigmaX * d.sigmaX + floor2),
    wy: 1 / (d.sigmaY * d.sigmaY + floor2),
  }));
  const used = selectMembers(data);
  const nSensors = count(used);
  const withRotation = nSensors >= leastForRotation;
  const { motion, covariance } = solve(data, used, withRotation);
  const chi2 = chi2Of(data, used, motion);
  const dof = 2 * nSensors - (withRotation ? 3 : 2);
  const inflate = dof > 0 ? Math.max(1, chi2 / dof) : 1;
  const units = [1, 1, arcsecPerRad, 1, arcsecPerRad, arcsecPerRad ** 2];
  const scaled = covariance.map((c, i) => c * inflate * (units[i] ?? 1));
  const [xx = 0, , , yy = 0, , rr = 0] = scaled;
  const members = displacements.filter((_, i) => used[i]);
  const fit: CombinedFit = {
    x: motion.dx,
    y: motion.dy,
    xErr: Math.sqrt(xx),
    yErr: Math.sqrt(yy),
    rotation: withRotation ? motion.rotation * arcsecPerRad : Number.NaN,
    rotationErr: Math.sqrt(rr),
    covariance: scaled,
    chi2,
    dof,
    scatterX: sampleSd(members.map((d) => d.dx)),
    scatterY: sampleSd(members.map((d) => d.dy)),
    nSensors,
  };
  return { fit, motion, used };
}
