// SPDX-License-Identifier: Apache-2.0
// One simulated guide sensor in one series: its fixed pattern, its star, and its stamps painted ahead of time.
import type { RoiLocation, RoiSpec } from '../agent/model/roi.js';
import { type Frame, native, type SensorModel } from './native.js';
import type { SimOptions } from './options.js';
import { Random } from './random.js';
import { type CommonMotion, fluxOfSnr, type Sky, type StarPlace } from './sky.js';
import { PixelCode } from './wire.js';

/** A painted stamp and what is true of it. */
export interface PaintedStamp {
  readonly frame: Frame;
  readonly place: StarPlace;
  readonly motion: CommonMotion;
  readonly cosmicRay: boolean;
}

const noRays = new Float64Array(0);

export class SimSensor {
  readonly roi: RoiLocation;
  readonly fluxE: number;
  readonly bytes: number;
  /** stamps produced in this series */
  sent = 0;
  readonly #options: SimOptions;
  readonly #spec: RoiSpec;
  readonly #model: SensorModel;
  readonly #home: { readonly x: number; readonly y: number };
  readonly #own: Random;
  readonly #noise: Random;
  readonly #frames: PaintedStamp[] = [];
  readonly #spare: Frame[] = [];

  constructor(options: SimOptions, spec: RoiSpec, roi: RoiLocation) {
    const name = roi.sensor.detectorName;
    const fixed = new Random(options.seed, `sensor ${name}`);
    this.roi = roi;
    this.#options = options;
    this.#spec = spec;
    const gain = fixed.between(1.0, 1.55);
    const readNoise = fixed.between(4.4, 7.0);
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
      moffatBeta: 3,
    });
    this.bytes = this.#model.bytes();
    this.fluxE = fluxOfSnr(options.snr, options.fwhm, readNoise * gain);
    this.#home = {
      x: (spec.common.cols - 1) / 2 + fixed.between(-3, 3),
      y: (spec.common.rows - 1) / 2 + fixed.between(-3, 3),
    };
    this.#own = new Random(options.seed, `own ${name}`);
    this.#noise = new Random(options.seed, `noise ${name}`);
  }

  /** The stamp for a common motion; with `--frames N` the first N are painted and then sent in turn. */
  stamp(sky: Sky, motion: CommonMotion): PaintedStamp {
    const keep = this.#options.frames;
    const kept = keep > 0 ? this.#frames[this.sent % keep] : undefined;
    if (kept !== undefined) return kept;
    const painted = this.#paint(sky, motion);
    if (keep > 0) this.#frames.push(painted);
    return painted;
  }

  /** Gives back a frame that has left, for the next stamp. */
  recycle(frame: Frame): void {
    if (this.#options.frames === 0) this.#spare.push(frame);
  }

  #paint(sky: Sky, motion: CommonMotion): PaintedStamp {
    const frame = this.#spare.pop() ?? new native.Frame(this.bytes);
    const place = sky.place(this.roi, this.#home, motion, this.#own);
    const star = Float64Array.of(place.x, place.y, this.fluxE, this.#options.fwhm);
    const cosmicRay = this.#own.uniform() < this.#options.cosmicRays;
    this.#model.render(frame, this.#noise.bits(), star, cosmicRay ? this.#ray() : noRays);
    return { frame, place, motion, cosmicRay };
  }

  #ray(): Float64Array {
    const { rows, cols } = this.#spec.common;
    const length = this.#own.between(1, 12);
    const angle = this.#own.between(0, 2 * Math.PI);
    const electrons = this.#own.between(1000, 15_000);
    const start = [this.#own.between(0, cols), this.#own.between(0, rows)] as const;
    return Float64Array.of(start[0], start[1], length * Math.cos(angle), length * Math.sin(angle), electrons);
  }
}
