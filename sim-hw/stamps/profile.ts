// SPDX-License-Identifier: Apache-2.0
// Radial profiles of a star, wider a family than any one model: Moffat profiles, the long exposure of Kolmogorov
// turbulence, and a core with wings. Unit flux over the whole plane, radius in units of the FWHM.
import type { Random } from '../random.js';

/** Samples of a profile along the radius, `perFwhm` of them for each FWHM. */
export interface Profile {
  readonly name: string;
  readonly table: Float64Array;
}

export const perFwhm = 256;
/** The tables end here, FWHM: less than a millionth of the central brightness. */
export const reachFwhm = 16;
const samples = perFwhm * reachFwhm + 2;

function tabulate(name: string, at: (radius: number) => number): Profile {
  return { name, table: Float64Array.from({ length: samples }, (_, i) => at(i / perFwhm)) };
}

function moffatAt(beta: number, fwhm: number): (radius: number) => number {
  const alpha2 = (fwhm * fwhm) / 4 / (2 ** (1 / beta) - 1);
  const peak = (beta - 1) / (Math.PI * alpha2);
  return (radius) => peak * (1 + (radius * radius) / alpha2) ** -beta;
}

export function moffat(beta: number): Profile {
  return tabulate(`moffat ${beta.toFixed(2)}`, moffatAt(beta, 1));
}

export function gaussian(): Profile {
  const sigma2 = 1 / (8 * Math.LN2);
  return tabulate('gaussian', (radius) => Math.exp(-(radius * radius) / 2 / sigma2) / (2 * Math.PI * sigma2));
}

/** Two Moffat profiles, the second `ratio` times wider; scaled so that the FWHM of the sum is 1. */
export function coreAndWings(core: number, beta: number, wingBeta: number, ratio: number): Profile {
  const sum = (width: number) => {
    const inner = moffatAt(beta, width);
    const outer = moffatAt(wingBeta, width * ratio);
    return (radius: number) => core * inner(radius) + (1 - core) * outer(radius);
  };
  const width = 0.5 / halfRadius(sum(1));
  return tabulate(`core ${core.toFixed(2)} and wings`, sum(width));
}

function halfRadius(at: (radius: number) => number): number {
  let low = 0;
  let high = 10;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (at(middle) > at(0) / 2) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

let kolmogorovTable: Profile | null = null;

/** Long exposure through Kolmogorov turbulence: transfer function exp(-k^(5/3)) (D. Fried, JOSA 56, 1372, 1966). */
export function kolmogorov(): Profile {
  kolmogorovTable ??= makeKolmogorov();
  return kolmogorovTable;
}

function makeKolmogorov(): Profile {
  const step = 0.02;
  const last = 25;
  const values = Array.from({ length: last / step + 2 }, (_, i) => transform(i * step));
  const at = (radius: number): number => {
    // Beyond the table the profile falls as r^(-11/3).
    if (radius >= last) return (values[last / step] ?? 0) * (radius / last) ** (-11 / 3);
    const i = Math.floor(radius / step);
    const from = values[i] ?? 0;
    return from + (radius / step - i) * ((values[i + 1] ?? 0) - from);
  };
  const fwhm = 2 * halfRadius(at);
  return tabulate('kolmogorov', (radius) => fwhm * fwhm * at(fwhm * radius));
}

/** Hankel transform of exp(-k^(5/3)) at a radius, by the midpoint rule with its first correction (at k = 0). */
function transform(radius: number): number {
  const dk = Math.min(0.01, 0.3 / (radius + 1));
  let sum = 0;
  for (let k = dk / 2; k < 10; k += dk) sum += k * besselJ0(k * radius) * Math.exp(-(k ** (5 / 3)));
  return (sum * dk - (dk * dk) / 24) / (2 * Math.PI);
}

/** Rational approximations, good to 1e-8 (M. Abramowitz, I. Stegun, Handbook of Mathematical Functions, 9.4). */
function besselJ0(x: number): number {
  if (x < 3) {
    const t = (x / 3) ** 2;
    return (
      1 +
      t * (-2.2499997 + t * (1.2656208 + t * (-0.3163866 + t * (0.0444479 + t * (-0.0039444 + t * 0.00021)))))
    );
  }
  const t = 3 / x;
  const amplitude =
    0.79788456 +
    t *
      (-0.00000077 +
        t * (-0.0055274 + t * (-0.00009512 + t * (0.00137237 + t * (-0.00072805 + t * 0.00014476)))));
  const phase =
    x -
    0.78539816 +
    t *
      (-0.04166397 +
        t * (-0.00003954 + t * (0.00262573 + t * (-0.00054125 + t * (-0.00029333 + t * 0.00013558)))));
  return (amplitude * Math.cos(phase)) / Math.sqrt(x);
}

/** One of the family: half are Moffat profiles of beta 2.5..5, a quarter Kolmogorov, a quarter have wide wings. */
export function drawProfile(random: Random): Profile {
  const kind = random.uniform();
  const beta = random.between(2.5, 5);
  const core = random.between(0.8, 0.95);
  const ratio = random.between(1.5, 2.5);
  if (kind < 0.5) return moffat(beta);
  return kind < 0.75 ? kolmogorov() : coreAndWings(core, 4.5, 3, ratio);
}
