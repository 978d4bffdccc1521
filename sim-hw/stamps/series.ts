// SPDX-License-Identifier: Apache-2.0
// Eight guiders on one time base: the simulator's sky moves all stars together, each has its own seeing, and each is
// lost at times.
import { guideSensors } from '../../agent/model/location.js';
import type { RoiLocation } from '../../agent/model/roi.js';
import { Random } from '../random.js';
import { type CommonMotion, fluxOfSnr, Sky } from '../sky.js';
import type { PlanSettings } from './accuracy.js';
import { drawAmplifier } from './amplifier.js';
import { Noise } from './noise.js';
import { drawProfile } from './profile.js';
import { Scene } from './scene.js';
import { singleStar } from './star.js';
import type { GroupPlan } from './truth.js';

const side = 50;
const rateHz = 9;
/** about 5 px over a series */
const driftArcsec = 1;
/** nominal SNR of the stars, in the order of the guiders */
const brightness = [300, 150, 80, 40, 20, 15, 500, 12] as const;

/** A value that wanders about its mean: relative deviation `sigma`, forgotten over `memory` stamps. */
function* wander(random: Random, sigma: number, memory: number): Generator<number, never> {
  const keep = Math.exp(-1 / memory);
  let value = sigma * random.normal();
  for (;;) {
    yield 1 + value;
    value = keep * value + sigma * Math.sqrt(1 - keep * keep) * random.normal();
  }
}

/** Stamps without the star: about three spells of 3-12 stamps in 100, none among the first ten. */
function drawSpells(random: Random, stamps: number): ReadonlySet<number> {
  const lost = new Set<number>();
  for (let left = Math.floor(stamps / 33); left > 0; left--) {
    const from = 10 + random.integer(Math.max(1, stamps - 10));
    const length = 3 + random.integer(10);
    for (let i = from; i < Math.min(from + length, stamps); i++) lost.add(i);
  }
  return lost;
}

export function seriesPlans(settings: PlanSettings): readonly GroupPlan[] {
  const sky = new Sky({
    seed: settings.seed,
    driftArcsecPerS: (driftArcsec * rateHz) / settings.cell,
    jitterArcsec: 0.05,
    rotationArcsecPerS: 0.2,
    seeingMotionPx: 0.25,
  });
  const motions = Array.from({ length: settings.cell }, (_, i) => sky.motion(i / rateHz));
  return guideSensors.map((sensor, i) =>
    planOf(settings, sky, motions, { sensor, segment: 3, startRow: 800, startCol: 200 }, brightness[i] ?? 50),
  );
}

function planOf(
  settings: PlanSettings,
  sky: Sky,
  motions: readonly CommonMotion[],
  roi: RoiLocation,
  snr: number,
): GroupPlan {
  const name = `series_${roi.sensor.detectorName}`;
  const random = new Random(settings.seed, name);
  const amplifier = drawAmplifier(random, side, side, 'raw', null);
  const skyE = random.between(2, 40);
  const drawn = drawProfile(random);
  const profile = settings.profile ?? drawn;
  const fwhm = random.between(3, 5.5);
  const fluxE = fluxOfSnr(snr, fwhm, Math.hypot(amplifier.readNoiseE, Math.sqrt(skyE)));
  const home = { x: 24.5 + random.between(-2, 2), y: 24.5 + random.between(-2, 2) };
  const own = new Random(settings.seed, `${name}/own`);
  const lost = drawSpells(new Random(settings.seed, `${name}/lost`), settings.cell);
  const seeing = wander(new Random(settings.seed, `${name}/seeing`), 0.08, 15);
  const clouds = wander(new Random(settings.seed, `${name}/clouds`), 0.05, 100);
  const noise = new Noise(new Random(settings.seed, `${name}/noise`));
  return {
    name,
    dtype: 'int32',
    rows: side,
    cols: side,
    note: `guider ${roi.sensor.detectorName}: consecutive stamps at ${rateHz} Hz (t in s), moving star, lost at times; the eight series_* groups share one time base`,
    count: motions.length,
    stamp(i) {
      const motion = motions[i];
      if (motion === undefined) throw new RangeError(`${name}: stamp ${i} of ${motions.length}`);
      const { x, y } = sky.place(roi, home, motion, own);
      const width = fwhm * seeing.next().value;
      const flux = fluxE * clouds.next().value;
      const scene = new Scene(side, side, amplifier, skyE);
      if (!lost.has(i)) scene.placeFlux(singleStar(profile, width), x, y, flux);
      const want = lost.has(i) ? 'reject' : 'measure';
      return { pixels: scene.expose(noise), truth: { ...scene.truth('series'), want, t: i / rateHz } };
    },
  };
}
