// SPDX-License-Identifier: Apache-2.0
// What the pixels of a stamp allow: matched-filter SNR, the flux that gives one, and the Cramer-Rao bound of the
// position, all for a known profile. Electrons and px.
import { addStar, type Canvas, canvas, type StarImage } from './star.js';

/** Variance per pixel without the star's own light: read noise, sky, quantisation. */
export function floorVariance(readNoiseE: number, skyE: number, gain: number): number {
  return readNoiseE ** 2 + skyE + gain ** 2 / 12;
}

export function unitStar(rows: number, cols: number, star: StarImage, x: number, y: number): Canvas {
  const image = canvas(rows, cols);
  addStar(image, star, x, y, 1);
  return image;
}

/** sqrt(sum((F P)^2 / (variance + F P))); `variance` one number for all pixels, or one each */
export function snrOf(flux: number, profile: Float64Array, variance: number | Float64Array): number {
  let sum = 0;
  for (let i = 0; i < profile.length; i++) {
    const light = flux * (profile[i] as number);
    const floor = typeof variance === 'number' ? variance : (variance[i] as number);
    sum += (light * light) / (floor + light);
  }
  return Math.sqrt(sum);
}

/** The nominal SNR counts the whole star, also where it lies at the edge of a stamp. */
const nominalSide = 61;

/** A star as it falls on an unlimited sensor. */
export function wholeStar(star: StarImage, x: number, y: number): Float64Array {
  const middle = (nominalSide - 1) / 2;
  return unitStar(nominalSide, nominalSide, star, middle + (x - Math.round(x)), middle + (y - Math.round(y)))
    .pixels;
}

/** electron */
export function fluxOfSnr(snr: number, profile: Float64Array, variance: number): number {
  let flux = 1000;
  // The SNR rises as flux^0.5 (bright) to flux^1 (faint): each step leaves at most a third of the error.
  for (let i = 0; i < 20; i++) flux *= (snr / snrOf(flux, profile, variance)) ** (1 / 0.75);
  return flux;
}

export interface Bounds {
  /** free x, y, flux and one background */
  readonly crlbX: number;
  readonly crlbY: number;
  /** free x, y, flux and one background for each column */
  readonly crlbcX: number;
  readonly crlbcY: number;
}

/** px; half the step of the numerical derivative */
const step = 0.02;

/** `variance` as for snrOf. From the Fisher matrix of independent normal pixels. */
export function boundsOf(
  rows: number,
  cols: number,
  star: StarImage,
  x: number,
  y: number,
  flux: number,
  variance: number | Float64Array,
): Bounds {
  const profile = unitStar(rows, cols, star, x, y).pixels;
  const slope = (dx: number, dy: number) => {
    const image = unitStar(rows, cols, star, x + dx, y + dy);
    addStar(image, star, x - dx, y - dy, -1);
    return image.pixels;
  };
  const alongX = slope(step, 0);
  const alongY = slope(0, step);
  // Sums over all pixels of one background, and over each column with its own one taken out.
  const all = new Fisher();
  const free = new Fisher();
  for (let col = 0; col < cols; col++) {
    const column = new Fisher();
    for (let row = 0; row < rows; row++) {
      const i = row * cols + col;
      const p = profile[i] as number;
      const floor = typeof variance === 'number' ? variance : (variance[i] as number);
      const scale = flux / (2 * step);
      column.add(1 / (floor + flux * p), scale * (alongX[i] as number), scale * (alongY[i] as number), p);
    }
    all.join(column);
    free.join(column.withoutBackground());
  }
  const one = all.withoutBackground().errors();
  const each = free.errors();
  return { crlbX: one[0], crlbY: one[1], crlbcX: each[0], crlbcY: each[1] };
}

/** Fisher information about x, y, flux (symmetric 3 x 3), and its cross terms with one background. */
class Fisher {
  readonly #m = new Float64Array(6); // xx xy xf yy yf ff
  readonly #b = new Float64Array(3);
  #w = 0;

  add(weight: number, dx: number, dy: number, df: number): void {
    const m = this.#m;
    const b = this.#b;
    m[0] = (m[0] as number) + weight * dx * dx;
    m[1] = (m[1] as number) + weight * dx * dy;
    m[2] = (m[2] as number) + weight * dx * df;
    m[3] = (m[3] as number) + weight * dy * dy;
    m[4] = (m[4] as number) + weight * dy * df;
    m[5] = (m[5] as number) + weight * df * df;
    b[0] = (b[0] as number) + weight * dx;
    b[1] = (b[1] as number) + weight * dy;
    b[2] = (b[2] as number) + weight * df;
    this.#w += weight;
  }

  join(other: Fisher): void {
    for (let i = 0; i < 6; i++) this.#m[i] = (this.#m[i] as number) + (other.#m[i] as number);
    for (let i = 0; i < 3; i++) this.#b[i] = (this.#b[i] as number) + (other.#b[i] as number);
    this.#w += other.#w;
  }

  /** Schur complement: what is left to know when the background is unknown. */
  withoutBackground(): Fisher {
    const out = new Fisher();
    const [x, y, f] = this.#b as unknown as [number, number, number];
    const taken = [x * x, x * y, x * f, y * y, y * f, f * f];
    for (let i = 0; i < 6; i++) out.#m[i] = (this.#m[i] as number) - (taken[i] as number) / this.#w;
    return out;
  }

  /** 1 sigma of x and y: diagonal of the inverse */
  errors(): [number, number] {
    const [xx, xy, xf, yy, yf, ff] = this.#m as unknown as [number, number, number, number, number, number];
    const det = xx * (yy * ff - yf * yf) - xy * (xy * ff - yf * xf) + xf * (xy * yf - yy * xf);
    return [Math.sqrt((yy * ff - yf * yf) / det), Math.sqrt((xx * ff - xf * xf) / det)];
  }
}
