// SPDX-License-Identifier: Apache-2.0
// Small dense linear algebra in place, row-major, without allocation: eight sensors make matrices of 16 rows.

function at(array: Float64Array, index: number): number {
  return array[index] ?? Number.NaN;
}

/** Replaces the lower triangle of a positive definite n x n matrix (rows `stride` apart) by its Cholesky factor. */
export function choleskyInPlace(a: Float64Array, n: number, stride: number): void {
  for (let r = 0; r < n; r++) {
    const row = r * stride;
    for (let c = 0; c <= r; c++) {
      const other = c * stride;
      let sum = at(a, row + c);
      for (let k = 0; k < c; k++) sum -= at(a, row + k) * at(a, other + k);
      a[row + c] = c === r ? Math.sqrt(sum) : sum / at(a, other + c);
    }
  }
}

/** Solves L x = b, with b and x in `x[offset + r * step]`. */
export function forwardInPlace(
  l: Float64Array,
  n: number,
  stride: number,
  x: Float64Array,
  offset: number,
  step: number,
): void {
  for (let r = 0; r < n; r++) {
    const row = r * stride;
    let sum = at(x, offset + r * step);
    for (let k = 0; k < r; k++) sum -= at(l, row + k) * at(x, offset + k * step);
    x[offset + r * step] = sum / at(l, row + r);
  }
}

/** Inverse of a symmetric 3 x 3 matrix whose upper triangle is given; all nine elements are written. */
export function invert3(a: Float64Array, out: Float64Array): void {
  const [xx, xy, xr, , yy, yr, , , rr] = a as unknown as readonly [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const c0 = yy * rr - yr * yr;
  const c1 = xr * yr - xy * rr;
  const c2 = xy * yr - xr * yy;
  const det = xx * c0 + xy * c1 + xr * c2;
  out[0] = c0 / det;
  out[1] = c1 / det;
  out[2] = c2 / det;
  out[3] = c1 / det;
  out[4] = (xx * rr - xr * xr) / det;
  out[5] = (xr * xy - xx * yr) / det;
  out[6] = c2 / det;
  out[7] = out[5] ?? Number.NaN;
  out[8] = (xx * yy - xy * xy) / det;
}
