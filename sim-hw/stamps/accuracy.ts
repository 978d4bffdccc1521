// SPDX-License-Identifier: Apache-2.0
// Accuracy groups: one star, nothing else wrong. The noise is that of the table of bounds (9 electrons, 1.46
// electron/ADU, 5 electrons of sky) except in the width sweep; the profile of each star is drawn from the family.
import { Random } from '../random.js';
import { drawAmplifier, referenceGain, referenceReadNoise, type Structure } from './amplifier.js';
import { Noise } from './noise.js';
import { drawProfile, type Profile } from './profile.js';
import { Scene } from './scene.js';
import { type StarImage, singleStar } from './star.js';
import type { GroupPlan, Stamp } from './truth.js';

export const snrSteps = [5, 7, 10, 15, 20, 30, 50, 100, 200, 500, 1000] as const;
const snrStepsBig = [7, 10, 15, 30, 100, 1000] as const;
const phases = 20;
const fwhmSteps = [0.5, 0.7, 0.9, 1.1, 1.3, 1.5] as const;
const pixelArcsec = 0.2;
const darkSkyE = 5;
const referenceFwhm = 4;

export interface PlanSettings {
  readonly seed: number;
  /** stamps per accuracy cell of 50x50 */
  readonly cell: number;
  /** stamps per nuisance class of 50x50 */
  readonly class: number;
  /** null: each star has a profile of its own from the family */
  readonly profile: Profile | null;
}

/** Of stamps of 400x400 a share is enough: each takes 640 kB. */
export const shareOfBig = 0.2;

interface Case {
  readonly cls: string;
  readonly snr: number;
  readonly fwhm: number;
  /** column of the star, px; null: drawn */
  readonly x: number | null;
}

interface Sweep {
  readonly name: string;
  readonly side: number;
  readonly structure: Structure;
  readonly note: string;
  readonly dtype?: 'uint16';
  /** gain, read noise, sky and ellipticity are drawn too */
  readonly varied?: boolean;
  readonly cases: readonly Case[];
  readonly stampsPerCase: number;
}

/** Ellipticity of at most 0.1 in any direction. */
export function drawEllipticity(random: Random): readonly [number, number] {
  const e = 0.1 * Math.sqrt(random.uniform());
  const angle = random.between(0, 2 * Math.PI);
  return [e * Math.cos(angle), e * Math.sin(angle)];
}

export function accuracyPlans(settings: PlanSettings): readonly GroupPlan[] {
  return sweeps(settings).map((sweep) => planOf(settings, sweep));
}

function snrCases(steps: readonly number[]): readonly Case[] {
  return steps.map((snr) => ({ cls: `snr${snr}`, snr, fwhm: referenceFwhm, x: null }));
}

function phaseCases(): readonly Case[] {
  return [2.5, referenceFwhm].flatMap((fwhm) =>
    Array.from({ length: phases }, (_, i) => ({ cls: `fwhm${fwhm}`, snr: 1000, fwhm, x: 24 + i / phases })),
  );
}

function widthCases(): readonly Case[] {
  return fwhmSteps.flatMap((fwhm) =>
    [20, 100].map((snr) => ({ cls: `fwhm${fwhm}_snr${snr}`, snr, fwhm: fwhm / pixelArcsec, x: null })),
  );
}

function sweeps({ cell }: PlanSettings): readonly Sweep[] {
  const small = { side: 50, structure: 'raw', stampsPerCase: cell } as const;
  const sweepNote = 'SNR sweep (class name = SNR), one star';
  return [
    {
      ...small,
      name: 'acc_flat50',
      structure: 'flat',
      note: `${sweepNote}, flat bias`,
      cases: snrCases(snrSteps),
    },
    {
      ...small,
      name: 'acc_raw50',
      note: `${sweepNote}, column pattern and row noise as in a raw stamp`,
      cases: snrCases(snrSteps),
    },
    {
      ...small,
      name: 'acc_phase50',
      note: 'S-curve: sub-pixel phase in x at SNR 1000, two widths (class name = FWHM in px)',
      cases: phaseCases(),
      stampsPerCase: Math.max(1, Math.round(cell / 6)),
    },
    {
      ...small,
      name: 'acc_fwhm50',
      note: 'width sweep (class name = FWHM in arcsec and SNR), raw structure',
      varied: true,
      cases: widthCases(),
    },
    {
      name: 'acc_raw400',
      side: 400,
      structure: 'raw',
      note: '400x400 ROI, SNR sweep, star to be found without a prior, raw structure',
      cases: snrCases(snrStepsBig),
      stampsPerCase: Math.max(1, Math.round(cell * shareOfBig)),
    },
    {
      ...small,
      name: 'acc_u16_50',
      dtype: 'uint16',
      note: 'as acc_raw50 at three SNR, in uint16 (clipped at 65535)',
      cases: snrCases([20, 100, 500]),
    },
  ];
}

function planOf(settings: PlanSettings, sweep: Sweep): GroupPlan {
  const { name, side, dtype = 'int32', cases, stampsPerCase, note } = sweep;
  return {
    name,
    dtype,
    rows: side,
    cols: side,
    note,
    count: cases.length * stampsPerCase,
    stamp(i) {
      const one = cases[Math.floor(i / stampsPerCase)];
      if (one === undefined) throw new RangeError(`${name}: stamp ${i} of ${cases.length * stampsPerCase}`);
      const label = `${name}/${one.cls}/${one.x ?? ''}/${i % stampsPerCase}`;
      return paint(new Random(settings.seed, label), sweep, one, settings.profile);
    },
  };
}

function paint(random: Random, sweep: Sweep, one: Case, profile: Profile | null): Stamp {
  const { side, structure, varied = false, dtype } = sweep;
  const reference = varied ? null : { gain: referenceGain, readNoiseE: referenceReadNoise };
  const amplifier = drawAmplifier(random, side, side, structure, reference);
  const sky = random.between(2, 40);
  const scene = new Scene(side, side, amplifier, varied ? sky : darkSkyE);
  const image = drawStar(random, one.fwhm, varied, profile);
  // Well inside: 30 px from the edges of a large stamp, near the middle of a small one.
  const reach = side > 100 ? side / 2 - 30 : sweep.varied ? 5 : 2.5;
  const middle = (side - 1) / 2;
  const x = one.x ?? middle + random.between(-reach, reach);
  const y = middle + random.between(-reach, reach);
  scene.placeStar(image, x, y, one.snr);
  const pixels = scene.expose(new Noise(random), dtype !== 'uint16');
  return { pixels, truth: scene.truth(one.cls) };
}

function drawStar(random: Random, fwhm: number, varied: boolean, profile: Profile | null): StarImage {
  const drawn = drawProfile(random);
  const [e1, e2] = drawEllipticity(random);
  return singleStar(profile ?? drawn, fwhm, varied ? e1 : 0, varied ? e2 : 0);
}
