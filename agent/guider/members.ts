// SPDX-License-Identifier: Apache-2.0
// Which sensors agree on one motion of the camera, even when up to half of them are wrong.

import type { Motion } from './homes.js';

/** One sensor's displacement at its place in the focal plane, mm, with weights 1/variance. */
export interface Displacement {
  readonly x: number;
  readonly y: number;
  readonly dx: number;
  readonly dy: number;
  readonly wx: number;
  readonly wy: number;
  /** it was wrong a moment ago: it must fit better than the others */
  readonly doubted: boolean;
}

/** A residual of this many sigma (both axes together) is no member of the fit: 3e-4 of good ones. */
const cut = 4;
/** For one that is doubted: 4 % of good ones. */
const doubtedCut = 2.5;
/** Median length of a two-dimensional residual of unit sigma per axis. */
const rayleighMedian = Math.sqrt(2 * Math.log(2));
/** Below this a rotation cannot be told from one star's own motion, nor a wrong star from a right one. */
export const leastForRotation = 3;

/** Weighted least squares with independent errors, by eliminating dx and dy, whose block is diagonal. */
function solve(data: readonly Displacement[], use: readonly boolean[]): Motion {
  let naa = 0;
  let nbb = 0;
  let nar = 0;
  let nbr = 0;
  let nrr = 0;
  let ra = 0;
  let rb = 0;
  let rr = 0;
  for (let i = 0; i < data.length; i++) {
    const d = data[i];
    if (!d || !use[i]) continue;
    naa += d.wx;
    nbb += d.wy;
    nar -= d.wx * d.y;
    nbr += d.wy * d.x;
    nrr += d.wx * d.y * d.y + d.wy * d.x * d.x;
    ra += d.wx * d.dx;
    rb += d.wy * d.dy;
    rr += d.wy * d.x * d.dy - d.wx * d.y * d.dx;
  }
  const pa = nar / naa;
  const pb = nbr / nbb;
  const rotation = (rr - pa * ra - pb * rb) / (nrr - nar * pa - nbr * pb);
  return { dx: ra / naa - pa * rotation, dy: rb / nbb - pb * rotation, rotation };
}

function cutOf(d: Displacement): number {
  return d.doubted ? doubtedCut : cut;
}

/** In sigma^2, both axes together. */
export function squaredResidual(d: Displacement, motion: Motion): number {
  const rx = d.dx - motion.dx + motion.rotation * d.y;
  const ry = d.dy - motion.dy - motion.rotation * d.x;
  return d.wx * rx * rx + d.wy * ry * ry;
}

function residual(d: Displacement, motion: Motion): number {
  return Math.sqrt(squaredResidual(d, motion));
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const upper = sorted[half] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[half - 1] ?? Number.NaN)) / 2;
}

/** Least median of squares over all pairs of sensors (28 for eight): the motion most of them agree on. */
function robustStart(data: readonly Displacement[]): { motion: Motion; scale: number } {
  let best: Motion = { dx: 0, dy: 0, rotation: 0 };
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < data.length; i++) {
    for (let j = i + 1; j < data.length; j++) {
      const pair = data.map((_, k) => k === i || k === j);
      const motion = solve(data, pair);
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

function chi2Of(data: readonly Displacement[], use: readonly boolean[], motion: Motion): number {
  return data.reduce((sum, d, i) => (use[i] ? sum + residual(d, motion) ** 2 : sum), 0);
}

function count(use: readonly boolean[]): number {
  return use.reduce((n, u) => (u ? n + 1 : n), 0);
}

/** How far stars may move from stamp to stamp: learnt from what they did. */
export class MotionGate {
  #variance = 0;
  #steps = 0;

  reset(): void {
    this.#variance = 0;
    this.#steps = 0;
  }

  /** Another zero: the next step is none. */
  restart(): void {
    this.#steps = Math.min(this.#steps, memory);
  }

  take(before: Motion, now: Motion): void {
    this.#steps++;
    const step = (now.dx - before.dx) ** 2 + (now.dy - before.dy) ** 2;
    this.#variance += (step - this.#variance) / Math.min(this.#steps, memory);
  }

  /** Where a star can be at most from where the motion of `steps` stamps ago leaves it, mm; `variance` of both places. */
  farthest(steps: number, variance: number): number {
    const least = this.#steps < leastSteps ? leastGateMm : leastJumpMm;
    return Math.max(least, 5 * Math.sqrt(steps * steps * this.#variance + variance));
  }

  /** A jump beyond this is not believed of one or two sensors alone. */
  get mm(): number {
    return Math.max(leastGateMm, 6 * Math.sqrt(this.#variance));
  }
}

const memory = 20;
/** Before so many steps nothing is known of their size. */
const leastSteps = 5;
/** A pixel */
const leastJumpMm = 0.01;
/** Three pixels: seeing and wind move stars less from stamp to stamp. */
const leastGateMm = 0.03;

/** One or two sensors cannot outvote each other: who jumped from where the last motion leaves it is not believed. */
function fewAgreeing(data: readonly Displacement[], motion: Motion, gateMm: number): boolean[] {
  const jumps = data.map((d) => ({
    x: d.dx - motion.dx + motion.rotation * d.y,
    y: d.dy - motion.dy - motion.rotation * d.x,
  }));
  const use = jumps.map((j) => Math.hypot(j.x, j.y) <= gateMm);
  const [a, b] = jumps;
  // Both jumped, and together: the camera did.
  if (a && b && use.every((u) => !u) && Math.hypot(a.x - b.x, a.y - b.y) <= gateMm) return [true, true];
  return use;
}

/** Which sensors agree, given where the camera was before. */
export function agreeing(data: readonly Displacement[], motion: Motion, gate: MotionGate): boolean[] {
  return data.length < leastForRotation ? fewAgreeing(data, motion, gate.mm) : membersOf(data);
}

/** Which sensors belong together. Starts from the robust motion, then refits until the set stands still. */
export function membersOf(data: readonly Displacement[]): boolean[] {
  let use = data.map(() => true);
  const plain = solve(data, use);
  // The common case: when nobody is far from the plain fit, nobody has bent it.
  if (data.every((d) => residual(d, plain) <= cutOf(d))) return use;
  let { motion, scale } = robustStart(data);
  for (let round = 0; round < 4; round++) {
    const next = data.map((d) => residual(d, motion) <= cutOf(d) * scale);
    const same = round > 0 && next.every((u, i) => u === use[i]);
    use = next;
    const n = count(use);
    if (same || n < leastForRotation) break;
    motion = solve(data, use);
    scale = Math.max(1, Math.sqrt(chi2Of(data, use, motion) / (2 * n - 3)));
  }
  return use;
}
