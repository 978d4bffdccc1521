// SPDX-License-Identifier: Apache-2.0
// One stamp in the making: light falls, becomes electrons, blooms, is read out with noise and digitized.

import type { Amplifier } from './amplifier.js';
import { boundsOf, floorVariance, fluxOfSnr, snrOf, wholeStar } from './bound.js';
import type { Noise } from './noise.js';
import { addStar, type Canvas, canvas, type StarImage } from './star.js';
import type { Truth } from './truth.js';

export interface Target {
  readonly image: StarImage;
  readonly x: number;
  readonly y: number;
  readonly fluxE: number;
  readonly snr: number;
}

const adcMax = 2 ** 18 - 1;

export class Scene {
  readonly rows: number;
  readonly cols: number;
  readonly amplifier: Amplifier;
  readonly skyE: number;
  /** expected electrons of the target star */
  readonly star: Canvas;
  /** expected electrons of everything else but the sky */
  readonly extra: Canvas;
  /** ADU on top of the amplifier's own pattern */
  readonly offset: Float64Array;
  /** columns that collect no light */
  readonly deadCols = new Set<number>();
  target: Target | null = null;

  constructor(rows: number, cols: number, amplifier: Amplifier, skyE: number) {
    this.rows = rows;
    this.cols = cols;
    this.amplifier = amplifier;
    this.skyE = skyE;
    this.star = canvas(rows, cols);
    this.extra = canvas(rows, cols);
    this.offset = new Float64Array(rows * cols);
  }

  get floorVariance(): number {
    return floorVariance(this.amplifier.readNoiseE, this.skyE, this.amplifier.gain);
  }

  /** Puts the target star so that its nominal SNR is `snr`. */
  placeStar(image: StarImage, x: number, y: number, snr: number): void {
    const fluxE = fluxOfSnr(snr, wholeStar(image, x, y), this.floorVariance);
    addStar(this.star, image, x, y, fluxE);
    this.target = { image, x, y, fluxE, snr };
  }

  placeFlux(image: StarImage, x: number, y: number, fluxE: number): void {
    addStar(this.star, image, x, y, fluxE);
    const snr = snrOf(fluxE, wholeStar(image, x, y), this.floorVariance);
    this.target = { image, x, y, fluxE, snr };
  }

  /** What light other than the star's adds to the variance of each pixel; a dead column tells nothing. */
  variances(): Float64Array {
    const floor = this.floorVariance;
    return this.extra.pixels.map((extra, i) => (this.deadCols.has(i % this.cols) ? 1e12 : floor + extra));
  }

  expose(noise: Noise, wide = true): Int32Array {
    const electrons = this.#collect(noise);
    bloom(electrons, this.rows, this.cols, this.amplifier.fullWellE);
    const { gain, readNoiseE, rowNoise, pattern } = this.amplifier;
    const highest = wide ? adcMax : 65_535;
    const out = new Int32Array(this.rows * this.cols);
    for (let row = 0; row < this.rows; row++) {
      const level = rowNoise > 0 ? rowNoise * noise.normal() : 0;
      for (let i = row * this.cols; i < (row + 1) * this.cols; i++) {
        const signal = ((electrons[i] as number) + readNoiseE * noise.normal()) / gain;
        const adu = (pattern[i] as number) + (this.offset[i] as number) + level + signal;
        out[i] = Math.min(Math.max(Math.round(adu), 0), highest);
      }
    }
    return out;
  }

  #collect(noise: Noise): Float64Array {
    const { star, extra, skyE, cols, deadCols } = this;
    return star.pixels.map((light, i) =>
      deadCols.size > 0 && deadCols.has(i % cols)
        ? 0
        : noise.poisson(Math.max(0, light + (extra.pixels[i] as number) + skyE)),
    );
  }

  /** The truth of the target, or of a stamp without one. `bounded`: the bound is defined. */
  truth(cls: string, bounded = true): Truth {
    const { gain, readNoiseE } = this.amplifier;
    const noise = { gain, rn_e: readNoiseE, sky_e: this.skyE };
    if (this.target === null) return { cls, star: false, ...noStar, ...noise };
    const { image, x, y, fluxE, snr } = this.target;
    const variances = this.variances();
    const bounds = bounded
      ? boundsOf(this.rows, this.cols, image, x, y, fluxE, variances)
      : { crlbX: null, crlbY: null, crlbcX: null, crlbcY: null };
    return {
      cls,
      star: true,
      x,
      y,
      flux_e: fluxE,
      fwhm_px: image.fwhm,
      e1: image.e1,
      e2: image.e2,
      snr,
      snr_eff: snrOf(1, this.star.pixels, variances),
      crlb_x: bounds.crlbX,
      crlb_y: bounds.crlbY,
      crlbc_x: bounds.crlbcX,
      crlbc_y: bounds.crlbcY,
      ...noise,
    };
  }
}

const noStar = {
  x: null,
  y: null,
  flux_e: null,
  fwhm_px: null,
  e1: null,
  e2: null,
  snr: null,
  snr_eff: null,
  crlb_x: null,
  crlb_y: null,
  crlbc_x: null,
  crlbc_y: null,
} as const;

/** Charge above the full well runs along its column, half of it each way, and out at the ends. */
function bloom(electrons: Float64Array, rows: number, cols: number, fullWell: number): void {
  const excess = new Float64Array(rows);
  for (let col = 0; col < cols; col++) {
    let any = false;
    for (let row = 0; row < rows; row++) {
      const over = Math.max(0, (electrons[row * cols + col] as number) - fullWell);
      excess[row] = over;
      if (over > 0) {
        any = true;
        electrons[row * cols + col] = fullWell;
      }
    }
    if (!any) continue;
    for (const way of [1, -1]) {
      let carried = 0;
      for (let row = way === 1 ? 0 : rows - 1; row >= 0 && row < rows; row += way) {
        const i = row * cols + col;
        const taken = Math.min(carried, fullWell - (electrons[i] as number));
        electrons[i] = (electrons[i] as number) + taken;
        carried += (excess[row] as number) / 2 - taken;
      }
    }
  }
}
