// SPDX-License-Identifier: Apache-2.0
// How far a straight line's slope is from the truth when neighbouring residuals are alike (wind, seeing): an
// autoregressive model of the residuals says what their sum over the exposure may be.

/** Orders of the model that are tried: a memory of one step takes 1, one under white noise some more. */
const mostOrder = 12;
const leastPerOrder = 10;
/** Covariances smaller than this share of the variance add nothing. */
const negligible = 1e-3;
/** Lags between two pauses of the work. */
const piece = 16;

interface Model {
  /** x[i] = sum of phi[j] x[i-1-j] + innovation; empty: white */
  readonly phi: readonly number[];
  /** at lags 0 to the order, which the model has in common with the data; the others follow */
  readonly covariances: readonly number[];
  /** the sum over all lags */
  readonly longRun: number;
}

/** Mean product of values `lag` places apart; NaN are gaps. */
function covarianceAt(values: Float64Array, lag: number): number {
  let [sum, pairs] = [0, 0];
  for (let i = lag; i < values.length; i++) {
    const product = (values[i] ?? 0) * (values[i - lag] ?? 0);
    if (Number.isNaN(product)) continue;
    sum += product;
    pairs++;
  }
  return pairs > 0 ? sum / pairs : 0;
}

/** Levinson and Durbin, at the order with the least corrected information criterion (Hurvich and Tsai 1989). */
function modelOf(covariances: readonly number[], n: number): Model {
  const variance = covariances[0] ?? 0;
  let phi: number[] = [];
  let innovation = variance;
  let best: Model = { phi, covariances: [variance], longRun: variance };
  let least = n * Math.log(variance) + (2 * n) / (n - 2);
  for (let order = 1; order < covariances.length; order++) {
    const predicted = phi.reduce((sum, p, j) => sum + p * (covariances[order - 1 - j] ?? 0), 0);
    const reflection = ((covariances[order] ?? 0) - predicted) / innovation;
    if (!(Math.abs(reflection) < 1)) break;
    const before = phi;
    phi = [...before.map((p, j) => p - reflection * (before[order - 2 - j] ?? 0)), reflection];
    innovation *= 1 - reflection * reflection;
    const criterion = n * Math.log(innovation) + (2 * n * (order + 1)) / (n - order - 2);
    if (criterion >= least) continue;
    least = criterion;
    const gain = 1 - phi.reduce((sum, p) => sum + p, 0);
    best = { phi, covariances: covariances.slice(0, order + 1), longRun: innovation / (gain * gain) };
  }
  return best;
}

/**
 * The model of residuals about a fitted line. The line took two parameters' worth of the slowest motion with it:
 * that lowers every covariance by 2/n of the long-run variance, which is put back.
 */
function residualModel(values: Float64Array, n: number): Model {
  const orders = Math.min(mostOrder, Math.floor(n / leastPerOrder));
  const seen = Array.from({ length: orders + 1 }, (_, lag) => covarianceAt(values, lag));
  const [variance = 0] = seen;
  let model: Model = { phi: [], covariances: [variance], longRun: variance };
  for (let round = 0; round < 4; round++) {
    // More than a quarter of all there is cannot have gone with the line.
    const taken = Math.min((2 / n) * model.longRun, variance / 4);
    model = modelOf(
      seen.map((c) => c + taken),
      n,
    );
  }
  return model;
}

/**
 * Variance of a least-squares slope. `residual`: at every place of the exposure, NaN where none was used; `dt`:
 * distance from the mean time of the points. Never less than white noise would give.
 */
export function* slopeVariance(dt: Float64Array, residual: Float64Array): Generator<void, number> {
  let [n, stt, squares] = [0, 0, 0];
  const weight = new Float64Array(dt.length);
  for (let i = 0; i < dt.length; i++) {
    const r = residual[i] ?? Number.NaN;
    if (Number.isNaN(r)) continue;
    n++;
    squares += r * r;
    weight[i] = dt[i] ?? 0;
    stt += (weight[i] ?? 0) ** 2;
  }
  const white = squares / (n - 2) / stt;
  if (squares === 0 || n < 2 * leastPerOrder) return white;
  const model = residualModel(residual, n);
  yield;
  if (model.phi.length === 0) return white;
  const covariances = allCovariances(model, Math.min(dt.length - 1, 8 * Math.ceil(Math.sqrt(n))));
  let sum = 0;
  for (let lag = 0; lag < covariances.length; lag++) {
    let products = 0;
    for (let i = lag; i < weight.length; i++) products += (weight[i] ?? 0) * (weight[i - lag] ?? 0);
    sum += (lag === 0 ? 1 : 2) * (covariances[lag] ?? 0) * products;
    if (lag % piece === piece - 1) yield;
  }
  // As many independent values would be as good; few of them tell their own spread poorly.
  const effective = Math.max(4, ((model.covariances[0] ?? 0) / model.longRun) * n);
  return Math.max(white, (sum / (stt * stt)) * (1 + 2 / effective));
}

/** From lag 0 until they have faded. */
function allCovariances({ phi, covariances }: Model, most: number): number[] {
  const out = [...covariances];
  const [variance = 0] = out;
  let quiet = 0;
  while (out.length <= most && quiet <= phi.length) {
    const next = phi.reduce((sum, p, j) => sum + p * (out[out.length - 1 - j] ?? 0), 0);
    out.push(next);
    quiet = Math.abs(next) < negligible * variance ? quiet + 1 : 0;
  }
  return out;
}
