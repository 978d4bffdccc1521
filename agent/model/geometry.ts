// SPDX-License-Identifier: Apache-2.0
// Frame transforms: ROI pixel -> CCD pixel -> focal plane (DVCS) mm, and back.
// Pixels are 0-based, an integer is a pixel's centre, x along columns (serial), y along rows (parallel).

import type { GuideSensor } from './location.js';

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Where an ROI starts, in trimmed amplifier coordinates counted from the readout corner. */
export interface RoiOrigin {
  /** amplifier label 0-7 (C00..C07) or 10-17 (C10..C17) */
  readonly segment: number;
  readonly startRow: number;
  readonly startCol: number;
}

/** ITL guide CCD: 16 amplifiers of 509 columns x 2000 rows; C1x is the top half (y >= 2000), C0x the bottom. */
export const ampCols = 509;
export const ampRows = 2000;
export const ccdCols = 4072;
export const ccdRows = 4000;
export const pixelMm = 0.01;
/** obs_lsst cameraTransforms.yaml, linear term */
export const arcsecPerMm = 20.005868;
export const arcsecPerPixel = arcsecPerMm * pixelMm;

const centreX = (ccdCols - 1) / 2;
const centreY = (ccdRows - 1) / 2;

/** How one amplifier's pixels lie on the CCD: CCD = corner + (flipX ? -col : col, flipY ? -row : row). */
export interface Amplifier {
  /** label of the segment, 0-7 or 10-17 */
  readonly segment: number;
  /** as in obs_lsst: `C00` */
  readonly name: string;
  /** CCD pixel of the readout corner: row 0, column 0 of the trimmed amplifier */
  readonly cornerX: number;
  readonly cornerY: number;
  /** columns, rows run against CCD x, y */
  readonly flipX: boolean;
  readonly flipY: boolean;
}

function amplifier(segment: number, cornerX: number, cornerY: number, flipY: boolean): Amplifier {
  return {
    segment,
    name: `C${String(segment).padStart(2, '0')}`,
    cornerX,
    cornerY,
    flipX: true,
    flipY,
  };
}

/** ITL (obs_lsst itlE2v raw flips): C0x read out at the bottom, C1x at the top; every register runs against x. */
export const amplifiers: readonly Amplifier[] = [
  amplifier(0, 508, 0, false),
  amplifier(1, 1017, 0, false),
  amplifier(2, 1526, 0, false),
  amplifier(3, 2035, 0, false),
  amplifier(4, 2544, 0, false),
  amplifier(5, 3053, 0, false),
  amplifier(6, 3562, 0, false),
  amplifier(7, 4071, 0, false),
  amplifier(10, 508, 3999, true),
  amplifier(11, 1017, 3999, true),
  amplifier(12, 1526, 3999, true),
  amplifier(13, 2035, 3999, true),
  amplifier(14, 2544, 3999, true),
  amplifier(15, 3053, 3999, true),
  amplifier(16, 3562, 3999, true),
  amplifier(17, 4071, 3999, true),
];

const bySegment = new Map(amplifiers.map((amp) => [amp.segment, amp]));

export function isSegment(label: number): boolean {
  return bySegment.has(label);
}

function amplifierOf(segment: number): Amplifier {
  const amp = bySegment.get(segment);
  if (!amp) throw new RangeError(`expected a segment 0-7 or 10-17, got ${segment}`);
  return amp;
}

export function roiToCcd(roi: RoiOrigin, p: Point): Point {
  const amp = amplifierOf(roi.segment);
  const col = roi.startCol + p.x;
  const row = roi.startRow + p.y;
  return {
    x: amp.flipX ? amp.cornerX - col : amp.cornerX + col,
    y: amp.flipY ? amp.cornerY - row : amp.cornerY + row,
  };
}

export function ccdToRoi(roi: RoiOrigin, p: Point): Point {
  const amp = amplifierOf(roi.segment);
  const col = amp.flipX ? amp.cornerX - p.x : p.x - amp.cornerX;
  const row = amp.flipY ? amp.cornerY - p.y : p.y - amp.cornerY;
  return { x: col - roi.startCol, y: row - roi.startRow };
}

/** Turns a vector by n quarter turns, positive from x to y. */
export function turn(nQuarter: 0 | 1 | 2 | 3, v: Point): Point {
  switch (nQuarter) {
    case 0:
      return v;
    case 1:
      return { x: -v.y, y: v.x };
    case 2:
      return { x: -v.x, y: -v.y };
    case 3:
      return { x: v.y, y: -v.x };
  }
}

const back = [0, 3, 2, 1] as const;

export function ccdToFocalPlane(sensor: GuideSensor, p: Point): Point {
  const v = turn(sensor.nQuarter, { x: (p.x - centreX) * pixelMm, y: (p.y - centreY) * pixelMm });
  return { x: sensor.centreXMm + v.x, y: sensor.centreYMm + v.y };
}

export function focalPlaneToCcd(sensor: GuideSensor, mm: Point): Point {
  const v = turn(back[sensor.nQuarter], {
    x: (mm.x - sensor.centreXMm) / pixelMm,
    y: (mm.y - sensor.centreYMm) / pixelMm,
  });
  return { x: v.x + centreX, y: v.y + centreY };
}

/** ROI pixel to focal-plane mm. */
export function roiToFocalPlane(sensor: GuideSensor, roi: RoiOrigin, p: Point): Point {
  return ccdToFocalPlane(sensor, roiToCcd(roi, p));
}

export function focalPlaneToRoi(sensor: GuideSensor, roi: RoiOrigin, mm: Point): Point {
  return ccdToRoi(roi, focalPlaneToCcd(sensor, mm));
}

/** 1-sigma errors along ROI axes (px) as errors along focal-plane axes (mm): quarter turns only swap them. */
export function errorsToFocalPlane(sensor: GuideSensor, sigmaX: number, sigmaY: number): Point {
  const x = sigmaX * pixelMm;
  const y = sigmaY * pixelMm;
  return sensor.nQuarter % 2 === 0 ? { x, y } : { x: y, y: x };
}

export interface Moments {
  readonly xx: number;
  readonly yy: number;
  readonly xy: number;
}

/** Second moments (px^2, ROI axes) in the focal plane (mm^2). Flips and odd quarter turns change the sign of xy. */
export function momentsToFocalPlane(sensor: GuideSensor, segment: number, m: Moments): Moments {
  const mm2 = pixelMm * pixelMm;
  const amp = bySegment.get(segment);
  const ccdXy = !amp || amp.flipX === amp.flipY ? m.xy : -m.xy;
  return sensor.nQuarter % 2 === 0
    ? { xx: m.xx * mm2, yy: m.yy * mm2, xy: ccdXy * mm2 }
    : { xx: m.yy * mm2, yy: m.xx * mm2, xy: -ccdXy * mm2 };
}
