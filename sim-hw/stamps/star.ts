// SPDX-License-Identifier: Apache-2.0
// The image of a star: spots of one profile each, integrated over pixels. One spot is a star in good seeing; several
// on a line are a trail; several scattered ones are the speckles of a short exposure.
// Pixels are 0-based, an integer is a pixel's centre.
import type { Random } from '../random.js';
import { type Profile, perFwhm, reachFwhm } from './profile.js';

interface Spot {
  readonly profile: Profile;
  /** px, of the circle with the same area as the ellipse at half height */
  readonly fwhm: number;
  readonly e1: number;
  readonly e2: number;
  readonly dx: number;
  readonly dy: number;
  /** share of the flux */
  readonly share: number;
}

export interface StarImage {
  readonly spots: readonly Spot[];
  readonly fwhm: number;
  readonly e1: number;
  readonly e2: number;
}

/** Pixels of a stamp, row by row. */
export interface Canvas {
  readonly rows: number;
  readonly cols: number;
  readonly pixels: Float64Array;
}

export function canvas(rows: number, cols: number): Canvas {
  return { rows, cols, pixels: new Float64Array(rows * cols) };
}

/** Ellipticity e = (a^2 - b^2) / (a^2 + b^2), e1 along x, e2 along the diagonal. */
export function singleStar(profile: Profile, fwhm: number, e1 = 0, e2 = 0): StarImage {
  return { spots: [{ profile, fwhm, e1, e2, dx: 0, dy: 0, share: 1 }], fwhm, e1, e2 };
}

/** A star that moved evenly by `length` px during the exposure; its centre is the middle of the trail. */
export function trailedStar(star: StarImage, length: number, angle: number): StarImage {
  const steps = Math.max(2, Math.ceil(2 * length));
  const spots = star.spots.flatMap((spot) =>
    Array.from({ length: steps }, (_, i) => {
      const along = ((i + 0.5) / steps - 0.5) * length;
      const dx = spot.dx + along * Math.cos(angle);
      const dy = spot.dy + along * Math.sin(angle);
      return { ...spot, dx, dy, share: spot.share / steps };
    }),
  );
  return { ...star, spots };
}

/** A short exposure: part of the light in spots much narrower than the seeing. The centre is the barycentre. */
export function speckledStar(profile: Profile, fwhm: number, random: Random): StarImage {
  const count = 15 + random.integer(26);
  const inSpots = random.between(0.2, 0.6);
  const sigma = fwhm / 2.355;
  const drawn = Array.from({ length: count }, () => ({
    dx: 0.8 * sigma * random.normal(),
    dy: 0.8 * sigma * random.normal(),
    share: -Math.log(1 - random.uniform()),
    fwhm: fwhm * random.between(0.4, 0.7),
  }));
  const total = drawn.reduce((sum, spot) => sum + spot.share, 0);
  const spots: Spot[] = drawn.map((spot) => ({
    ...spot,
    profile,
    e1: 0,
    e2: 0,
    share: (spot.share / total) * inSpots,
  }));
  spots.push({ profile, fwhm, e1: 0, e2: 0, dx: 0, dy: 0, share: 1 - inSpots });
  const x = spots.reduce((sum, spot) => sum + spot.share * spot.dx, 0);
  const y = spots.reduce((sum, spot) => sum + spot.share * spot.dy, 0);
  return { spots: spots.map((spot) => ({ ...spot, dx: spot.dx - x, dy: spot.dy - y })), fwhm, e1: 0, e2: 0 };
}

/** Gauss-Legendre points over one pixel, by distance from the star. */
const rules = {
  near: rule(
    [-0.453089922969332, -0.2692346550528415, 0, 0.2692346550528415, 0.453089922969332],
    [0.1184634425280945, 0.2393143352496832, 64 / 225, 0.2393143352496832, 0.1184634425280945],
  ),
  middle: rule([-0.3872983346207417, 0, 0.3872983346207417], [5 / 18, 8 / 18, 5 / 18]),
  far: rule([0], [1]),
};

interface Rule {
  readonly at: readonly number[];
  readonly weight: readonly number[];
}

function rule(at: readonly number[], weight: readonly number[]): Rule {
  return { at, weight };
}

/** Adds a star of `flux` at (x, y). */
export function addStar(to: Canvas, star: StarImage, x: number, y: number, flux: number): void {
  for (const spot of star.spots) addSpot(to, spot, x + spot.dx, y + spot.dy, flux * spot.share);
}

function addSpot(to: Canvas, spot: Spot, x: number, y: number, flux: number): void {
  const reach = reachFwhm * spot.fwhm;
  const e = Math.min(Math.hypot(spot.e1, spot.e2), 0.99);
  const q = Math.sqrt((1 - e) / (1 + e));
  const angle = 0.5 * Math.atan2(spot.e2, spot.e1);
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  // Squared elliptical radius in samples of the table: xx dx^2 + 2 xy dx dy + yy dy^2
  const scale = (perFwhm / spot.fwhm) ** 2;
  const xx = scale * (q * cos * cos + (sin * sin) / q);
  const yy = scale * (q * sin * sin + (cos * cos) / q);
  const xy = scale * (q - 1 / q) * sin * cos;
  const { table } = spot.profile;
  const last = table.length - 2;
  const norm = flux / (spot.fwhm * spot.fwhm);
  const near2 = (2 * spot.fwhm) ** 2;
  const middle2 = (5 * spot.fwhm) ** 2;
  for (let row = Math.max(0, Math.ceil(y - reach)); row <= Math.min(to.rows - 1, y + reach); row++) {
    for (let col = Math.max(0, Math.ceil(x - reach)); col <= Math.min(to.cols - 1, x + reach); col++) {
      const cx = col - x;
      const cy = row - y;
      const r2 = cx * cx + cy * cy;
      const { at, weight } = r2 < near2 ? rules.near : r2 < middle2 ? rules.middle : rules.far;
      let sum = 0;
      for (let j = 0; j < at.length; j++) {
        const dy = cy + (at[j] as number);
        let line = 0;
        for (let i = 0; i < at.length; i++) {
          const dx = cx + (at[i] as number);
          const u = Math.sqrt(xx * dx * dx + 2 * xy * dx * dy + yy * dy * dy);
          const k = Math.floor(u);
          if (k >= last) continue;
          const from = table[k] as number;
          line += (weight[i] as number) * (from + (u - k) * ((table[k + 1] as number) - from));
        }
        sum += (weight[j] as number) * line;
      }
      const i = row * to.cols + col;
      to.pixels[i] = (to.pixels[i] as number) + norm * sum;
    }
  }
}
