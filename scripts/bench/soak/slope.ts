// SPDX-License-Identifier: Apache-2.0
// How fast something grows: the slope of a straight line through points, by least squares.

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Slope {
  /** y per x */
  readonly slope: number;
  /** its standard error; NaN below three points */
  readonly error: number;
}

export function slopeOf(points: readonly Point[]): Slope {
  const n = points.length;
  const mean = (of: (p: Point) => number) => points.reduce((sum, p) => sum + of(p), 0) / n;
  const mx = mean((p) => p.x);
  const my = mean((p) => p.y);
  const sxx = points.reduce((sum, p) => sum + (p.x - mx) ** 2, 0);
  const sxy = points.reduce((sum, p) => sum + (p.x - mx) * (p.y - my), 0);
  const slope = sxy / sxx;
  const rest = points.reduce((sum, p) => sum + (p.y - my - slope * (p.x - mx)) ** 2, 0);
  return { slope, error: n < 3 ? Number.NaN : Math.sqrt(rest / (n - 2) / sxx) };
}
