// SPDX-License-Identifier: Apache-2.0
// One simulated guide sensor in one series: its fixed pattern, its star, and its stamps painted ahead of time.
import type { RoiLocation, RoiSpec } from '../agent/model/roi.js';
import { drawAmplifier, fixedOf } from './amplifier.js';
import { type Frame, native, type SensorModel } from './native.js';
import type { SimOptions } from './options.js';
import { paintables } from './paintables.js';
import { Random } from './random.js';
import { type Conditions, SensorConditions } from './scenario/conditions.js';
import { splitRoi } from './scenario/events.js';
import { type CommonMotion, fluxOfSnr, type Sky, type StarPlace } from './sky.js';
import { PixelCode } from './wire.js';

/** A painted stamp and what is true of it. */
export interface PaintedStamp {
  readonly frame: Frame;
  readonly place: StarPlace;
  readonly fluxE: number;
  readonly fwhmPx: number;
  readonly motion: CommonMotion;
  readonly cosmicRay: boolean;
}

export class SimSensor {
  readonly roi: RoiLocation;
  readonly bytes: number;
  readonly snr: number;
  /** electron per ADU */
  readonly gain: number;
  readonly readNoiseE: number;
  readonly splitRoi: boolean;
  readonly conditions: SensorConditions;
  /** stamps produced in this series */
  sent = 0;
  /** stamps that the DAQ counts before them */
  before = 0;
  /** its START and RESUME have left, as far as they should */
  joined = true;
  readonly #options: SimOptions;
  readonly #spec: RoiSpec;
  readonly #model: SensorModel;
  readonly #fluxE: number;
  readonly #fwhmPx: number;
  readonly #home: { readonly x: number; readonly y: number };
  readonly #own: Random;
  readonly #noise: Random;
  readonly #frames: PaintedStamp[] = [];
  readonly #spare: Frame[] = [];
  #last: PaintedStamp | null = null;

  /** `series` as the DAQ counts them, from 1. */
  constructor(options: SimOptions, spec: RoiSpec, roi: RoiLocation, series: number) {
    const name = roi.sensor.detectorName;
    const fixed = fixedOf(options.seed, name);
    const { happenings, sensors } = options.scenario;
    const split = splitRoi(happenings, name, series, spec.common.cols);
    const own = sensors[name] ?? {};
    this.roi = roi;
    this.snr = own.snr ?? options.snr;
    this.splitRoi = split !== null;
    this.conditions = new SensorConditions(happenings, roi.sensor, options.seed, spec.common.integrationMs);
    this.#fwhmPx = own.fwhm ?? options.fwhm;
    this.#options = options;
    this.#spec = spec;
    const { gain, readNoise } = drawAmplifier(fixed);
    this.gain = gain;
    this.readNoiseE = readNoise * gain;
    this.#model = new native.SensorModel({
      rows: spec.common.rows,
      cols: spec.common.cols,
      pixelType: PixelCode[options.pixel],
      plane: roi.segment >= 10 ? roi.segment - 2 : roi.segment,
      seed: fixed.bits(),
      bias: fixed.between(12_000, 15_000),
      gain,
      readNoise,
      columnSigma: fixed.between(1, 4),
      transient: fixed.between(20, 80),
      rowRamp: fixed.between(-5, -2),
      hotPixels: options.hotPixels,
      splitColumn: split?.column ?? -1,
      splitStep: split?.stepAdu ?? 0,
      moffatBeta: 3,
    });
    this.bytes = this.#model.bytes();
    this.#fluxE = fluxOfSnr(this.snr, this.#fwhmPx, this.readNoiseE);
    const drawn = {
      x: (spec.common.cols - 1) / 2 + fixed.between(-3, 3),
      y: (spec.common.rows - 1) / 2 + fixed.between(-3, 3),
    };
    this.#home = own.at === undefined ? drawn : { x: own.at[0], y: own.at[1] };
    this.#own = new Random(options.seed, `own ${name}`);
    this.#noise = new Random(options.seed, `noise ${name}`);
  }

  /** The stamp for a common motion; with `--frames N` the first N are painted and then sent in turn. */
  stamp(sky: Sky, motion: CommonMotion, conditions: Conditions): PaintedStamp {
    const keep = this.#options.frames;
    const kept = keep > 0 ? this.#frames[this.sent % keep] : undefined;
    if (kept !== undefined) return kept;
    const painted = this.#paint(sky, motion, conditions);
    if (keep > 0) this.#frames.push(painted);
    if (conditions.frozen && this.#last !== null) return { ...this.#last, motion };
    if (this.conditions.mayFreeze) this.#last = painted;
    return painted;
  }

  /** Gives back a frame that has left, for the next stamp. */
  recycle(frame: Frame): void {
    if (this.#options.frames === 0 && !this.conditions.mayFreeze) this.#spare.push(frame);
  }

  #paint(sky: Sky, motion: CommonMotion, conditions: Conditions): PaintedStamp {
    const frame = this.#spare.pop() ?? new native.Frame(this.bytes);
    const { x, y, ownDx, ownDy } = sky.place(this.roi, this.#home, motion, this.#own);
    const [dx, dy] = conditions.displaced;
    const place = { x: x + dx, y: y + dy, ownDx, ownDy };
    const fluxE = this.#fluxE * conditions.light;
    const fwhmPx = conditions.fwhm ?? this.#fwhmPx;
    const cosmicRay = this.#own.uniform() < this.#options.cosmicRays;
    const { stars, rays } = paintables(this.#spec.common, { ...place, fluxE, fwhmPx }, conditions);
    if (cosmicRay) rays.push(...this.#ray());
    this.#model.render(frame, this.#noise.bits(), Float64Array.from(stars), Float64Array.from(rays));
    return { frame, place, fluxE, fwhmPx, motion, cosmicRay };
  }

  #ray(): number[] {
    const { rows, cols } = this.#spec.common;
    const length = this.#own.between(1, 12);
    const angle = this.#own.between(0, 2 * Math.PI);
    const electrons = this.#own.between(1000, 15_000);
    const start = [this.#own.between(0, cols), this.#own.between(0, rows)] as const;
    return [start[0], start[1], length * Math.cos(angle), length * Math.sin(angle), electrons];
  }
}
