// SPDX-License-Identifier: Apache-2.0
// One stamp's result: the kernel's pixels in the frames that control software uses, with identity and flags.

import type { DaqRecord, Measurement } from '../model/daq.js';
import { faultName, flagBits, frameFlag, isFlagged } from '../model/flags.js';
import {
  arcsecPerPixel,
  ccdToFocalPlane,
  errorsToFocalPlane,
  isSegment,
  momentsToFocalPlane,
  roiToCcd,
} from '../model/geometry.js';
import type { GuideSensor } from '../model/location.js';
import type { StampIdentity, StampResult } from '../model/messages.js';
import type { Displaced } from './combiner.js';

/** What the role knows about a stamp beyond its record. */
export interface StampContext {
  readonly identity: StampIdentity;
  readonly sensor: GuideSensor;
  readonly index: number;
  readonly flags: number;
  readonly position: FramePosition;
  /** null: of no exposure that is open */
  readonly displaced: Displaced | null;
  readonly tracking: string;
  readonly star: number;
}

/** A measured position in all frames; NaN throughout when there is none. */
export interface FramePosition {
  readonly xCcd: number;
  readonly yCcd: number;
  readonly x: number;
  readonly y: number;
  readonly sigmaX: number;
  readonly sigmaY: number;
}

const nowhere: FramePosition = {
  xCcd: Number.NaN,
  yCcd: Number.NaN,
  x: Number.NaN,
  y: Number.NaN,
  sigmaX: Number.NaN,
  sigmaY: Number.NaN,
};

export function locate(record: DaqRecord, sensor: GuideSensor): FramePosition {
  const m = record.measurement;
  if (!m || !Number.isFinite(m.x) || !Number.isFinite(m.y) || !isSegment(record.segment)) return nowhere;
  const ccd = roiToCcd(record, m);
  const plane = ccdToFocalPlane(sensor, ccd);
  const sigma = errorsToFocalPlane(sensor, m.ex, m.ey);
  return { xCcd: ccd.x, yCcd: ccd.y, x: plane.x, y: plane.y, sigmaX: sigma.x, sigmaY: sigma.y };
}

/** Flags that follow from the record alone. */
export function flagsOf(record: DaqRecord): number {
  const frame = record.frameFlags;
  let flags = record.measurement?.flags ?? 0;
  if (record.gap > 0) flags |= flagBits.missing_prev;
  if (record.outcome === 'incomplete') flags |= flagBits.incomplete;
  if (record.outcome === 'dropped') flags |= flagBits.dropped;
  if (record.outcome === 'refused') flags |= flagBits.fault;
  if (frame & frameFlag.crc) flags |= flagBits.bad_checksum;
  if (frame & frameFlag.reordered) flags |= flagBits.reordered;
  if (frame & frameFlag.splitRoi) flags |= flagBits.split_roi;
  if (frame & frameFlag.nameCorrected) flags |= flagBits.name_corrected;
  if (frame & frameFlag.timeSuspect || record.tSrcTaiNs === 0n) flags |= flagBits.time_suspect;
  return flags;
}

function qualityOf(m: Measurement, flags: number): number {
  if (isFlagged(flags)) return 0;
  return 1 / Math.max(1, m.chi2);
}

const noNumbers: Measurement = {
  x: Number.NaN,
  y: Number.NaN,
  ex: Number.NaN,
  ey: Number.NaN,
  flux: Number.NaN,
  fluxErr: Number.NaN,
  background: Number.NaN,
  noise: Number.NaN,
  snr: Number.NaN,
  fwhm: Number.NaN,
  momentXx: Number.NaN,
  momentYy: Number.NaN,
  momentXy: Number.NaN,
  chi2: Number.NaN,
  peak: Number.NaN,
  flags: 0,
  fault: 0,
  nSaturated: 0,
  nMasked: 0,
  iterations: 0,
  candidates: 0,
  measureNs: 0,
};

/** Seconds as a double, as SAL carries time: 0.24 us resolution. */
export function secondsOf(taiNs: bigint): number {
  return taiNs === 0n ? Number.NaN : Number(taiNs / 1_000_000_000n) + Number(taiNs % 1_000_000_000n) / 1e9;
}

export function buildResult(record: DaqRecord, context: StampContext): StampResult {
  const { identity, sensor, position: p, displaced, flags } = context;
  const m = record.measurement ?? noNumbers;
  const moments = momentsToFocalPlane(sensor, record.segment, {
    xx: m.momentXx,
    yy: m.momentYy,
    xy: m.momentXy,
  });
  return {
    kind: 'guider.result',
    seqNo: identity.seqNo,
    series: identity.series,
    seriesId: identity.seriesId,
    obsid: identity.obsid,
    exposureId: identity.exposureId,
    exposureIndex: identity.exposureIndex,
    index: context.index,
    sensor: sensor.detectorName,
    detector: sensor.detector,
    location: sensor.location,
    stamp: Number(record.stampIndex),
    daqStamp: record.stamp,
    timestamp: secondsOf(record.tSrcTaiNs),
    outcome: record.outcome,
    segment: record.segment,
    startRow: record.startRow,
    startCol: record.startCol,
    nRows: record.rows,
    nCols: record.cols,
    integration: record.integrationMs,
    xRoi: m.x,
    yRoi: m.y,
    xRoiErr: m.ex,
    yRoiErr: m.ey,
    xCcd: p.xCcd,
    yCcd: p.yCcd,
    centroidX: p.x,
    centroidY: p.y,
    centroidXErr: p.sigmaX,
    centroidYErr: p.sigmaY,
    centroidDx: displaced ? displaced.dx : Number.NaN,
    centroidDy: displaced ? displaced.dy : Number.NaN,
    referenceStamp: displaced ? displaced.referenceStamp : -1,
    tracking: context.tracking,
    star: context.star,
    flux: m.flux,
    fluxErr: m.fluxErr,
    snr: m.snr,
    fwhm: m.fwhm * arcsecPerPixel,
    fwhmPx: m.fwhm,
    momentXx: moments.xx,
    momentYy: moments.yy,
    momentXy: moments.xy,
    bkg: m.background,
    bkgStd: m.noise,
    peak: m.peak,
    chi2: m.chi2,
    centroidFitQuality: record.measurement ? qualityOf(m, flags) : 0,
    nSaturated: m.nSaturated,
    nMasked: m.nMasked,
    flagsBits: flags,
    fault: m.fault === 0 ? '' : faultName(m.fault),
    gap: record.gap,
    superseded: record.superseded,
    missingBytes: record.missingBytes,
    tSrcTaiNs: record.tSrcTaiNs,
    tFirstNs: record.tFirstNs,
    tLastNs: record.tLastNs,
    tMeasuredNs: record.tMeasuredNs,
    measureUs: m.measureNs / 1000,
  };
}
