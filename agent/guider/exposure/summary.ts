// SPDX-License-Identifier: Apache-2.0
// From the samples of an exposure to its message. A generator: each yield is a chance for stamps to go first.

import type { CombinedExposure, SensorExposure, Shape, Trends } from '../../model/exposure.js';
import type { ExposureMessage } from '../../model/messages.js';
import {
  ellipticityAltAz,
  ellipticityOf,
  guiderArcsecPerMm,
  type Pointing,
  skyScaleAt,
  toAltAz,
  toArcsec,
} from '../../model/pointing.js';
import { type ExposureSamples, mostRows, type SensorSamples } from './samples.js';
import { findLines } from './spectrum.js';
import { fittingTrend, madStd, median, medianInPlace, noTrend } from './statistics.js';

export interface SummaryInput {
  readonly samples: ExposureSamples;
  readonly sensors: readonly string[];
  readonly pointing: Pointing | null;
  /** by sensor; null: the DAQ did not tell */
  readonly sent: readonly (number | null)[];
  /** its first stamps were sent before the agent came */
  readonly joinedInside: boolean;
}

interface Curves {
  readonly t: Float64Array;
  /** arcsec, camera frame */
  readonly dx: Float64Array;
  readonly dy: Float64Array;
  readonly mag: Float64Array;
  readonly fwhm: Float64Array;
}

const onSky = (pointing: Pointing, dx: Float64Array, dy: Float64Array) => {
  const dalt = new Float64Array(dx.length);
  const daz = new Float64Array(dx.length);
  for (let i = 0; i < dx.length; i++) {
    const sky = toAltAz(pointing, { x: dx[i] ?? Number.NaN, y: dy[i] ?? Number.NaN });
    dalt[i] = sky.dalt;
    daz[i] = sky.daz;
  }
  return { dalt, daz };
};

function* trendsOf(c: Curves, pointing: Pointing | null): Generator<void, Trends> {
  const { trend: dx } = yield* fittingTrend(c.t, c.dx);
  const { trend: dy } = yield* fittingTrend(c.t, c.dy);
  const { trend: mag } = yield* fittingTrend(c.t, c.mag);
  const { trend: fwhm } = yield* fittingTrend(c.t, c.fwhm);
  if (pointing === null) return { dx, dy, dalt: noTrend, daz: noTrend, mag, fwhm };
  const sky = onSky(pointing, c.dx, c.dy);
  const { trend: dalt } = yield* fittingTrend(c.t, sky.dalt);
  const { trend: daz } = yield* fittingTrend(c.t, sky.daz);
  return { dx, dy, dalt, daz, mag, fwhm };
}

function curvesOf(samples: ExposureSamples, s: SensorSamples): Curves {
  const n = samples.rows;
  const scale = skyScaleAt(s.place);
  const dx = new Float64Array(n);
  const dy = new Float64Array(n);
  const mag = new Float64Array(n);
  const usual = median(s.flux.subarray(0, n));
  for (let i = 0; i < n; i++) {
    const moved = toArcsec(scale, { x: s.dx[i] ?? Number.NaN, y: s.dy[i] ?? Number.NaN });
    dx[i] = moved.x;
    dy[i] = moved.y;
    mag[i] = -2.5 * Math.log10((s.flux[i] ?? Number.NaN) / usual);
  }
  return { t: samples.t.subarray(0, n), dx, dy, mag, fwhm: s.fwhm.subarray(0, n) };
}

function shapeOf(
  fwhm: ArrayLike<number>,
  moments: { xx: ArrayLike<number>; yy: ArrayLike<number>; xy: ArrayLike<number> },
  pointing: Pointing | null,
): Shape {
  const { e1, e2 } = medianEllipticity(moments);
  const sky = pointing ? ellipticityAltAz(pointing, { e1, e2 }) : { e1: Number.NaN, e2: Number.NaN };
  return { fwhm: median(fwhm), e1, e2, e1AltAz: sky.e1, e2AltAz: sky.e2 };
}

function medianEllipticity(m: { xx: ArrayLike<number>; yy: ArrayLike<number>; xy: ArrayLike<number> }) {
  const e1 = new Float64Array(m.xx.length);
  const e2 = new Float64Array(m.xx.length);
  for (let i = 0; i < m.xx.length; i++) {
    const e = ellipticityOf({
      xx: m.xx[i] ?? Number.NaN,
      yy: m.yy[i] ?? Number.NaN,
      xy: m.xy[i] ?? Number.NaN,
    });
    e1[i] = e.e1;
    e2[i] = e.e2;
  }
  return { e1: median(e1), e2: median(e2) };
}

/** Row by row the median over the sensors. */
function* acrossSensors(n: number, curves: readonly Float64Array[]): Generator<void, Float64Array> {
  const out = new Float64Array(n);
  const here = new Float64Array(curves.length);
  for (let i = 0; i < n; i++) {
    let m = 0;
    for (const curve of curves) {
      const value = curve[i] ?? Number.NaN;
      if (Number.isFinite(value)) here[m++] = value;
    }
    out[i] = medianInPlace(here, m);
    if (i % 64 === 63) yield;
  }
  return out;
}

function* combinedOf(
  samples: ExposureSamples,
  each: readonly Curves[],
  shapes: readonly Shape[],
  pointing: Pointing | null,
): Generator<void, CombinedExposure> {
  const n = samples.rows;
  const t = samples.t.subarray(0, n);
  const dx = samples.dx.subarray(0, n).map((v) => v * guiderArcsecPerMm);
  const dy = samples.dy.subarray(0, n).map((v) => v * guiderArcsecPerMm);
  const mag = yield* acrossSensors(
    n,
    each.map((c) => c.mag),
  );
  const fwhm = yield* acrossSensors(
    n,
    each.map((c) => c.fwhm),
  );
  const trends = yield* trendsOf({ t, dx, dy, mag, fwhm }, pointing);
  const { trend: rotation } = yield* fittingTrend(t, samples.rotation.subarray(0, n));
  const { residual: x } = yield* fittingTrend(t, dx);
  const { residual: y } = yield* fittingTrend(t, dy);
  const kept = Array.from(t.keys()).filter((i) =>
    Number.isFinite((x[i] ?? Number.NaN) + (y[i] ?? Number.NaN)),
  );
  const pick = (from: Float64Array) => Float64Array.from(kept, (i) => from[i] ?? 0);
  const spectrum = yield* findLines({
    t: pick(t),
    x: pick(x),
    y: pick(y),
    integrationS: samples.integrationMs / 1000,
  });
  const over = (pickShape: (s: Shape) => number) => median(shapes.map(pickShape));
  const e = { e1: over((s) => s.e1), e2: over((s) => s.e2) };
  const sky = pointing ? ellipticityAltAz(pointing, e) : { e1: Number.NaN, e2: Number.NaN };
  return {
    trends: { ...trends, rotation },
    shape: { fwhm: over((s) => s.fwhm), ...e, e1AltAz: sky.e1, e2AltAz: sky.e2 },
    jitter: Math.hypot(madStd(dx), madStd(dy)),
    jitterDetrended: Math.hypot(madStd(x), madStd(y)),
    spectrum,
  };
}

/** Computes the message. What `samples` holds must not change until it is done. */
export function* summarize(input: SummaryInput): Generator<void, ExposureMessage | null> {
  const { samples, pointing } = input;
  const { identity, rows } = samples;
  if (identity === null) return null;
  const counts = samples.counts(input.sent);
  const sensors: SensorExposure[] = [];
  const each: Curves[] = [];
  for (const [i, s] of samples.sensors.entries()) {
    const own = counts[i];
    const sensor = input.sensors[i];
    if (!own || sensor === undefined || own.expected === 0) continue;
    const curves = curvesOf(samples, s);
    yield;
    const moments = { xx: s.xx.subarray(0, rows), yy: s.yy.subarray(0, rows), xy: s.xy.subarray(0, rows) };
    const shape = shapeOf(curves.fwhm, moments, pointing);
    yield;
    sensors.push({ sensor, counts: own, trends: yield* trendsOf(curves, pointing), shape });
    each.push(curves);
  }
  const combined = yield* combinedOf(
    samples,
    each,
    sensors.map((s) => s.shape),
    pointing,
  );
  const flags: string[] = [];
  if (pointing === null) flags.push('no_pointing');
  if (samples.nAcquisitions > mostRows) flags.push('truncated');
  if (input.joinedInside) flags.push('joined_late');
  const periodS =
    rows > 1 ? median(samples.t.subarray(1, rows).map((v, i) => v - (samples.t[i] ?? 0))) : Number.NaN;
  return {
    kind: 'guider.exposure',
    ...identity,
    timestamp: samples.firstTimestamp,
    timestampEnd: samples.lastTimestamp,
    durationS: rows > 0 ? (samples.t[rows - 1] ?? 0) + (Number.isFinite(periodS) ? periodS : 0) : 0,
    periodS,
    integration: samples.integrationMs,
    nRows: samples.nRows,
    nCols: samples.nCols,
    nStamps: samples.nAcquisitions,
    nGood: samples.nGood,
    nUsed: rows,
    pointing,
    flags,
    combined,
    sensors,
  };
}
