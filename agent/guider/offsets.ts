// SPDX-License-Identifier: Apache-2.0
// From a closed acquisition to its three messages: who is in the fit and why others are not, the common
// reference stamp, and the fit itself.

import { doNotUse, flagBits, flagNames } from '../model/flags.js';
import type {
  AcquisitionIdentity,
  AcquisitionMessage,
  ClosedBy,
  CombinedFit,
  OffsetsMessage,
  StampIdentity,
  StampResult,
  SummaryMessage,
} from '../model/messages.js';
import type { Acquisition } from './acquisition.js';
import { combine, type Displacement, displacementAt, type Motion } from './combine.js';
import type { References } from './reference.js';

export interface Combined {
  readonly offsets: OffsetsMessage;
  readonly summary: SummaryMessage;
  readonly acquisition: AcquisitionMessage;
}

export interface ClosedAcquisition {
  readonly acquisition: Acquisition;
  readonly closedBy: ClosedBy;
  readonly identity: StampIdentity;
  readonly sensors: readonly string[];
  readonly expected: readonly boolean[];
  /** why a sensor has no result */
  readonly absence: (sensor: number) => string;
}

/** Why a result cannot take part whatever the others say; '' when it can. */
function unfit(result: StampResult | null, absence: string): string {
  if (!result) return absence;
  const [first] = flagNames(result.flagsBits & doNotUse);
  if (first) return first === 'fault' && result.fault !== '' ? `fault:${result.fault}` : first;
  if (!Number.isFinite(result.centroidX) || !Number.isFinite(result.centroidXErr)) return 'no_error';
  if (!Number.isFinite(result.centroidYErr)) return 'no_error';
  return '';
}

/** Decides the common reference stamp: the first one, then the first that is not provisional. */
function settleCommonReference(
  stamp: number,
  candidates: readonly StampResult[],
  references: References,
): boolean {
  if (candidates.length === 0) return false;
  const solid = candidates.filter((r) => references.at(r.index)?.provisional === false);
  const none = references.commonStamp < 0;
  const better = references.commonProvisional && solid.length > 0;
  const members = solid.length > 0 ? solid : candidates;
  // When all tied sensors have gone, what is left starts again from here.
  const orphaned = !none && !better && members.every((r) => references.tieOf(r.index) === null);
  if (!none && !better && !orphaned) return false;
  references.makeCommon(stamp, solid.length === 0);
  for (const r of members) {
    references.tie(r.index, { dx: -r.centroidDx, dy: -r.centroidDy, sigmaX: 0, sigmaY: 0 });
  }
  return true;
}

function displacementOf(r: StampResult, references: References): Displacement | null {
  const tie = references.tieOf(r.index);
  const reference = references.at(r.index);
  if (!tie || !reference) return null;
  const dx = r.centroidDx + tie.dx;
  const dy = r.centroidDy + tie.dy;
  return {
    // The lever arm of the rotation is where the star was at the common reference stamp.
    x: r.centroidX - dx,
    y: r.centroidY - dy,
    dx,
    dy,
    sigmaX: Math.hypot(r.centroidXErr, reference.sigmaX, tie.sigmaX),
    sigmaY: Math.hypot(r.centroidYErr, reference.sigmaY, tie.sigmaY),
  };
}

/** Sensors without a tie get one from what the others say the camera did. */
function tieNewcomers(
  newcomers: readonly StampResult[],
  motion: Motion,
  fit: CombinedFit,
  references: References,
): void {
  if (fit.nSensors === 0) return;
  for (const r of newcomers) {
    // Where it was follows from where it is, once around.
    const near = displacementAt(motion, r.centroidX, r.centroidY);
    const at = displacementAt(motion, r.centroidX - near.dx, r.centroidY - near.dy);
    references.tie(r.index, {
      dx: at.dx - r.centroidDx,
      dy: at.dy - r.centroidDy,
      sigmaX: fit.xErr,
      sigmaY: fit.yErr,
    });
  }
}

function extremes(results: readonly (StampResult | null)[]) {
  let tSrcTaiNs = 0n;
  let tFirstNs = 0n;
  let tLastNs = 0n;
  let tMeasuredNs = 0n;
  let timestamp = Number.NaN;
  for (const r of results) {
    if (!r) continue;
    if (r.tSrcTaiNs !== 0n && (tSrcTaiNs === 0n || r.tSrcTaiNs < tSrcTaiNs)) {
      tSrcTaiNs = r.tSrcTaiNs;
      timestamp = r.timestamp;
    }
    if (tFirstNs === 0n || r.tFirstNs < tFirstNs) tFirstNs = r.tFirstNs;
    if (r.tLastNs > tLastNs) tLastNs = r.tLastNs;
    if (r.tMeasuredNs > tMeasuredNs) tMeasuredNs = r.tMeasuredNs;
  }
  return { tSrcTaiNs, tFirstNs, tLastNs, tMeasuredNs, timestamp };
}

const passedOn = flagBits.first_stamp | flagBits.time_suspect | flagBits.stale_reference;

function flagsOfOffset(
  results: readonly StampResult[],
  fit: CombinedFit,
  renewed: boolean,
  references: References,
): string[] {
  const flags: string[] = flagNames(results.reduce((bits, r) => bits | (r.flagsBits & passedOn), 0)).slice();
  if (fit.nSensors === 0) flags.push('no_sensors');
  else if (fit.nSensors < 3) flags.push('translation_only');
  if (references.commonProvisional) flags.push('provisional_reference');
  if (renewed) flags.push('new_reference');
  return flags;
}

export function combineAcquisition(
  closed: ClosedAcquisition,
  references: References,
  scatterFloorMm: number,
): Combined {
  const { acquisition, identity, sensors, expected } = closed;
  const { results, stamp } = acquisition;
  const excluded = results.map((r, i) => unfit(r, closed.absence(i)));
  const candidates = results.filter((r): r is StampResult => r !== null && excluded[r.index] === '');
  const renewed = settleCommonReference(stamp, candidates, references);
  const members: StampResult[] = [];
  const newcomers: StampResult[] = [];
  const displacements: Displacement[] = [];
  for (const r of candidates) {
    const displacement = displacementOf(r, references);
    const provisional = references.at(r.index)?.provisional === true && !references.commonProvisional;
    if (displacement && !provisional) {
      members.push(r);
      displacements.push(displacement);
    } else {
      excluded[r.index] = provisional ? 'provisional_reference' : 'new_reference';
      if (!provisional) newcomers.push(r);
    }
  }
  const { fit, motion, used } = combine(displacements, scatterFloorMm);
  members.forEach((r, i) => {
    if (!used[i]) excluded[r.index] = 'outlier';
  });
  tieNewcomers(newcomers, motion, fit, references);
  const flags = flagsOfOffset(
    results.filter((r) => r !== null),
    fit,
    renewed,
    references,
  );
  const shared: AcquisitionIdentity = {
    seqNo: identity.seqNo,
    series: identity.series,
    seriesId: identity.seriesId,
    obsid: identity.obsid,
    exposureId: identity.exposureId,
    exposureIndex: identity.exposureIndex,
    stamp,
    closedBy: closed.closedBy,
    nExpected: expected.filter(Boolean).length,
    ...extremes(results),
  };
  const referenceStamp = references.commonStamp;
  const qualityFlag = excluded.map((why, i) => (why === '' ? 0 : hasPosition(results[i]) ? 1 : 2));
  return {
    offsets: { kind: 'guider.offsets', ...shared, fit, referenceStamp, flags },
    summary: { kind: 'guider.summary', ...shared, fit, referenceStamp, qualityFlag, flags },
    acquisition: { kind: 'guider.acquisition', ...shared, sensors, results, excluded },
  };
}

function hasPosition(result: StampResult | null | undefined): boolean {
  return result !== null && result !== undefined && Number.isFinite(result.centroidX);
}
