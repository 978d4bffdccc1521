// SPDX-License-Identifier: Apache-2.0
// Where each star is when the camera has not moved ("home"), and how well that is known. At the reference stamp
// home is where the star was measured; every later acquisition says a little more about it. Homes and the motion of
// the camera are one linear problem: home + motion at home + noise = position. It is solved exactly, stamp by stamp
// (a Kalman filter over the homes, with the motion free at every stamp), so that the errors of the motion contain
// those of the reference, whatever sensors come and go. Refining never moves the zero of the motion.

import { choleskyInPlace, forwardInPlace, invert3 } from './linear.js';

/** One star's measured position, mm, and its variances (own scatter included). */
export interface Sighting {
  readonly index: number;
  readonly x: number;
  readonly y: number;
  readonly varianceX: number;
  readonly varianceY: number;
}

/** Displacement = (dx - rotation * y, dy + rotation * x), rotation in rad. */
export interface Motion {
  readonly dx: number;
  readonly dy: number;
  readonly rotation: number;
}

export interface MotionFit {
  readonly motion: Motion;
  /** of (dx, dy, rotation in rad): xx, xy, xr, yy, yr, rr; NaN for a rotation that was not fitted */
  readonly covariance: readonly number[];
  readonly chi2: number;
  readonly dof: number;
}

export const still: Motion = { dx: 0, dy: 0, rotation: 0 };

export function displacementAt(motion: Motion, x: number, y: number): { dx: number; dy: number } {
  return { dx: motion.dx - motion.rotation * y, dy: motion.dy + motion.rotation * x };
}

export class Homes {
  readonly #dim: number;
  readonly #x: Float64Array;
  readonly #y: Float64Array;
  readonly #known: Uint8Array;
  /** covariance of all homes; order x0, y0, x1, y1, ... */
  readonly #p: Float64Array;
  // Workspaces of one fit, kept for `refine` and `adopt`. Rows are the coordinates of the members.
  readonly #l: Float64Array;
  readonly #z: Float64Array;
  readonly #d: Float64Array;
  readonly #across: Float64Array;
  readonly #zy: Float64Array;
  readonly #b: Float64Array;
  readonly #c = new Float64Array(9);
  readonly #normal = new Float64Array(9);
  readonly #rows: Int32Array;
  #first: readonly Sighting[] = [];
  #m = 0;
  #columns = 3;

  constructor(nSensors: number) {
    const dim = 2 * nSensors;
    this.#dim = dim;
    this.#x = new Float64Array(nSensors);
    this.#y = new Float64Array(nSensors);
    this.#known = new Uint8Array(nSensors);
    this.#p = new Float64Array(dim * dim);
    this.#l = new Float64Array(dim * dim);
    this.#z = new Float64Array(3 * dim);
    this.#d = new Float64Array(dim);
    this.#across = new Float64Array(dim * dim);
    this.#zy = new Float64Array(3 * dim);
    this.#b = new Float64Array(3 * dim);
    this.#rows = new Int32Array(dim);
  }

  reset(): void {
    this.#known.fill(0);
    this.#p.fill(0);
  }

  has(index: number): boolean {
    return this.#known[index] === 1;
  }

  x(index: number): number {
    return this.has(index) ? (this.#x[index] ?? Number.NaN) : Number.NaN;
  }

  y(index: number): number {
    return this.has(index) ? (this.#y[index] ?? Number.NaN) : Number.NaN;
  }

  varianceX(index: number): number {
    return this.#p[2 * index * (this.#dim + 1)] ?? Number.NaN;
  }

  varianceY(index: number): number {
    return this.#p[(2 * index + 1) * (this.#dim + 1)] ?? Number.NaN;
  }

  /** Where stars are now is where they are at home. The fit says with which error the reference is known. */
  begin(sightings: readonly Sighting[], withRotation: boolean): MotionFit {
    this.reset();
    for (const s of sightings) this.set(s.index, s.x, s.y, 0, 0);
    const fit = this.fit(sightings, withRotation, 0);
    this.#first = sightings;
    this.restore();
    return fit;
  }

  /** Unlearns everything since the reference stamp: one of the stars that were learnt from was none. */
  restore(): void {
    this.reset();
    for (const s of this.#first) this.set(s.index, s.x, s.y, s.varianceX, s.varianceY);
  }

  isOfReference(index: number): boolean {
    return this.#first.some((s) => s.index === index);
  }

  /** A home that is known from elsewhere. */
  set(index: number, x: number, y: number, varianceX: number, varianceY: number): void {
    this.#x[index] = x;
    this.#y[index] = y;
    this.#known[index] = 1;
    this.#forget(2 * index, varianceX);
    this.#forget(2 * index + 1, varianceY);
  }

  #forget(row: number, variance: number): void {
    for (let k = 0; k < this.#dim; k++) {
      this.#p[row * this.#dim + k] = 0;
      this.#p[k * this.#dim + row] = 0;
    }
    this.#p[row * this.#dim + row] = variance;
  }

  /** The motion that takes homes to these sightings; `rotation` is held where it cannot be fitted. */
  fit(members: readonly Sighting[], withRotation: boolean, held: number): MotionFit {
    const m = 2 * members.length;
    const columns = withRotation ? 3 : 2;
    this.#m = m;
    this.#columns = columns;
    this.#build(members, withRotation ? 0 : held);
    choleskyInPlace(this.#l, m, this.#dim);
    for (let c = 0; c < columns; c++) forwardInPlace(this.#l, m, this.#dim, this.#z, c, 3);
    forwardInPlace(this.#l, m, this.#dim, this.#d, 0, 1);
    const [dx, dy, rotation] = this.#solveNormal(m, columns);
    let chi2 = 0;
    for (let r = 0; r < m; r++) {
      const left = at(this.#d, r) - this.#zRow(r, dx, dy, rotation);
      this.#d[r] = left;
      chi2 += left * left;
    }
    const [xx, xy, xr, , yy, yr, , , rr] = this.#c;
    const none = Number.NaN;
    return {
      motion: { dx, dy, rotation: withRotation ? rotation : held },
      covariance: [xx ?? none, xy ?? none, xr ?? none, yy ?? none, yr ?? none, rr ?? none].map((c, i) =>
        withRotation || (i !== 2 && i !== 4 && i !== 5) ? c : none,
      ),
      chi2,
      dof: m - columns,
    };
  }

  #build(members: readonly Sighting[], held: number): void {
    const { length } = members;
    for (let i = 0; i < length; i++) {
      const s = members[i];
      if (!s) continue;
      const hx = at(this.#x, s.index);
      const hy = at(this.#y, s.index);
      const r = 2 * i;
      this.#rows[r] = 2 * s.index;
      this.#rows[r + 1] = 2 * s.index + 1;
      this.#z[3 * r] = 1;
      this.#z[3 * r + 1] = 0;
      this.#z[3 * r + 2] = -hy;
      this.#z[3 * r + 3] = 0;
      this.#z[3 * r + 4] = 1;
      this.#z[3 * r + 5] = hx;
      this.#d[r] = s.x - hx + held * hy;
      this.#d[r + 1] = s.y - hy - held * hx;
    }
    for (let r = 0; r < 2 * length; r++) {
      const from = at(this.#rows, r) * this.#dim;
      for (let c = 0; c <= r; c++) this.#l[r * this.#dim + c] = at(this.#p, from + at(this.#rows, c));
    }
    for (let i = 0; i < length; i++) {
      const s = members[i];
      if (!s) continue;
      const diagonal = 2 * i * (this.#dim + 1);
      this.#l[diagonal] = at(this.#l, diagonal) + s.varianceX;
      this.#l[diagonal + this.#dim + 1] = at(this.#l, diagonal + this.#dim + 1) + s.varianceY;
    }
  }

  #solveNormal(m: number, columns: number): [number, number, number] {
    const normal = this.#normal.fill(0);
    let b0 = 0;
    let b1 = 0;
    let b2 = 0;
    for (let r = 0; r < m; r++) {
      const z0 = at(this.#z, 3 * r);
      const z1 = at(this.#z, 3 * r + 1);
      const z2 = columns === 3 ? at(this.#z, 3 * r + 2) : 0;
      const d = at(this.#d, r);
      normal[0] = at(normal, 0) + z0 * z0;
      normal[1] = at(normal, 1) + z0 * z1;
      normal[2] = at(normal, 2) + z0 * z2;
      normal[4] = at(normal, 4) + z1 * z1;
      normal[5] = at(normal, 5) + z1 * z2;
      normal[8] = at(normal, 8) + z2 * z2;
      b0 += z0 * d;
      b1 += z1 * d;
      b2 += z2 * d;
    }
    if (columns === 2) normal[8] = 1;
    invert3(normal, this.#c);
    const c = this.#c;
    return [
      at(c, 0) * b0 + at(c, 1) * b1 + at(c, 2) * b2,
      at(c, 1) * b0 + at(c, 4) * b1 + at(c, 5) * b2,
      at(c, 2) * b0 + at(c, 5) * b1 + at(c, 8) * b2,
    ];
  }

  #zRow(r: number, dx: number, dy: number, rotation: number): number {
    const turn = this.#columns === 3 ? at(this.#z, 3 * r + 2) * rotation : 0;
    return at(this.#z, 3 * r) * dx + at(this.#z, 3 * r + 1) * dy + turn;
  }

  /** What the last fit says about the homes, and where newcomers are at home according to it. */
  refine(motion: Motion, newcomers: readonly Sighting[]): void {
    this.#project();
    if (this.#columns === 3) this.#update();
    this.#adopt(motion, newcomers);
  }

  /** across = L^-1 P[members, all]; zy = Z^T across; b = covariance of the motion's error with -homes. */
  #project(): void {
    const dim = this.#dim;
    const m = this.#m;
    for (let r = 0; r < m; r++) {
      const from = at(this.#rows, r) * dim;
      for (let k = 0; k < dim; k++) this.#across[r * dim + k] = at(this.#p, from + k);
    }
    for (let k = 0; k < dim; k++) forwardInPlace(this.#l, m, dim, this.#across, k, dim);
    for (let k = 0; k < dim; k++) {
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        if (c < this.#columns) {
          for (let r = 0; r < m; r++) sum += at(this.#z, 3 * r + c) * at(this.#across, r * dim + k);
        }
        this.#zy[c * dim + k] = sum;
      }
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        if (c < this.#columns) {
          for (let e = 0; e < this.#columns; e++) sum += at(this.#c, 3 * c + e) * at(this.#zy, e * dim + k);
        }
        this.#b[c * dim + k] = sum;
      }
    }
  }

  /** Homes take their part of the residuals; with it their covariance shrinks, except along common motions. */
  #update(): void {
    const dim = this.#dim;
    const m = this.#m;
    for (let j = 0; j < dim; j++) {
      let shift = 0;
      for (let r = 0; r < m; r++) shift += at(this.#across, r * dim + j) * at(this.#d, r);
      const home = (j & 1) === 0 ? this.#x : this.#y;
      home[j >> 1] = at(home, j >> 1) + shift;
      for (let k = 0; k <= j; k++) {
        let sum = 0;
        for (let r = 0; r < m; r++) sum += at(this.#across, r * dim + j) * at(this.#across, r * dim + k);
        for (let c = 0; c < 3; c++) sum -= at(this.#zy, c * dim + j) * at(this.#b, c * dim + k);
        const value = at(this.#p, j * dim + k) - sum;
        this.#p[j * dim + k] = value;
        this.#p[k * dim + j] = value;
      }
    }
  }

  #adopt(motion: Motion, newcomers: readonly Sighting[]): void {
    for (const s of newcomers) {
      const near = displacementAt(motion, s.x, s.y);
      const by = displacementAt(motion, s.x - near.dx, s.y - near.dy);
      this.set(s.index, s.x - by.dx, s.y - by.dy, s.varianceX, s.varianceY);
    }
    for (const s of newcomers) {
      this.#couple(2 * s.index, 1, 0, -at(this.#y, s.index), newcomers);
      this.#couple(2 * s.index + 1, 0, 1, at(this.#x, s.index), newcomers);
    }
  }

  /** A newcomer's home carries the error of the motion it was taken back by. `a`: its row of the design. */
  #couple(row: number, a0: number, a1: number, a2: number, newcomers: readonly Sighting[]): void {
    const dim = this.#dim;
    const isNew = (k: number) => newcomers.some((s) => s.index === k >> 1);
    const turn = this.#columns === 3 ? a2 : 0;
    const c = this.#c;
    for (let k = 0; k < dim; k++) {
      if (!this.has(k >> 1)) continue;
      let covariance: number;
      if (isNew(k)) {
        const [e0, e1] = (k & 1) === 0 ? [1, 0] : [0, 1];
        const arm = (k & 1) === 0 ? -at(this.#y, k >> 1) : at(this.#x, k >> 1);
        const e2 = this.#columns === 3 ? arm : 0;
        covariance =
          a0 * (at(c, 0) * e0 + at(c, 1) * e1 + at(c, 2) * e2) +
          a1 * (at(c, 1) * e0 + at(c, 4) * e1 + at(c, 5) * e2) +
          turn * (at(c, 2) * e0 + at(c, 5) * e1 + at(c, 8) * e2);
        if (k > row) continue;
        const before = k === row ? at(this.#p, row * dim + row) : 0;
        covariance += before;
      } else {
        covariance = a0 * at(this.#b, k) + a1 * at(this.#b, dim + k) + turn * at(this.#b, 2 * dim + k);
      }
      this.#p[row * dim + k] = covariance;
      this.#p[k * dim + row] = covariance;
    }
  }
}

function at(array: Float64Array | Int32Array | Uint8Array, index: number): number {
  return array[index] ?? Number.NaN;
}
