// SPDX-License-Identifier: Apache-2.0
// Order statistics and the robust straight line. Values that are not finite are left out.

import type { Trend } from '../../model/exposure.js';
import { slopeVariance } from './correlation.js';

/** Of a Gaussian: sigma = madToSigma x median absolute deviation. */
const madToSigma = 1.482602218505602;
/** A point this many sigma off the line is no member of it: 6e-5 of good ones. */
const cut = 4;
const leastPoints = 3;

function medianOfSorted(sorted: Float64Array): number {
  const n = sorted.length;
  if (n === 0) return Number.NaN;
  const upper = sorted[n >> 1] ?? Number.NaN;
  return n % 2 === 1 ? upper : (upper + (sorted[(n >> 1) - 1] ?? Number.NaN)) / 2;
}

export function median(values: ArrayLike<number>): number {
  return medianOfSorted(Float64Array.from(values).filter(Number.isFinite).sort());
}

/** Median of the first n values, all finite, of a buffer that it sorts. */
export function medianInPlace(buffer: Float64Array, n: number): number {
  return medianOfSorted(buffer.subarray(0, n).sort());
}

export function madStd(values: ArrayLike<number>): number {
  const finite = Float64Array.from(values).filter(Number.isFinite);
  const middle = medianInPlace(finite, finite.length);
  for (let i = 0; i < finite.length; i++) finite[i] = Math.abs((finite[i] ?? 0) - middle);
  return madToSigma * medianInPlace(finite, finite.length);
}

interface Straight {
  readonly slope: number;
  readonly intercept: number;
  readonly meanT: number;
  /** sum of squared distances from the mean time */
  readonly stt: number;
  readonly n: number;
}

/** Slope from pairs half the exposure apart: up to a quarter of the points may be anything. */
function robustStart(t: Float64Array, y: Float64Array): { slope: number; intercept: number } {
  const half = t.length >> 1;
  const slopes = new Float64Array(t.length - half);
  for (let i = 0; i + half < t.length; i++) {
    const dt = (t[i + half] ?? 0) - (t[i] ?? 0);
    slopes[i] = dt > 0 ? ((y[i + half] ?? 0) - (y[i] ?? 0)) / dt : Number.NaN;
  }
  const slope = median(slopes);
  return { slope, intercept: median(y.map((v, i) => v - slope * (t[i] ?? 0))) };
}

function leastSquares(t: Float64Array, y: Float64Array, use: Uint8Array): Straight {
  let [n, sumT, sumY] = [0, 0, 0];
  for (let i = 0; i < t.length; i++) {
    if (!use[i]) continue;
    n++;
    sumT += t[i] ?? 0;
    sumY += y[i] ?? 0;
  }
  const [meanT, meanY] = [sumT / n, sumY / n];
  let [stt, sty] = [0, 0];
  for (let i = 0; i < t.length; i++) {
    if (!use[i]) continue;
    const dt = (t[i] ?? 0) - meanT;
    stt += dt * dt;
    sty += dt * ((y[i] ?? 0) - meanY);
  }
  const slope = stt > 0 ? sty / stt : 0;
  return { slope, intercept: meanY - slope * meanT, meanT, stt, n };
}

/** Marks what is within the cut of a line; the scale is taken from the points themselves. */
function select(residual: Float64Array, use: Uint8Array): boolean {
  const scale = madStd(residual) * (1 + 3 / residual.length);
  let changed = false;
  for (let i = 0; i < use.length; i++) {
    const keep = scale === 0 || Math.abs(residual[i] ?? 0) <= cut * scale ? 1 : 0;
    if (use[i] !== keep) changed = true;
    use[i] = keep;
  }
  return changed;
}

function residualsOf(t: Float64Array, y: Float64Array, line: { slope: number; intercept: number }) {
  return y.map((v, i) => v - line.intercept - line.slope * (t[i] ?? 0));
}

export const noTrend: Trend = {
  slope: Number.NaN,
  slopeErr: Number.NaN,
  intercept: Number.NaN,
  interceptErr: Number.NaN,
  trendRmse: Number.NaN,
  madStd: Number.NaN,
  outlierFrac: Number.NaN,
  significance: Number.NaN,
  n: 0,
};

export interface Fitted {
  readonly trend: Trend;
  /** NaN where there is no value or an outlier */
  readonly residual: Float64Array;
}

/** Fits y over t (s, rising) and says what is left. Yields between pieces of work. */
export function* fittingTrend(t: ArrayLike<number>, y: ArrayLike<number>): Generator<void, Fitted> {
  const places: number[] = [];
  for (let i = 0; i < t.length; i++) {
    if (Number.isFinite(t[i]) && Number.isFinite(y[i])) places.push(i);
  }
  const residual = new Float64Array(t.length).fill(Number.NaN);
  if (places.length < leastPoints) return { trend: { ...noTrend, n: places.length }, residual };
  const times = Float64Array.from(places, (i) => t[i] ?? 0);
  const values = Float64Array.from(places, (i) => y[i] ?? 0);
  const use = new Uint8Array(places.length);
  let left = residualsOf(times, values, robustStart(times, values));
  let line = leastSquares(times, values, use.fill(1));
  yield;
  for (let round = 0; round < 10 && (select(left, use) || round === 0); round++) {
    yield;
    line = leastSquares(times, values, use);
    left = residualsOf(times, values, line);
  }
  // Where values repeat to the last digit, rounding alone makes outliers of all.
  if (line.n < leastPoints) {
    line = leastSquares(times, values, use.fill(1));
    left = residualsOf(times, values, line);
  }
  places.forEach((place, i) => {
    if (use[i]) residual[place] = left[i] ?? Number.NaN;
  });
  yield;
  let variance = Number.NaN;
  if (line.n > 2 && line.stt > 0) {
    const dt = Float64Array.from(residual, (_, i) => (t[i] ?? 0) - line.meanT);
    variance = yield* slopeVariance(dt, residual);
  }
  let squares = 0;
  for (let i = 0; i < left.length; i++) if (use[i]) squares += (left[i] ?? 0) ** 2;
  const slopeErr = Math.sqrt(variance);
  const trend: Trend = {
    slope: line.slope,
    slopeErr,
    intercept: line.intercept,
    interceptErr: Math.sqrt(variance * (line.stt / line.n + line.meanT * line.meanT)),
    trendRmse: Math.sqrt(squares / line.n),
    madStd: madStd(values),
    outlierFrac: 1 - line.n / places.length,
    significance: Math.abs(line.slope) / slopeErr,
    n: places.length,
  };
  return { trend, residual };
}

/** The same at once. */
export function fitTrend(t: ArrayLike<number>, y: ArrayLike<number>): Fitted {
  return atOnce(fittingTrend(t, y));
}

/** Runs work to its end without a break. */
export function atOnce<T>(work: Generator<void, T>): T {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
  }
}
