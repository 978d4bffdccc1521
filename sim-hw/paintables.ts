// SPDX-License-Identifier: Apache-2.0
// What the painter is given for one stamp: the guide star, other stars, streaks as chains of stars, tracks of charge.
import type { RoiCommon } from '../agent/model/roi.js';
import type { Companion, Conditions, Streak, Track } from './scenario/conditions.js';

export interface PaintedStar {
  readonly x: number;
  readonly y: number;
  readonly fluxE: number;
  readonly fwhmPx: number;
}

/** [x, y, electrons, fwhm px]... and [x, y, dx, dy, electrons]..., as the native part takes them. */
export interface Paintables {
  readonly stars: number[];
  readonly rays: number[];
}

const radians = Math.PI / 180;

export function paintables(roi: RoiCommon, star: PaintedStar, conditions: Conditions): Paintables {
  const companions = conditions.companions.flatMap((one) => companion(star, one));
  const streaks = conditions.streaks.flatMap((one) => streak(roi, star, one));
  return {
    stars: [star.x, star.y, star.fluxE, star.fwhmPx, ...companions, ...streaks],
    rays: conditions.tracks.flatMap((one) => track(star, one)),
  };
}

function companion(star: PaintedStar, { offset, ratio }: Companion): number[] {
  return [star.x + offset[0], star.y + offset[1], ratio * star.fluxE, star.fwhmPx];
}

function track(star: PaintedStar, { offset, angleDeg, lengthPx, electrons }: Track): number[] {
  const [dx, dy] = [lengthPx * Math.cos(angleDeg * radians), lengthPx * Math.sin(angleDeg * radians)];
  return [star.x + offset[0] - dx / 2, star.y + offset[1] - dy / 2, dx, dy, electrons];
}

/** A chain of stars 1 px apart along the whole line, as far as its light reaches the ROI. */
function streak(roi: RoiCommon, star: PaintedStar, one: Streak): number[] {
  const [cos, sin] = [Math.cos(one.angleDeg * radians), Math.sin(one.angleDeg * radians)];
  const [x0, y0] = [star.x + one.offset[0], star.y + one.offset[1]];
  const reach = roi.rows + roi.cols;
  const margin = 3 * star.fwhmPx;
  const stars: number[] = [];
  const perPx = one.electronsPerPx ?? (star.fluxE * one.share) / roi.rows;
  for (let step = -reach; step <= reach; step++) {
    const [x, y] = [x0 + step * cos, y0 + step * sin];
    if (x < -margin || y < -margin || x > roi.cols + margin || y > roi.rows + margin) continue;
    stars.push(x, y, perPx, star.fwhmPx);
  }
  return stars;
}
