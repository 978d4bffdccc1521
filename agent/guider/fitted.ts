// SPDX-License-Identifier: Apache-2.0
// A fit in the units of messages: mm and arcsec, with the scatter of the sensors that are in it.

import type { CombinedFit } from '../model/messages.js';
import type { MotionFit } from './homes.js';
import type { Displacement } from './members.js';

export interface Fitted extends MotionFit {
  readonly nSensors: number;
}

export const arcsecPerRad = (180 / Math.PI) * 3600;
const units = [1, 1, arcsecPerRad, 1, arcsecPerRad, arcsecPerRad ** 2];

const none = Number.NaN;

export const nothingFitted: CombinedFit = {
  x: none,
  y: none,
  xErr: none,
  yErr: none,
  rotation: none,
  rotationErr: none,
  covariance: [none, none, none, none, none, none],
  chi2: none,
  dof: 0,
  scatterX: none,
  scatterY: none,
  nSensors: 0,
};

function sampleSd(values: readonly number[]): number {
  if (values.length < 2) return none;
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / (values.length - 1));
}

/** Errors grow where sensors disagree so much (3 sigma of chi2) that chance is no excuse; they never shrink. */
function inflationOf(chi2: number, dof: number): number {
  return dof > 0 && chi2 / dof > 1 + 3 * Math.sqrt(2 / dof) ? chi2 / dof : 1;
}

export function combinedFit(fitted: Fitted, members: readonly Displacement[]): CombinedFit {
  const { motion, chi2, dof, nSensors } = fitted;
  if (nSensors === 0) return nothingFitted;
  const inflation = inflationOf(chi2, dof);
  const covariance = fitted.covariance.map((c, i) => c * inflation * (units[i] ?? none));
  const [xx = none, , , yy = none, , rr = none] = covariance;
  return {
    x: motion.dx,
    y: motion.dy,
    xErr: Math.sqrt(xx),
    yErr: Math.sqrt(yy),
    rotation: Number.isFinite(rr) ? motion.rotation * arcsecPerRad : none,
    rotationErr: Math.sqrt(rr),
    covariance,
    chi2,
    dof,
    scatterX: sampleSd(members.map((d) => d.dx)),
    scatterY: sampleSd(members.map((d) => d.dy)),
    nSensors,
  };
}
