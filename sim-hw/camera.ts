// SPDX-License-Identifier: Apache-2.0
// The camera as it is built: corner rafts turned in steps of 90 degrees, guide CCDs turned inside them, amplifiers
// read out from their CCD's edge. Derived from the mechanics (obs_lsst policy/lsstCam/R{00,04,40,44}.yaml), not
// from the agent's tables, so that a wrong sign there shows as stars that move apart.
import type { Point, RoiOrigin } from '../agent/model/geometry.js';
import type { GuideSensor } from '../agent/model/location.js';

interface Turned extends Point {
  /** degrees, positive from x to y */
  readonly yaw: number;
}

/** Centres of the corner rafts in the focal plane, mm. */
const rafts: Readonly<Record<string, Turned>> = {
  R00: { x: -254, y: -254, yaw: 180 },
  R04: { x: 254, y: -254, yaw: 270 },
  R40: { x: -254, y: 254, yaw: 90 },
  R44: { x: 254, y: 254, yaw: 0 },
};

/** Guide CCDs in their raft, mm. */
const slots: Readonly<Record<string, Turned>> = {
  SG0: { x: -42.25 + 0.49, y: 4.74, yaw: 270 },
  SG1: { x: 4.74, y: -42.25 + 0.49, yaw: 0 },
};

const pitchMm = 0.01;
const amplifier = { cols: 509, rows: 2000, inOneRow: 8 };

/** Exact for multiples of 90 degrees, where Math.cos is not. */
function turnBy(degrees: number, { x, y }: Point): Point {
  const steps = (((degrees / 90) % 4) + 4) % 4;
  let v = { x, y };
  for (let i = 0; i < steps; i++) v = { x: -v.y, y: v.x };
  return v;
}

function mountOf(sensor: GuideSensor): { readonly raft: Turned; readonly slot: Turned } {
  const raft = rafts[sensor.raftBay];
  const slot = slots[sensor.ccdSlot];
  if (!raft || !slot) throw new Error(`no guide CCD ${sensor.detectorName} in the camera`);
  return { raft, slot };
}

/**
 * Of the ROI's first pixel and of one step along columns and along rows, mm from the CCD's centre in its own
 * axes. Amplifiers stand in two rows of eight; the readout corner is the one at the CCD's edge with larger x.
 */
function readoutOf(roi: RoiOrigin): { readonly corner: Point; readonly step: Point } {
  const top = roi.segment >= 10;
  const place = roi.segment - (top ? 10 : 0);
  const halfWidth = (amplifier.inOneRow * amplifier.cols) / 2;
  const corner = {
    x: (place + 1) * amplifier.cols - 0.5 - halfWidth,
    y: top ? amplifier.rows - 0.5 : 0.5 - amplifier.rows,
  };
  const step = { x: -pitchMm, y: top ? -pitchMm : pitchMm };
  return { corner: { x: corner.x * pitchMm, y: corner.y * pitchMm }, step };
}

/** Where light that falls on an ROI pixel (column x, row y) falls in the focal plane, mm. */
export function roiToFocalPlane(sensor: GuideSensor, roi: RoiOrigin, pixel: Point): Point {
  const { raft, slot } = mountOf(sensor);
  const { corner, step } = readoutOf(roi);
  const onCcd = {
    x: corner.x + step.x * (roi.startCol + pixel.x),
    y: corner.y + step.y * (roi.startRow + pixel.y),
  };
  const onRaft = turnBy(slot.yaw, onCcd);
  const turned = turnBy(raft.yaw, { x: slot.x + onRaft.x, y: slot.y + onRaft.y });
  return { x: raft.x + turned.x, y: raft.y + turned.y };
}

/** Which ROI pixel light at a place of the focal plane (mm) falls on. */
export function focalPlaneToRoi(sensor: GuideSensor, roi: RoiOrigin, mm: Point): Point {
  const { raft, slot } = mountOf(sensor);
  const { corner, step } = readoutOf(roi);
  const inRaft = turnBy(-raft.yaw, { x: mm.x - raft.x, y: mm.y - raft.y });
  const onCcd = turnBy(-slot.yaw, { x: inRaft.x - slot.x, y: inRaft.y - slot.y });
  return {
    x: (onCcd.x - corner.x) / step.x - roi.startCol,
    y: (onCcd.y - corner.y) / step.y - roi.startRow,
  };
}
