// SPDX-License-Identifier: Apache-2.0
// The three messages of a closed acquisition: the offset at once, the summary and the sensors after what was learnt.

import { flagBits, flagNames, unfit } from '../model/flags.js';
import type {
  AcquisitionIdentity,
  AcquisitionMessage,
  ClosedBy,
  OffsetsMessage,
  StampIdentity,
  StampResult,
  SummaryMessage,
} from '../model/messages.js';
import type { Acquisition } from './acquisition.js';
import type { Combination, Combiner, StampKind } from './combiner.js';

export interface ClosedAcquisition {
  readonly acquisition: Acquisition;
  readonly closedBy: ClosedBy;
  readonly identity: StampIdentity;
  readonly sensors: readonly string[];
  readonly nExpected: number;
  /** why a sensor has no result */
  readonly absence: (sensor: number) => string;
}

/** An acquisition whose offset is ready. */
export interface Combined {
  readonly offsets: OffsetsMessage;
  readonly combination: Combination;
}

/** Why a result cannot take part whatever the others say; '' when it can. */
function hindrance(result: StampResult): string {
  const bits = result.flagsBits & unfit;
  if (bits !== 0) {
    const [first = ''] = flagNames(bits);
    return first === 'fault' && result.fault !== '' ? `fault:${result.fault}` : first;
  }
  const known = Number.isFinite(result.centroidX + result.centroidXErr + result.centroidYErr);
  return known ? '' : 'no_error';
}

function extremes(results: readonly (StampResult | null)[]) {
  let tSrcTaiNs = 0n;
  let tFirstNs = 0n;
  let tLastNs = 0n;
  let tMeasuredNs = 0n;
  let timestamp = Number.NaN;
  // The clock of one sensor does not make the acquisition's time while another is not in doubt.
  let suspect = true;
  for (const r of results) {
    if (!r) continue;
    const doubted = (r.flagsBits & flagBits.time_suspect) !== 0;
    const earlier = tSrcTaiNs === 0n || r.tSrcTaiNs < tSrcTaiNs;
    if (r.tSrcTaiNs !== 0n && (doubted === suspect ? earlier : suspect)) {
      tSrcTaiNs = r.tSrcTaiNs;
      timestamp = r.timestamp;
      suspect = doubted;
    }
    if (tFirstNs === 0n || r.tFirstNs < tFirstNs) tFirstNs = r.tFirstNs;
    if (r.tLastNs > tLastNs) tLastNs = r.tLastNs;
    if (r.tMeasuredNs > tMeasuredNs) tMeasuredNs = r.tMeasuredNs;
  }
  return { tSrcTaiNs, tFirstNs, tLastNs, tMeasuredNs, timestamp };
}

const irregular = flagBits.first_stamp | flagBits.shutter_motion;
const passedOn = irregular | flagBits.time_suspect | flagBits.split_roi;

function flagsOfOffset(bits: number, { fit, reference, renewed }: Combination): string[] {
  const flags: string[] = flagNames(bits & passedOn).slice();
  if (fit.nSensors === 0) flags.push('no_sensors');
  else if (fit.nSensors < 3) flags.push('translation_only');
  if (reference?.provisional) flags.push('provisional_reference');
  if (reference?.stale) flags.push('stale_reference');
  if (renewed) flags.push('new_reference');
  return flags;
}

export function combineAcquisition(closed: ClosedAcquisition, combiner: Combiner): Combined {
  const { acquisition, identity } = closed;
  const { results, stamp } = acquisition;
  const excluded: string[] = [];
  let bits = 0;
  for (let i = 0; i < results.length; i++) {
    const result = results[i];
    excluded.push(result ? hindrance(result) : closed.absence(i));
    bits |= result?.flagsBits ?? 0;
  }
  const kind: StampKind = {
    good: true,
    irregular: (bits & irregular) !== 0,
    joinedInside: identity.exposureIndex === 0,
  };
  const combination = combiner.close(stamp, results, excluded, kind);
  const { fit, reference } = combination;
  const flags = flagsOfOffset(bits, combination);
  const shared: AcquisitionIdentity = {
    seqNo: identity.seqNo,
    series: identity.series,
    seriesId: identity.seriesId,
    obsid: identity.obsid,
    exposureId: identity.exposureId,
    exposureIndex: identity.exposureIndex,
    stamp,
    closedBy: closed.closedBy,
    nExpected: closed.nExpected,
    ...extremes(results),
  };
  return { offsets: { kind: 'guider.offsets', ...shared, fit, reference, flags }, combination };
}

/** What follows the offset, when the tracks have taken it in. */
export function detailsOf(
  closed: ClosedAcquisition,
  { offsets, combination }: Combined,
  combiner: Combiner,
): { readonly summary: SummaryMessage; readonly acquisition: AcquisitionMessage } {
  const { results } = closed.acquisition;
  const { excluded } = combination;
  const qualityFlag = excluded.map((why, i) => (why === '' ? 0 : hasPosition(results[i]) ? 1 : 2));
  const { sensors } = closed;
  const tracks = combiner.tracks(results);
  return {
    summary: { ...offsets, kind: 'guider.summary', qualityFlag },
    acquisition: { ...offsets, kind: 'guider.acquisition', sensors, results, excluded, tracks },
  };
}

function hasPosition(result: StampResult | null | undefined): boolean {
  return result !== null && result !== undefined && Number.isFinite(result.centroidX);
}
