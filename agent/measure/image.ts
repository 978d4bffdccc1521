// SPDX-License-Identifier: Apache-2.0
// Stars of a whole image: at given places, or wherever a square of the image has one.

import { type Answer, answerOf, type Kernel, type Outcome, outcomeOf } from './kernel.js';

export interface Image {
  readonly rows: number;
  readonly cols: number;
  readonly pixels: Float32Array;
}

interface Square {
  readonly x0: number;
  readonly y0: number;
  readonly rows: number;
  readonly cols: number;
}

/** px: what the kernel takes at least, addons/pixels/measure.cc */
export const leastSide = 10;

/** Nearer than this two answers are one star, px. */
const same = 2;

function cut(image: Image, square: Square): Float32Array {
  const out = new Float32Array(square.rows * square.cols);
  for (let row = 0; row < square.rows; row++) {
    const from = (square.y0 + row) * image.cols + square.x0;
    out.set(image.pixels.subarray(from, from + square.cols), row * square.cols);
  }
  return out;
}

/** A square of `size` px around a place, moved inward at the image's edges; null when the image is smaller. */
function around(image: Image, x: number, y: number, size: number): Square | null {
  if (size > image.rows || size > image.cols) return null;
  const place = (at: number, side: number) =>
    Math.min(Math.max(Math.round(at) - (size >> 1), 0), side - size);
  return { x0: place(x, image.cols), y0: place(y, image.rows), rows: size, cols: size };
}

/** The star at (x, y), within `radius` px. Throws RangeError for a place outside the image. */
export function measureAt(
  kernel: Kernel,
  image: Image,
  x: number,
  y: number,
  size: number,
  radius: number,
): Outcome {
  const inside = x > -0.5 && y > -0.5 && x < image.cols - 0.5 && y < image.rows - 0.5;
  const square = inside ? around(image, x, y, size) : null;
  if (square === null) {
    throw new RangeError(
      inside
        ? `--size: expected at most the image's sides, ${image.cols} x ${image.rows} px, got ${size}`
        : `--at: expected a place in the image of ${image.cols} x ${image.rows} px (0-based), got ${x},${y}`,
    );
  }
  kernel.reset();
  const prediction = { x: x - square.x0, y: y - square.y0, radius };
  return outcomeOf(
    kernel.measure(cut(image, square), square.rows, square.cols, prediction),
    square.x0,
    square.y0,
  );
}

/**
 * The brightest star of each square of `size` px, squares overlapping by half, so that every place lies well inside
 * one of them; from bright to faint, each star once. Throws RangeError for an image that is too small for any.
 */
export function detectStars(
  kernel: Kernel,
  image: Image,
  size: number,
  progress: (share: number) => void,
): Answer[] {
  if (image.rows < leastSide || image.cols < leastSide) {
    throw new RangeError(
      `expected an image of at least ${leastSide} px a side, got ${image.cols} x ${image.rows}`,
    );
  }
  const height = Math.min(size, image.rows);
  const width = Math.min(size, image.cols);
  const rows = starts(image.rows, height);
  const cols = starts(image.cols, width);
  const found: Answer[] = [];
  for (const [i, y0] of rows.entries()) {
    for (const x0 of cols) {
      const square = { x0, y0, rows: height, cols: width };
      kernel.reset();
      const answer = answerOf(kernel.measure(cut(image, square), height, width, null), x0, y0);
      if (answer !== null) found.push(answer);
    }
    progress((i + 1) / rows.length);
  }
  // The answer that may be used stands for a star that another square saw only in part.
  found.sort((a, b) => Number(a.flagged) - Number(b.flagged) || b.flux - a.flux);
  const stars: Answer[] = [];
  for (const one of found) {
    if (!stars.some((star) => Math.hypot(star.x - one.x, star.y - one.y) < same)) stars.push(one);
  }
  return stars.sort((a, b) => b.flux - a.flux);
}

function starts(side: number, size: number): number[] {
  const out: number[] = [];
  for (let at = 0; at + size < side; at += Math.max(1, size >> 1)) out.push(at);
  out.push(side - size);
  return out;
}
