// SPDX-License-Identifier: Apache-2.0
// What else falls on a sensor or goes wrong in it: each function adds one artefact to a scene.
import type { Random } from '../random.js';
import type { Scene } from './scene.js';

function add(to: Float64Array, i: number, value: number): void {
  to[i] = (to[i] as number) + value;
}

/** A pixel with a large dark current; half of them within `near` px of the star. */
export function hotPixel(scene: Scene, random: Random, near = 10): void {
  const close = scene.target !== null && random.uniform() < 0.5;
  const place = (at: number | undefined, side: number): number =>
    close && at !== undefined
      ? Math.min(Math.max(Math.round(at + random.between(-near, near)), 0), side - 1)
      : random.integer(side);
  const col = place(scene.target?.x, scene.cols);
  const row = place(scene.target?.y, scene.rows);
  const electrons = 700 * Math.exp(random.uniform() * Math.log(25));
  add(scene.extra.pixels, row * scene.cols + col, electrons);
}

/** A track of 1-15 px and 1000-20000 electrons, as narrow as charge diffusion leaves it. */
export function cosmicRay(scene: Scene, random: Random): void {
  const length = random.between(0.5, 15);
  const angle = random.between(0, 2 * Math.PI);
  const electrons = 1000 * Math.exp(random.uniform() * Math.log(20));
  const sigma = random.between(0.2, 0.5);
  const x = random.between(0, scene.cols - 1);
  const y = random.between(0, scene.rows - 1);
  const steps = Math.ceil(200 * length);
  for (let i = 0; i < steps; i++) {
    const along = (i / steps - 0.5) * length;
    const col = Math.round(x + along * Math.cos(angle) + sigma * random.normal());
    const row = Math.round(y + along * Math.sin(angle) + sigma * random.normal());
    if (col < 0 || row < 0 || col >= scene.cols || row >= scene.rows) continue;
    add(scene.extra.pixels, row * scene.cols + col, electrons / steps);
  }
}

/** A column that is dead (low level, no light), or bright from some row on. One time in five a pair. */
export function badColumn(scene: Scene, random: Random): void {
  const { rows, cols, amplifier } = scene;
  const width = random.uniform() < 0.2 ? 2 : 1;
  const first = random.integer(cols - width + 1);
  const dead = random.uniform() < 0.5;
  const level = random.between(0.1, 0.95);
  const bright = 50 * Math.exp(random.uniform() * Math.log(40));
  const from = random.uniform() < 0.5 ? 0 : random.integer(rows);
  for (let col = first; col < first + width; col++) {
    if (dead) scene.deadCols.add(col);
    for (let row = 0; row < rows; row++) {
      const i = row * cols + col;
      if (dead) add(scene.offset, i, (level - 1) * (amplifier.pattern[i] as number));
      else if (row >= from) add(scene.extra.pixels, i, bright * amplifier.gain);
    }
  }
}

/** Charge of a saturated star outside the stamp, in 1-3 columns at full well, at least `clear` px from the star. */
export function foreignBleed(scene: Scene, random: Random, clear: number): void {
  const { rows, cols, target, amplifier } = scene;
  const width = 1 + random.integer(3);
  let first = random.integer(cols - width + 1);
  for (let i = 0; i < 100 && target !== null; i++) {
    if (first - target.x > clear || target.x - (first + width - 1) > clear) break;
    first = random.integer(cols - width + 1);
  }
  const fromTop = random.uniform() < 0.3;
  const fromBottom = !fromTop && random.uniform() < 0.4;
  const tip = random.integer(rows);
  for (let row = 0; row < rows; row++) {
    if ((fromTop && row < tip) || (fromBottom && row > tip)) continue;
    for (let col = first; col < first + width; col++)
      add(scene.extra.pixels, row * cols + col, amplifier.fullWellE);
  }
}

/** Scattered light: a slope of 100-500 electrons over the stamp, in any direction, slightly bent. */
export function gradient(scene: Scene, random: Random): void {
  const { rows, cols } = scene;
  const span = random.between(100, 500);
  const angle = random.between(0, 2 * Math.PI);
  const bend = random.between(-0.15, 0.15);
  const reach = Math.abs(Math.cos(angle)) + Math.abs(Math.sin(angle));
  for (let row = 0; row < rows; row++) {
    for (let col = 0; col < cols; col++) {
      const along =
        ((col / (cols - 1) - 0.5) * Math.cos(angle) + (row / (rows - 1) - 0.5) * Math.sin(angle)) / reach;
      add(scene.extra.pixels, row * cols + col, span * (along + 0.5 + bend * (4 * along * along - 1)));
    }
  }
}

/** Electronic pickup: a tone in the stream of pixels, its phase turning from row to row. */
export function pickup(scene: Scene, random: Random): void {
  const { rows, cols } = scene;
  const amplitude = random.between(4, 25);
  const perPixel = (2 * Math.PI) / random.between(4, 60);
  const perRow = random.between(0, 2 * Math.PI);
  const phase = random.between(0, 2 * Math.PI);
  for (let row = 0; row < rows; row++) {
    for (let col = 0; col < cols; col++)
      add(scene.offset, row * cols + col, amplitude * Math.sin(perPixel * col + perRow * row + phase));
  }
}

/** Light that falls while charge moves along the columns: 2-10 % of the star over the rows on one or both sides. */
export function smear(scene: Scene, random: Random): void {
  const { rows, cols, target } = scene;
  const share = random.between(0.02, 0.1);
  const sides = random.integer(3);
  const middle = target?.y ?? rows / 2;
  for (let col = 0; col < cols; col++) {
    let sum = 0;
    for (let row = 0; row < rows; row++) sum += scene.star.pixels[row * cols + col] as number;
    for (let row = 0; row < rows; row++) {
      if ((sides === 1 && row < middle) || (sides === 2 && row > middle)) continue;
      add(scene.extra.pixels, row * cols + col, (share * sum) / rows);
    }
  }
}
