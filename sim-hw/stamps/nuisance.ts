// SPDX-License-Identifier: Apache-2.0
// Nuisance groups: one thing at a time goes wrong, and what is due then.
import { Random } from '../random.js';
import { drawEllipticity, type PlanSettings, shareOfBig } from './accuracy.js';
import { drawAmplifier } from './amplifier.js';
import * as artefacts from './artefacts.js';
import { breakStamp } from './daq-fault.js';
import { Noise } from './noise.js';
import { drawProfile, type Profile } from './profile.js';
import { Scene } from './scene.js';
import { addStar, type StarImage, singleStar, speckledStar, trailedStar } from './star.js';
import type { GroupPlan, Stamp, Truth, Want } from './truth.js';

interface Class {
  readonly name: string;
  readonly want: Want;
  /** relative to --class */
  readonly share?: number;
  /** SNR of the star; null: there is none */
  readonly snr: readonly [number, number] | null;
  /** the bound is that of a lone star of known profile, so it means nothing here */
  readonly unbounded?: boolean;
  readonly star?: (random: Random, seeing: Seeing) => StarImage;
  /** where the star is; otherwise within 6 px of the middle */
  readonly place?: (random: Random, side: number) => readonly [number, number];
  /** after the star has its place */
  readonly add?: (scene: Scene, random: Random) => void;
}

interface Seeing {
  readonly profile: Profile;
  readonly fwhm: number;
}

const usual = [20, 250] as const;

const classes: readonly Class[] = [
  { name: 'clean', want: 'measure', snr: usual },
  {
    name: 'hot_pixel',
    want: 'measure',
    snr: usual,
    add: (scene, random) => some(random, 3, () => artefacts.hotPixel(scene, random)),
  },
  {
    name: 'cosmic_ray',
    want: 'measure',
    snr: usual,
    add: (scene, random) => some(random, 2, () => artefacts.cosmicRay(scene, random)),
  },
  { name: 'bad_column', want: 'measure', snr: usual, add: artefacts.badColumn },
  { name: 'saturated', want: 'either', snr: [1500, 5000], unbounded: true },
  {
    name: 'foreign_bleed',
    want: 'measure',
    snr: usual,
    add: (scene, random) => artefacts.foreignBleed(scene, random, Math.max(6, 1.5 * fwhmOf(scene))),
  },
  {
    name: 'second_star',
    want: 'measure',
    snr: [40, 250],
    add: (scene, random) => companion(scene, random, [2.5, 5], [0.1, 0.7]),
  },
  {
    name: 'close_double',
    want: 'either',
    snr: [40, 250],
    add: (scene, random) => companion(scene, random, [0.7, 1.8], [0.3, 0.9]),
  },
  { name: 'near_edge', want: 'either', snr: usual, place: (random, side) => atEdge(random, side, 1.5, 5) },
  {
    name: 'leaving',
    want: 'reject',
    snr: [30, 250],
    unbounded: true,
    place: (random, side) => atEdge(random, side, -4.5, -1),
  },
  { name: 'empty', want: 'reject', share: 50, snr: null },
  { name: 'empty_artefact', want: 'reject', snr: null, add: anyArtefact },
  { name: 'gradient', want: 'measure', snr: usual, add: artefacts.gradient },
  { name: 'pickup', want: 'measure', snr: [30, 250], add: artefacts.pickup },
  { name: 'smear', want: 'measure', snr: [60, 250], add: artefacts.smear },
  {
    name: 'asymmetric',
    want: 'measure',
    snr: [40, 300],
    unbounded: true,
    star: (random, seeing) => speckledStar(seeing.profile, seeing.fwhm, random),
  },
  { name: 'trailed', want: 'measure', snr: [40, 300], unbounded: true, star: trailed },
  { name: 'faint', want: 'either', snr: [3, 5] },
  { name: 'daq_fault', want: 'reject', snr: usual, unbounded: true },
];

const bigClasses: readonly Class[] = [
  { name: 'empty', want: 'reject', snr: null },
  {
    name: 'empty_artefact',
    want: 'reject',
    snr: null,
    add: (scene, random) => some(random, 6, () => anyArtefact(scene, random)),
  },
  { name: 'field', want: 'measure', snr: [30, 300], place: inside, add: fieldStars },
];

const meaning =
  'want: "measure" = a centroid within 1 px is due; "reject" = an answer must be refused or flagged; "either" = right (within 1 px) or refused/flagged, but never wrong and unflagged';

export function nuisancePlans(settings: PlanSettings): readonly GroupPlan[] {
  return [
    planOf(settings, 'nuisance50', 50, classes, settings.class, `one nuisance class at a time. ${meaning}`),
    planOf(
      settings,
      'nuisance400',
      400,
      bigClasses,
      Math.max(1, Math.round(settings.class * 1.5 * shareOfBig)),
      `400x400 ROI, one nuisance class at a time; ${meaning}`,
    ),
  ];
}

function planOf(
  settings: PlanSettings,
  name: string,
  side: number,
  list: readonly Class[],
  stamps: number,
  note: string,
): GroupPlan {
  const entries = list.flatMap((one) =>
    Array.from({ length: stamps * (one.share ?? 1) }, (_, i) => ({ one, i })),
  );
  return {
    name,
    dtype: 'int32',
    rows: side,
    cols: side,
    note,
    count: entries.length,
    stamp(at) {
      const entry = entries[at];
      if (entry === undefined) throw new RangeError(`${name}: stamp ${at} of ${entries.length}`);
      const random = new Random(settings.seed, `${name}/${entry.one.name}/${entry.i}`);
      return paint(random, entry.one, side, settings.profile, entry.i);
    },
  };
}

function paint(random: Random, one: Class, side: number, profile: Profile | null, i: number): Stamp {
  const scene = new Scene(side, side, drawAmplifier(random, side, side, 'raw', null), random.between(2, 40));
  if (one.snr !== null) {
    const drawn = drawProfile(random);
    const seeing = { profile: profile ?? drawn, fwhm: random.between(2.5, 6.5) };
    const [e1, e2] = drawEllipticity(random);
    const image = one.star?.(random, seeing) ?? singleStar(seeing.profile, seeing.fwhm, e1, e2);
    const [x, y] = one.place?.(random, side) ?? nearMiddle(random, side);
    const [low, high] = one.snr;
    scene.placeStar(image, x, y, low * (high / low) ** random.uniform());
  }
  one.add?.(scene, random);
  const noise = new Noise(random);
  const pixels = scene.expose(noise);
  const truth = { ...scene.truth(one.name, one.unbounded !== true), want: one.want };
  if (one.name === 'daq_fault') return breakStamp(pixels, truth, side, i, random);
  return { pixels, truth: { ...truth, want: wantOf(truth, one.want) } };
}

/** Half the star's information under an artefact: to refuse is right too. A gradient only adds noise. */
function wantOf(truth: Truth, want: Want): Want {
  if (want !== 'measure' || truth.cls === 'gradient') return want;
  return (truth.snr_eff ?? 0) < 0.5 * (truth.snr ?? 0) ? 'either' : want;
}

function some(random: Random, most: number, add: () => void): void {
  for (let left = 1 + random.integer(most); left > 0; left--) add();
}

function fwhmOf(scene: Scene): number {
  return scene.target?.image.fwhm ?? 0;
}

function nearMiddle(random: Random, side: number): readonly [number, number] {
  const middle = (side - 1) / 2;
  return [middle + random.between(-6, 6), middle + random.between(-6, 6)];
}

function inside(random: Random, side: number): readonly [number, number] {
  return [random.between(30, side - 31), random.between(30, side - 31)];
}

/** At `low`..`high` px inside one of the four edges. */
function atEdge(random: Random, side: number, low: number, high: number): readonly [number, number] {
  const along = random.between(15, side - 16);
  const depth = random.between(low, high) - 0.5;
  const edge = random.integer(4);
  const across = edge % 2 === 0 ? depth : side - 1 - depth;
  return edge < 2 ? [across, along] : [along, across];
}

function trailed(random: Random, { profile, fwhm }: Seeing): StarImage {
  return trailedStar(singleStar(profile, fwhm), random.between(1.5, 5), random.between(0, Math.PI));
}

/** A fainter star, at a distance in units of the FWHM, well inside the stamp where it can be. */
function companion(
  scene: Scene,
  random: Random,
  fwhms: readonly [number, number],
  ratios: readonly [number, number],
): void {
  const { target } = scene;
  if (target === null) return;
  const distance = target.image.fwhm * random.between(...fwhms);
  const ratio = random.between(...ratios);
  let angle = 0;
  for (let i = 0; i < 100; i++) {
    angle = random.between(0, 2 * Math.PI);
    const x = target.x + distance * Math.cos(angle);
    const y = target.y + distance * Math.sin(angle);
    if (x > 1 && y > 1 && x < scene.cols - 2 && y < scene.rows - 2) break;
  }
  const x = target.x + distance * Math.cos(angle);
  const y = target.y + distance * Math.sin(angle);
  addStar(scene.extra, target.image, x, y, ratio * target.fluxE);
}

function anyArtefact(scene: Scene, random: Random): void {
  switch (random.integer(5)) {
    case 0:
      artefacts.hotPixel(scene, random);
      break;
    case 1:
      artefacts.badColumn(scene, random);
      break;
    case 2:
      artefacts.foreignBleed(scene, random, 0);
      break;
    default:
      artefacts.cosmicRay(scene, random);
  }
}

/** 20-80 fainter stars, numbers rising as flux^-1 per step of flux; the nearest 3 FWHM away. */
function fieldStars(scene: Scene, random: Random): void {
  const { target } = scene;
  if (target === null) return;
  for (let left = 20 + random.integer(61); left > 0; left--) {
    const x = random.between(0, scene.cols - 1);
    const y = random.between(0, scene.rows - 1);
    const ratio = Math.min(0.85, 0.005 / (1 - random.uniform()));
    if (Math.hypot(x - target.x, y - target.y) > 3 * target.image.fwhm)
      addStar(scene.extra, target.image, x, y, ratio * target.fluxE);
  }
}
