// SPDX-License-Identifier: Apache-2.0
// Vibration lines in the jitter. A Hann-windowed Fourier sum at the stamps' own times, so that missing stamps cost
// signal and not truth; each line is fitted, taken out, and the rest searched again.

import type { Line, Spectrum } from '../../model/exposure.js';
import { atOnce, median, medianInPlace } from './statistics.js';

/** Fewer samples show no spectrum. */
export const leastForSpectrum = 24;
const mostLines = 5;
const mostFalseAlarm = 0.01;
/** Frequencies per 1 / duration. */
const oversampling = 4;
/** In units of 1 / duration: two peaks nearer than this are one line. */
const apart = 2;
/** Work between two chances to let others run: about 0.1 ms. */
const batch = 20_000;

interface Axis {
  /** arcsec, what is left of the signal */
  readonly values: Float64Array;
  readonly power: Float64Array;
  readonly floor: Float64Array;
}

interface Grid {
  readonly t: Float64Array;
  /** Hann window, sum 1 */
  readonly weight: Float64Array;
  readonly duration: number;
  readonly first: number;
  readonly step: number;
  readonly n: number;
}

export interface Jitter {
  /** s, rising */
  readonly t: Float64Array;
  /** arcsec, the drift taken out; all finite */
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly integrationS: number;
}

function gridOf(t: Float64Array, interval: number): Grid {
  const from = t[0] ?? 0;
  const duration = (t.at(-1) ?? 0) - from + interval;
  const weight = t.map((v) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (v - from + interval / 2)) / duration));
  const sum = weight.reduce((a, b) => a + b, 0);
  const step = 1 / (oversampling * duration);
  const first = apart / duration;
  const n = Math.max(0, Math.floor((0.5 / interval - first) / step) + 1);
  return { t, weight: weight.map((w) => w / sum), duration, first, step, n };
}

/** Weighted mean out: the windowed sum then says nothing at frequency 0. */
function centre(values: Float64Array, weight: Float64Array): void {
  const mean = values.reduce((sum, v, i) => sum + v * (weight[i] ?? 0), 0);
  for (let i = 0; i < values.length; i++) values[i] = (values[i] ?? 0) - mean;
}

/** Phase of every sample at one frequency, times its weight, and the turn to the next frequency. */
interface Phases {
  readonly cos: Float64Array;
  readonly sin: Float64Array;
  readonly turnCos: Float64Array;
  readonly turnSin: Float64Array;
}

function phasesOf({ t, weight, first, step }: Grid): Phases {
  const time = t.map((v) => 2 * Math.PI * (v - (t[0] ?? 0)));
  return {
    cos: time.map((v, i) => (weight[i] ?? 0) * Math.cos(v * first)),
    sin: time.map((v, i) => (weight[i] ?? 0) * Math.sin(v * first)),
    turnCos: time.map((v) => Math.cos(v * step)),
    turnSin: time.map((v) => Math.sin(v * step)),
  };
}

/** Power of both axes at the phases' frequency; turns the phases to the next one. No sine, no allocation. */
function stepPower(phases: Phases, x: Axis, y: Axis, k: number): void {
  const { cos, sin, turnCos, turnSin } = phases;
  const xs = x.values;
  const ys = y.values;
  let xCos = 0;
  let xSin = 0;
  let yCos = 0;
  let ySin = 0;
  for (let i = 0; i < cos.length; i++) {
    const c = cos[i] as number;
    const s = sin[i] as number;
    const vx = xs[i] as number;
    const vy = ys[i] as number;
    xCos += c * vx;
    xSin += s * vx;
    yCos += c * vy;
    ySin += s * vy;
    const tc = turnCos[i] as number;
    const ts = turnSin[i] as number;
    cos[i] = c * tc - s * ts;
    sin[i] = s * tc + c * ts;
  }
  x.power[k] = xCos * xCos + xSin * xSin;
  y.power[k] = yCos * yCos + ySin * ySin;
}

/** Fills the power of both axes on the whole grid. */
function* periodograms(grid: Grid, x: Axis, y: Axis): Generator<void, void> {
  const phases = phasesOf(grid);
  let work = 0;
  for (let k = 0; k < grid.n; k++) {
    stepPower(phases, x, y, k);
    work += grid.t.length;
    if (work < batch) continue;
    work = 0;
    yield;
  }
}

/** Half width of the neighbourhood that says what noise is, in units of 1 / duration. */
function neighbourhood(grid: Grid): number {
  const span = (grid.n * grid.step * grid.duration) / 8;
  return Math.min(40, Math.max(12, Math.round(span)));
}

/** Shape of the power of noise that remembers from stamp to stamp (first order); flat for noise that does not. */
function noiseShape(grid: Grid, axis: Axis, interval: number): (frequency: number) => number {
  let [lagged, total] = [0, 0];
  const v = axis.values;
  for (let i = 1; i < v.length; i++) {
    if ((grid.t[i] ?? 0) - (grid.t[i - 1] ?? 0) > 1.5 * interval) continue;
    lagged += (v[i] ?? 0) * (v[i - 1] ?? 0);
    total += ((v[i] ?? 0) ** 2 + (v[i - 1] ?? 0) ** 2) / 2;
  }
  const memory = total > 0 ? Math.min(0.95, Math.max(0, lagged / total)) : 0;
  return (f) => 1 / (1 + memory * memory - 2 * memory * Math.cos(2 * Math.PI * f * interval));
}

/** Mean noise power around each frequency, from the median of the neighbours (an exponential's is ln 2 of it). */
function* noiseFloor(grid: Grid, axis: Axis, interval: number): Generator<void, void> {
  const reach = neighbourhood(grid);
  const shapeAt = noiseShape(grid, axis, interval);
  const shape = Float64Array.from({ length: grid.n }, (_, k) => shapeAt(grid.first + k * grid.step));
  const near = new Float64Array(2 * reach + 1);
  for (let k = 0; k < grid.n; k += oversampling) {
    let m = 0;
    for (let j = -reach; j <= reach; j++) {
      const at = k + j * oversampling;
      if (at >= 0 && at < grid.n) near[m++] = (axis.power[at] ?? 0) / (shape[at] ?? 1);
    }
    const level = medianInPlace(near, m) / Math.LN2;
    for (let i = k; i < Math.min(k + oversampling, grid.n); i++) axis.floor[i] = (shape[i] ?? 1) * level;
    if ((k / oversampling) % 32 === 31) yield;
  }
}

/**
 * Chance that the sum of two powers over their floors exceeds z: a gamma of shape 2 whose scale is itself measured
 * from `neighbours` values, hence Fisher's F(4, nu). Hann makes neighbours alike: about half of them count.
 */
function tail(z: number, neighbours: number): number {
  const a = (0.96 * neighbours) / 2;
  const u = (2 * a) / (2 * a + 2 * z);
  return u ** a * (1 + a * (1 - u));
}

function falseAlarm(z: number, neighbours: number, trials: number): number {
  return -Math.expm1(trials * Math.log1p(-Math.min(tail(z, neighbours), 1 - 1e-16)));
}

/** Windowed power of both axes at one frequency. */
function powerAt(grid: Grid, x: Axis, y: Axis, f: number): number {
  let [xc, xs, yc, ys] = [0, 0, 0, 0];
  for (let i = 0; i < grid.t.length; i++) {
    const phase = 2 * Math.PI * f * ((grid.t[i] ?? 0) - (grid.t[0] ?? 0));
    const [c, s] = [(grid.weight[i] ?? 0) * Math.cos(phase), (grid.weight[i] ?? 0) * Math.sin(phase)];
    xc += c * (x.values[i] ?? 0);
    xs += s * (x.values[i] ?? 0);
    yc += c * (y.values[i] ?? 0);
    ys += s * (y.values[i] ?? 0);
  }
  return xc * xc + xs * xs + yc * yc + ys * ys;
}

/** Golden section within one step of the grid. */
function* refine(grid: Grid, x: Axis, y: Axis, near: number): Generator<void, number> {
  const golden = (Math.sqrt(5) - 1) / 2;
  let [low, high] = [near - grid.step, near + grid.step];
  for (let i = 0; i < 24; i++) {
    const [a, b] = [high - golden * (high - low), low + golden * (high - low)];
    if (powerAt(grid, x, y, a) > powerAt(grid, x, y, b)) high = b;
    else low = a;
    if (grid.t.length > 1000) yield;
  }
  return (low + high) / 2;
}

interface Wave {
  readonly cos: number;
  readonly sin: number;
}

/** Least-squares sinusoid with a constant; takes it out of the values. */
function takeOut(t: Float64Array, values: Float64Array, f: number): Wave {
  const m = [0, 0, 0, 0, 0, 0];
  const r = [0, 0, 0];
  const basis = Array.from(t, (v) => {
    const phase = 2 * Math.PI * f * (v - (t[0] ?? 0));
    return [Math.cos(phase), Math.sin(phase), 1] as const;
  });
  basis.forEach(([c, s], i) => {
    const v = values[i] ?? 0;
    [c * c, c * s, c, s * s, s, 1].forEach((p, k) => {
      m[k] = (m[k] ?? 0) + p;
    });
    [c * v, s * v, v].forEach((p, k) => {
      r[k] = (r[k] ?? 0) + p;
    });
  });
  const [a, b, c] = solve3(m, r);
  basis.forEach(([cos, sin], i) => {
    values[i] = (values[i] ?? 0) - a * cos - b * sin - c;
  });
  return { cos: a, sin: b };
}

/** Symmetric 3x3 system, matrix as xx, xy, xz, yy, yz, zz. */
function solve3(m: readonly number[], r: readonly number[]): readonly [number, number, number] {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = m;
  const [p = 0, q = 0, s = 0] = r;
  const [A, B, C] = [d * f - e * e, c * e - b * f, b * e - c * d];
  const det = a * A + b * B + c * C;
  const [D, E, F] = [a * f - c * c, b * c - a * e, a * d - b * b];
  return [(A * p + B * q + C * s) / det, (B * p + D * q + E * s) / det, (C * p + E * q + F * s) / det];
}

/** Semi-axes and direction of the ellipse that two waves make. */
function ellipse(x: Wave, y: Wave): { major: number; minor: number; directionDeg: number } {
  const xx = x.cos * x.cos + x.sin * x.sin;
  const yy = y.cos * y.cos + y.sin * y.sin;
  const xy = x.cos * y.cos + x.sin * y.sin;
  const area = x.cos * y.sin - x.sin * y.cos;
  const root = Math.sqrt(Math.max(0, (xx + yy) ** 2 - 4 * area * area));
  return {
    major: Math.sqrt((xx + yy + root) / 2),
    minor: Math.sqrt(Math.max(0, (xx + yy - root) / 2)),
    directionDeg: (Math.atan2(2 * xy, xx - yy) / 2) * (180 / Math.PI),
  };
}

function rms(values: Float64Array): number {
  return Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length);
}

/** sin(pi f t) / (pi f t): what averaging over t leaves of a line. */
function attenuationOf(frequency: number, integrationS: number): number {
  const phase = Math.PI * frequency * integrationS;
  return phase === 0 ? 1 : Math.abs(Math.sin(phase) / phase);
}

/** The peak that stands out most, where no line has been found yet. */
function highest(grid: Grid, x: Axis, y: Axis, known: readonly number[]): { f: number; z: number } {
  let best = { f: Number.NaN, z: 0 };
  for (let k = 0; k < grid.n; k++) {
    const f = grid.first + k * grid.step;
    if (known.some((other) => Math.abs(other - f) < apart / grid.duration)) continue;
    const z = (x.power[k] ?? 0) / (x.floor[k] ?? 1) + (y.power[k] ?? 0) / (y.floor[k] ?? 1);
    if (z > best.z) best = { f, z };
  }
  return best;
}

/** Searches lines between 2 / duration and the Nyquist frequency. Yields between pieces of work. */
export function* findLines(jitter: Jitter): Generator<void, Spectrum> {
  const { t } = jitter;
  const interval = median(t.subarray(1).map((v, i) => v - (t[i] ?? 0)));
  const rates = { sampleHz: 1 / interval, nyquistHz: 0.5 / interval };
  const grid = gridOf(t, interval);
  const head = { ...rates, resolutionHz: 1 / grid.duration, n: t.length };
  if (t.length < leastForSpectrum || grid.n < 1) return { ...head, lines: [], fault: 'too_few' };
  const [x, y] = [jitter.x, jitter.y].map((values) => ({
    values: Float64Array.from(values),
    power: new Float64Array(grid.n),
    floor: new Float64Array(grid.n),
  })) as [Axis, Axis];
  const lines: Line[] = [];
  const known: number[] = [];
  while (lines.length < mostLines) {
    centre(x.values, grid.weight);
    centre(y.values, grid.weight);
    yield* periodograms(grid, x, y);
    yield* noiseFloor(grid, x, interval);
    yield* noiseFloor(grid, y, interval);
    const peak = highest(grid, x, y, known);
    const trials = grid.n / oversampling;
    const chance = falseAlarm(peak.z, 2 * neighbourhood(grid) + 1, trials);
    if (!(chance <= mostFalseAlarm)) break;
    const frequency = yield* refine(grid, x, y, peak.f);
    const waves = [takeOut(t, x.values, frequency), takeOut(t, y.values, frequency)] as const;
    known.push(frequency);
    lines.push(lineOf(frequency, waves, chance, rms(x.values), rms(y.values), grid, jitter, rates.sampleHz));
    yield;
  }
  return { ...head, lines, fault: '' };
}

function lineOf(
  frequencyHz: number,
  [wx, wy]: readonly [Wave, Wave],
  chance: number,
  noiseX: number,
  noiseY: number,
  grid: Grid,
  { integrationS }: Jitter,
  sampleHz: number,
): Line {
  const { major, minor, directionDeg } = ellipse(wx, wy);
  const along = (directionDeg * Math.PI) / 180;
  const noise = Math.hypot(noiseX * Math.cos(along), noiseY * Math.sin(along));
  const n = grid.t.length;
  return {
    frequencyHz,
    // Montgomery and O'Donoghue 1999
    frequencyErrHz: (Math.sqrt(6 / n) * noise) / (Math.PI * grid.duration * major),
    amplitude: major,
    amplitudeErr: noise * Math.sqrt(2 / n),
    minorAmplitude: minor,
    directionDeg,
    falseAlarm: chance,
    attenuation: attenuationOf(frequencyHz, integrationS),
    aliasesHz: [sampleHz - frequencyHz, sampleHz + frequencyHz, 2 * sampleHz - frequencyHz],
  };
}

/** The same at once. */
export function linesOf(jitter: Jitter): Spectrum {
  return atOnce(findLines(jitter));
}
