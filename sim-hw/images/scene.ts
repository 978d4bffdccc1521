// SPDX-License-Identifier: Apache-2.0
// What one CCD sees in one image: the scene to paint, and its truth (sim-hw/README.md, "Truth of images").
import { Random } from '../random.js';
import type { SimDetector } from './instruments.js';
import { gratings, type TakeRequest } from './take.js';

const pixelScale = 0.09569;
const cols = 4072;
const donutRadius = 66.5;
const donutDefocusMm = 1.5;
const obscuration = 0.612;
/** nominal distance from grating to CCD that the header's LINSPOS tells, mm from 115 */
export const linearStageMm = 64;

export interface Donut {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly flux: number;
  readonly shadowX: number;
  readonly shadowY: number;
  readonly shadowRadius: number;
}

export interface Scene {
  readonly sky: number;
  readonly darkTime: number;
  readonly noiseSeed: number;
  readonly donuts: readonly Donut[];
  readonly stars: readonly Readonly<Record<string, number>>[];
  readonly tracks: readonly Readonly<Record<string, number>>[];
  readonly spectra: readonly Readonly<Record<string, unknown>>[];
}

export interface Seen {
  readonly scene: Scene;
  /** of images-dev/truth.json, without what only the painter knows */
  readonly truth: Readonly<Record<string, unknown>>;
}

/** Atmospheric and hydrogen lines of the star: nm, depth, sigma nm. */
const lines = [
  { nm: 434.0, depth: 0.35, sigmaNm: 1.4 },
  { nm: 486.1, depth: 0.45, sigmaNm: 1.5 },
  { nm: 656.3, depth: 0.4, sigmaNm: 1.5 },
  { nm: 687.2, depth: 0.35, sigmaNm: 1.6 },
  { nm: 760.5, depth: 0.6, sigmaNm: 2.2 },
];

/** One pixel scale and one sky for all images of an instrument; `number` is the image's. */
export function seenBy(detector: SimDetector, take: TakeRequest, seed: number, number: number): Seen {
  const random = new Random(seed, `image ${number} ${detector.name}`);
  const rows = detector.focal ? 2000 : 4000;
  const lit = take.imageType !== 'BIAS' && take.imageType !== 'DARK';
  const seconds = take.imageType === 'BIAS' ? 0 : take.exposureS;
  const tracks = Array.from({ length: Math.round(2 + 0.8 * seconds) }, () => ({
    x: random.between(0, cols),
    y: random.between(0, rows),
    length: random.between(3, 60),
    angle: random.between(0, Math.PI),
    electronsPerPx: random.between(200, 3000),
  }));
  const dark: Scene = {
    sky: take.imageType === 'FLAT' ? 30_000 : lit ? 15 * take.exposureS : 0,
    darkTime: seconds,
    noiseSeed: Number(random.bits() & 0xffff_ffffn),
    donuts: [],
    stars: [],
    tracks,
    spectra: [],
  };
  const cosmicRays = tracks.map(({ x, y, length, angle }) => ({
    x,
    y,
    length_px: length,
    angle_deg: (angle * 180) / Math.PI,
  }));
  const common = { detector: detector.calibration, sky_e: dark.sky, cosmic_rays: cosmicRays };
  if (!lit || take.imageType === 'FLAT') return { scene: dark, truth: { kind: 'calibration', ...common } };
  if (detector.focal) return donutField(detector.focal, take, random, dark, common);
  return take.grating.startsWith('empty')
    ? starField(take, random, dark, common)
    : spectrumField(take, random, dark, common);
}

function donutField(
  focal: 'extra' | 'intra',
  take: TakeRequest,
  random: Random,
  dark: Scene,
  common: Readonly<Record<string, unknown>>,
): Seen {
  const defocus = donutDefocusMm + (focal === 'extra' ? take.focusZMm : -take.focusZMm);
  const radius = (donutRadius * Math.max(defocus, 0.2)) / donutDefocusMm;
  const away = random.between(0, 2 * Math.PI);
  const count = 10 + random.integer(6);
  const donuts = Array.from({ length: count }, (): Donut => {
    // The last ones stand close to others.
    const shift = radius * random.between(0.05, 0.45);
    return {
      x: random.between(-20, cols + 20),
      y: random.between(-20, 2020),
      radius: radius * random.between(0.99, 1.01),
      flux: 3e5 * 40 ** random.uniform() * (take.exposureS / 15),
      shadowX: shift * Math.cos(away),
      shadowY: shift * Math.sin(away),
      shadowRadius: radius * 1.05,
    };
  });
  const first = donuts[0];
  if (first)
    donuts.push({
      ...first,
      x: first.x + 1.2 * radius,
      y: first.y + 0.7 * radius,
      flux: 0.6 * first.flux,
    });
  const truth = donuts.map((donut, i) => {
    const others = donuts.filter((_, j) => j !== i).map((o) => Math.hypot(o.x - donut.x, o.y - donut.y));
    const nearest = Math.min(...others);
    const margin = Math.min(donut.x, donut.y, cols - 1 - donut.x, 1999 - donut.y) - donut.radius;
    return {
      x: donut.x,
      y: donut.y,
      radius_px: donut.radius,
      flux_e: donut.flux,
      sep_nearest_px: nearest,
      blended: nearest < 2 * radius,
      edge: margin < 5,
    };
  });
  return { scene: { ...dark, donuts }, truth: { kind: 'donut', ...common, focal, donuts: truth } };
}

/** What only the painter knows of a donut. */
export interface PaintedDonut {
  readonly vignetted_fraction: number;
  readonly x_com: number;
  readonly y_com: number;
}

/** A donut's signal to noise over the pixels that it lights. `readNoise`: electron. */
export function snrOf(
  donut: Readonly<Record<string, unknown>>,
  painted: PaintedDonut,
  sky: number,
  readNoise: number,
): number {
  const [flux, radius] = [Number(donut.flux_e), Number(donut.radius_px)];
  const lit = Math.PI * radius ** 2 * (1 - obscuration ** 2) * (1 - painted.vignetted_fraction);
  return flux / Math.sqrt(flux + lit * (sky + readNoise ** 2));
}

/** The focus makes stars wider: 60 px of blur for a mm of the hexapod. */
function widthAt(take: TakeRequest, random: Random): number {
  return Math.hypot(random.between(9.5, 11.5), 60 * take.focusZMm);
}

function starField(
  take: TakeRequest,
  random: Random,
  dark: Scene,
  common: Readonly<Record<string, unknown>>,
): Seen {
  const fwhm = widthAt(take, random);
  const [sx, sy] = gratings[take.grating]?.sweetSpot ?? [1780, 1800];
  const shape = { fwhm, ellipticity: random.between(0, 0.03), angle: random.between(0, Math.PI) };
  const target = { x: sx + 60 * random.normal(), y: sy + 60 * random.normal(), flux: 6e5 * take.exposureS };
  const field = Array.from({ length: 40 }, () => ({
    x: random.between(0, cols),
    y: random.between(0, 4000),
    flux: 1500 * 60 ** random.uniform() * take.exposureS,
  }));
  const stars = [target, ...field].map((star) => ({ ...star, ...shape }));
  const sources = stars.map(({ x, y, flux }) => ({ x, y, flux_e: flux }));
  return {
    scene: { ...dark, stars },
    truth: {
      kind: 'image',
      ...common,
      ...pointing(take, sx, sy, target),
      fwhm_px: fwhm,
      ellipticity: shape.ellipticity,
      target: sources[0],
      sources,
    },
  };
}

function spectrumField(
  take: TakeRequest,
  random: Random,
  dark: Scene,
  common: Readonly<Record<string, unknown>>,
): Seen {
  const fwhm = widthAt(take, random);
  const { grooves, sweetSpot } = gratings[take.grating] ?? { grooves: 150, sweetSpot: [1750, 200] };
  const [sx, sy] = sweetSpot;
  const zeroth = { x: sx + 60 * random.normal(), y: sy + 20 * random.normal(), flux: 2e5 * take.exposureS };
  const angle = (random.between(-0.7, 0.7) * Math.PI) / 180;
  const distanceMm = 115 + linearStageMm + random.between(-4, 4);
  const spectrum = {
    x: zeroth.x,
    y: zeroth.y,
    angle,
    flux: 6e5 * take.exposureS,
    distanceMm,
    grooves,
    fwhmCross: fwhm,
    fwhmDisp: fwhm * 1.02,
    lines,
  };
  const distanceAt = (nm: number) => (distanceMm * Math.tan(Math.asin(grooves * nm * 1e-6))) / 0.01;
  return {
    scene: { ...dark, stars: [{ ...zeroth, fwhm, ellipticity: 0, angle: 0 }], spectra: [spectrum] },
    truth: {
      kind: 'spectrum',
      ...common,
      ...pointing(take, sx, sy, zeroth),
      zeroth: { x: zeroth.x, y: zeroth.y, flux_e: zeroth.flux },
      trace: { angle_deg: (angle * 180) / Math.PI, fwhm_cross_px: fwhm, fwhm_disp_px: fwhm * 1.02 },
      distance_mm: distanceMm,
      grooves_per_mm: grooves,
      nm_per_px_550: 1 / (distanceAt(550.5) - distanceAt(549.5)),
      lines: lines.map(({ nm }) => {
        const distance = distanceAt(nm);
        return {
          lambda_nm: nm,
          x: zeroth.x + distance * Math.sin(angle),
          y: zeroth.y + distance * Math.cos(angle),
          distance_px: distance,
        };
      }),
    },
  };
}

function pointing(
  take: TakeRequest,
  sx: number,
  sy: number,
  star: { readonly x: number; readonly y: number },
): Readonly<Record<string, unknown>> {
  const [dx, dy] = [star.x - sx, star.y - sy];
  return {
    grating: take.grating,
    sweet_spot: { x: sx, y: sy },
    offset: { dx_px: dx, dy_px: dy, dx_arcsec: dx * pixelScale, dy_arcsec: dy * pixelScale },
    focusz_mm: take.focusZMm,
  };
}
