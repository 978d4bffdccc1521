// SPDX-License-Identifier: Apache-2.0
// What the happenings of a scenario do to one sensor: its light, its stars, what else is in the picture, and
// whether it sends at all. Decided when a stamp is painted.
import type { GuideSensor } from '../../agent/model/location.js';
import { Random } from '../random.js';
import { along, concerns, type Happening, inside, type Moment, type Vector } from './happenings.js';
import { shutterLight } from './shutter.js';

/** A streak of light as wide as a star, through a point beside the guide star. */
export interface Streak {
  readonly offset: Vector;
  readonly angleDeg: number;
  /** electrons per px of its length; null: a share of the star's light over its whole length */
  readonly electronsPerPx: number | null;
  readonly share: number;
}

export interface Track {
  readonly offset: Vector;
  readonly angleDeg: number;
  readonly lengthPx: number;
  readonly electrons: number;
}

export interface Companion {
  readonly offset: Vector;
  /** to the guide star */
  readonly ratio: number;
}

export interface Conditions {
  /** names in the truth file */
  readonly nuisances: readonly string[];
  readonly leaves: boolean;
  readonly frozen: boolean;
  /** share of the light */
  readonly light: number;
  /** px; null: the sensor's own */
  readonly fwhm: number | null;
  /** px from where the guide star would be */
  readonly displaced: Vector;
  readonly companions: readonly Companion[];
  readonly streaks: readonly Streak[];
  readonly tracks: readonly Track[];
}

export const undisturbed: Conditions = {
  nuisances: [],
  leaves: true,
  frozen: false,
  light: 1,
  fwhm: null,
  displaced: [0, 0],
  companions: [],
  streaks: [],
  tracks: [],
};

interface Drawn {
  readonly random: Random;
  readonly integrationMs: number;
}

function apply(to: Conditions, one: Happening, since: number, moment: Moment, drawn: Drawn): Conditions {
  const offset = (usual: Vector): Vector => ('offset-px' in one ? (one['offset-px'] ?? usual) : usual);
  switch (one.what) {
    case 'dead':
    case 'late-start':
      return { ...to, leaves: false };
    case 'frozen':
      return { ...to, frozen: true };
    case 'clouds': {
      const light = one.curve === undefined ? (one.transparency ?? 0) : along(one.curve, since);
      return { ...to, light: to.light * Math.max(0, light) };
    }
    case 'seeing': {
      const fwhm = one.curve === undefined ? (one.fwhm ?? null) : Math.max(1, along(one.curve, since));
      return { ...to, fwhm: fwhm ?? to.fwhm };
    }
    case 'satellite': {
      const electronsPerPx = one['electrons-per-px'] ?? 2000;
      const streak = { offset: offset([5, 5]), angleDeg: one['angle-deg'] ?? 30, electronsPerPx, share: 0 };
      return { ...to, streaks: [...to.streaks, streak] };
    }
    case 'smear': {
      const share = one.fraction ?? 0.05;
      const streak = { offset: [0, 0] as const, angleDeg: 90, electronsPerPx: null, share };
      return { ...to, streaks: [...to.streaks, streak] };
    }
    case 'cosmic-ray': {
      const track = {
        offset: offset([4, 3]),
        angleDeg: one['angle-deg'] ?? 20,
        lengthPx: one['length-px'] ?? 6,
        electrons: one.electrons ?? 20_000,
      };
      return { ...to, tracks: [...to.tracks, track] };
    }
    case 'star':
      return { ...to, companions: [...to.companions, { offset: offset([8, 0]), ratio: one.ratio ?? 0.5 }] };
    case 'wrong-star': {
      const [x, y] = offset([0, 0]);
      const [vx, vy] = one['drift-px-per-s'] ?? [0, 0];
      const t = since * moment.periodS;
      const sigma = one['jitter-px'] ?? 0;
      const own: Vector = [sigma * drawn.random.normal(), sigma * drawn.random.normal()];
      return { ...to, displaced: [x + vx * t + own[0], y + vy * t + own[1]] };
    }
    default:
      return to;
  }
}

/** Lasts for one stamp where the file does not say. */
const brief = new Set<Happening['what']>(['satellite', 'cosmic-ray']);
/** Seen by all sensors alike: in the common motion, or fixed for the series. */
const elsewhere = new Set<Happening['what']>(['wind', 'drift', 'rotation', 'jump', 'split-roi']);

/** Follows the happenings of one sensor. */
export class SensorConditions {
  readonly #sensor: GuideSensor;
  readonly #happenings: readonly Happening[];
  readonly #drawn: Drawn;

  constructor(happenings: readonly Happening[], sensor: GuideSensor, seed: number, integrationMs: number) {
    this.#sensor = sensor;
    this.#happenings = happenings.filter((one) => concerns(one, sensor.detectorName));
    this.#drawn = { random: new Random(seed, `happenings ${sensor.detectorName}`), integrationMs };
  }

  /** Some of its stamps have the pixels of earlier ones. */
  get mayFreeze(): boolean {
    return this.#happenings.some(({ what }) => what === 'frozen');
  }

  /** To be asked once per stamp, in order. */
  at(moment: Moment): Conditions {
    let conditions = undisturbed;
    for (const one of this.#happenings) {
      if (one.what === 'shutter') {
        const light = shutterLight(one, moment, this.#sensor.centreXMm, this.#drawn.integrationMs);
        if (light !== 1) conditions = named({ ...conditions, light: conditions.light * light }, one.what);
        continue;
      }
      const since = inside(one, moment, brief.has(one.what) ? 1 : Number.POSITIVE_INFINITY);
      if (since === null) continue;
      if (!elsewhere.has(one.what)) conditions = apply(conditions, one, since, moment, this.#drawn);
      const moves = one.what === 'drift' || one.what === 'rotation';
      if (!moves || since > 0) conditions = named(conditions, one.what);
    }
    return conditions;
  }
}

function named(conditions: Conditions, what: string): Conditions {
  return { ...conditions, nuisances: [...conditions.nuisances, what.replaceAll('-', '_')] };
}
