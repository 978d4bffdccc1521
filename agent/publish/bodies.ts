// SPDX-License-Identifier: Apache-2.0
// The ZeroMQ mapping: one function per kind gives the snake_case body, as one literal. Arrays over sensors are
// in the profile's order, NaN where there is no number.

import type { CscEventMessage } from '../model/csc-events.js';
import { flagNames, isFlagged } from '../model/flags.js';
import { logLevelNumber } from '../model/log.js';
import type {
  AcquisitionIdentity,
  AcquisitionMessage,
  AgentMessage,
  AlarmMessage,
  GuiderEventMessage,
  HeartbeatMessage,
  LogMessage,
  OffsetsMessage,
  ReferenceInfo,
  SensorAccount,
  SeriesEndMessage,
  SeriesMessage,
  SkyOffset,
  StampResult,
  StateMessage,
  SummaryMessage,
} from '../model/messages.js';
import { toWire } from '../model/names.js';
import { ellipticityOf } from '../model/pointing.js';
import { summaryStateNumber } from '../model/summary-state.js';
import { exposureBody } from './exposure-body.js';
import { hostBody, metricsBody, sensorBody } from './health-bodies.js';
import { imageAvailableBody, imageFailedBody, imageRemovedBody, quicklookBody } from './image-bodies.js';

export type Body = Readonly<Record<string, unknown>>;

/** When a message leaves: monotonic for latencies on this machine, TAI for everybody. */
export interface SendTime {
  readonly monotonicNs: bigint;
  readonly taiNs: bigint;
}

/** What only the publisher knows. */
export interface PublisherState {
  /** topic -> last seq */
  readonly seqs: Readonly<Record<string, bigint>>;
}

export function bodyOf(message: AgentMessage, time: SendTime, state: PublisherState): Body {
  switch (message.kind) {
    case 'guider.result':
      return resultBody(message, time);
    case 'guider.offsets':
      return offsetsBody(message, time);
    case 'guider.summary':
      return summaryBody(message, time);
    case 'guider.acquisition':
      return acquisitionBody(message, time);
    case 'guider.state':
      return stateBody(message);
    case 'guider.series':
      return seriesBody(message);
    case 'guider.event':
      return eventBody(message);
    case 'guider.exposure':
      return exposureBody(message);
    case 'series.end':
      return seriesEndBody(message);
    case 'image.available':
      return imageAvailableBody(message);
    case 'image.failed':
      return imageFailedBody(message);
    case 'image.quicklook':
      return quicklookBody(message);
    case 'image.removed':
      return imageRemovedBody(message);
    case 'heartbeat':
      return heartbeatBody(message, state);
    case 'state':
      return cscEventBody(message);
    case 'health.host':
      return hostBody(message);
    case 'health.sensor':
      return sensorBody(message);
    case 'metrics':
      return metricsBody(message);
    case 'log':
      return logBody(message);
    case 'alarm':
      return alarmBody(message);
  }
}

/** From the DAQ's readout trigger to now, ms. */
function latencyMs(tSrcTaiNs: bigint, time: SendTime): number {
  return tSrcTaiNs === 0n ? Number.NaN : Number(time.taiNs - tSrcTaiNs) / 1e6;
}

function resultBody(m: StampResult, time: SendTime): Body {
  return {
    seqno: m.seqNo,
    series: m.series,
    series_id: m.seriesId,
    obsid: m.obsid,
    exposure: m.exposureId,
    exposure_index: m.exposureIndex,
    stamp: m.stamp,
    daq_stamp: m.daqStamp,
    timestamp: m.timestamp,
    sensor: m.sensor,
    detector: m.detector,
    location: m.location,
    outcome: m.outcome,
    flagged: isFlagged(m.flagsBits),
    flags: flagNames(m.flagsBits),
    flags_bits: m.flagsBits,
    fault: m.fault,
    gap: m.gap,
    superseded: m.superseded,
    missing_bytes: m.missingBytes,
    xroi: m.xRoi,
    yroi: m.yRoi,
    xroi_err: m.xRoiErr,
    yroi_err: m.yRoiErr,
    xccd: m.xCcd,
    yccd: m.yCcd,
    centroid_x: m.centroidX,
    centroid_y: m.centroidY,
    centroid_x_err: m.centroidXErr,
    centroid_y_err: m.centroidYErr,
    centroid_dx: m.centroidDx,
    centroid_dy: m.centroidDy,
    reference_stamp: m.referenceStamp,
    tracking: m.tracking,
    star: m.star,
    flux: m.flux,
    flux_err: m.fluxErr,
    snr: m.snr,
    fwhm: m.fwhm,
    fwhm_px: m.fwhmPx,
    moment_xx: m.momentXx,
    moment_yy: m.momentYy,
    moment_xy: m.momentXy,
    ...ellipticityOf({ xx: m.momentXx, yy: m.momentYy, xy: m.momentXy }),
    ...skyBody(m.sky),
    e1_altaz: m.sky?.e1 ?? Number.NaN,
    e2_altaz: m.sky?.e2 ?? Number.NaN,
    bkg: m.bkg,
    bkg_std: m.bkgStd,
    peak: m.peak,
    chi2: m.chi2,
    centroid_fit_quality: m.centroidFitQuality,
    n_saturated: m.nSaturated,
    n_masked: m.nMasked,
    segment: m.segment,
    startrow: m.startRow,
    startcol: m.startCol,
    nrows: m.nRows,
    ncols: m.nCols,
    integration: m.integration,
    measure_us: m.measureUs,
    t_src_tai_ns: m.tSrcTaiNs,
    t_first_ns: m.tFirstNs,
    t_last_ns: m.tLastNs,
    t_measured_ns: m.tMeasuredNs,
    t_published_ns: time.monotonicNs,
    latency_ms: latencyMs(m.tSrcTaiNs, time),
  };
}

function offsetsBody(m: OffsetsMessage, time: SendTime): Body {
  const { fit } = m;
  return {
    x: fit.x,
    y: fit.y,
    x_err: fit.xErr,
    y_err: fit.yErr,
    rotation: fit.rotation,
    rotation_err: fit.rotationErr,
    ...skyBody(m.sky),
    n_sensors: fit.nSensors,
    covariance: fit.covariance,
    chi2: fit.chi2,
    dof: fit.dof,
    seqno: m.seqNo,
    series: m.series,
    series_id: m.seriesId,
    obsid: m.obsid,
    exposure: m.exposureId,
    exposure_index: m.exposureIndex,
    stamp: m.stamp,
    timestamp: m.timestamp,
    ...referenceBody(m.reference),
    closed_by: m.closedBy,
    n_expected: m.nExpected,
    flagged: fit.nSensors === 0,
    flags: m.flags,
    ...timesOf(m, time),
  };
}

function summaryBody(m: SummaryMessage, time: SendTime): Body {
  const { fit } = m;
  return {
    seqno: m.seqNo,
    series: m.series,
    series_id: m.seriesId,
    stamp: m.stamp,
    timestamp: m.timestamp,
    obsid: m.obsid,
    exposure: m.exposureId,
    exposure_index: m.exposureIndex,
    delta_x: fit.x,
    delta_y: fit.y,
    delta_x_err: fit.xErr,
    delta_y_err: fit.yErr,
    scatter_x: fit.scatterX,
    scatter_y: fit.scatterY,
    delta_rotation: fit.rotation,
    delta_rotation_err: fit.rotationErr,
    good_stamps: fit.nSensors,
    quality_flag: m.qualityFlag,
    ...referenceBody(m.reference),
    closed_by: m.closedBy,
    n_expected: m.nExpected,
    flagged: fit.nSensors === 0,
    flags: m.flags,
    ...timesOf(m, time),
  };
}

function acquisitionBody(m: AcquisitionMessage, time: SendTime): Body {
  const { results } = m;
  const numbers = (pick: (r: StampResult) => number) => results.map((r) => (r ? pick(r) : Number.NaN));
  return {
    seqno: m.seqNo,
    series: m.series,
    series_id: m.seriesId,
    stamp: m.stamp,
    timestamp: m.timestamp,
    obsid: m.obsid,
    exposure: m.exposureId,
    exposure_index: m.exposureIndex,
    sensor: m.sensors.join(':'),
    flux: numbers((r) => r.flux),
    flux_err: numbers((r) => r.fluxErr),
    centroid_x: numbers((r) => r.centroidX),
    centroid_y: numbers((r) => r.centroidY),
    centroid_x_err: numbers((r) => r.centroidXErr),
    centroid_y_err: numbers((r) => r.centroidYErr),
    centroid_dx: m.tracks.map((track) => track.dx),
    centroid_dy: m.tracks.map((track) => track.dy),
    moment_xx: numbers((r) => r.momentXx),
    moment_yy: numbers((r) => r.momentYy),
    moment_xy: numbers((r) => r.momentXy),
    e1: numbers((r) => ellipticityOf({ xx: r.momentXx, yy: r.momentYy, xy: r.momentXy }).e1),
    e2: numbers((r) => ellipticityOf({ xx: r.momentXx, yy: r.momentYy, xy: r.momentXy }).e2),
    dalt: numbers((r) => r.sky?.dalt ?? Number.NaN),
    daz: numbers((r) => r.sky?.daz ?? Number.NaN),
    dalt_err: numbers((r) => r.sky?.daltErr ?? Number.NaN),
    daz_err: numbers((r) => r.sky?.dazErr ?? Number.NaN),
    dtheta: numbers((r) => r.sky?.dtheta ?? Number.NaN),
    e1_altaz: numbers((r) => r.sky?.e1 ?? Number.NaN),
    e2_altaz: numbers((r) => r.sky?.e2 ?? Number.NaN),
    sky_fault: results.some((r) => r?.sky) ? '' : 'no_pointing',
    centroid_fit_quality: numbers((r) => r.centroidFitQuality),
    fwhm: numbers((r) => r.fwhm),
    fwhm_px: numbers((r) => r.fwhmPx),
    snr: numbers((r) => r.snr),
    gap: results.map((r) => r?.gap ?? 0),
    ...referenceBody(m.reference),
    // An array as everything about sensors here, although they share it.
    reference_stamp: m.sensors.map(() => m.reference?.stamp ?? -1),
    tracking: m.tracks.map((track) => track.state),
    star: m.tracks.map((track) => track.star),
    home_x: m.tracks.map((track) => track.homeX),
    home_y: m.tracks.map((track) => track.homeY),
    home_x_err: m.tracks.map((track) => track.homeXErr),
    home_y_err: m.tracks.map((track) => track.homeYErr),
    predicted_x: m.tracks.map((track) => track.predictedX),
    predicted_y: m.tracks.map((track) => track.predictedY),
    flags: results.map((r) => (r ? flagNames(r.flagsBits) : [])),
    flags_bits: results.map((r) => r?.flagsBits ?? 0),
    excluded: m.excluded,
    closed_by: m.closedBy,
    n_expected: m.nExpected,
    ...timesOf(m, time),
  };
}

function skyBody(sky: SkyOffset | undefined): Body {
  return {
    dalt: sky?.dalt ?? Number.NaN,
    daz: sky?.daz ?? Number.NaN,
    dtheta: sky?.dtheta ?? Number.NaN,
    dalt_err: sky?.daltErr ?? Number.NaN,
    daz_err: sky?.dazErr ?? Number.NaN,
    dtheta_err: sky?.dthetaErr ?? Number.NaN,
    sky_fault: skyFault(sky),
  };
}

/** Why there is no number in altitude and azimuth. */
function skyFault(sky: SkyOffset | undefined): string {
  if (sky === undefined) return 'no_pointing';
  return Number.isFinite(sky.dalt) ? '' : 'no_position';
}

/** What displacements count from, and by how much they jumped if that is new. */
function referenceBody(r: ReferenceInfo | null): Body {
  return {
    reference_stamp: r?.stamp ?? -1,
    reference_number: r?.number ?? 0,
    reference_step_x: r?.stepX ?? Number.NaN,
    reference_step_y: r?.stepY ?? Number.NaN,
    reference_step_rotation: r?.stepRotation ?? Number.NaN,
    reference_x_err: r?.xErr ?? Number.NaN,
    reference_y_err: r?.yErr ?? Number.NaN,
    reference_rotation_err: r?.rotationErr ?? Number.NaN,
  };
}

function timesOf(m: AcquisitionIdentity, time: SendTime): Body {
  return {
    t_src_tai_ns: m.tSrcTaiNs,
    t_first_ns: m.tFirstNs,
    t_last_ns: m.tLastNs,
    t_measured_ns: m.tMeasuredNs,
    t_published_ns: time.monotonicNs,
    latency_ms: latencyMs(m.tSrcTaiNs, time),
  };
}

function stateBody(m: StateMessage): Body {
  return {
    status: m.status,
    seqno: m.seqNo,
    stamp: m.stamp,
    timestamp: m.timestamp,
    obsid: m.obsid,
    sensors: m.sensors.join(':'),
    series: m.series,
    series_id: m.seriesId,
    exposure: m.exposureId,
    exposure_index: m.exposureIndex,
    daq_state: m.daqState,
  };
}

function seriesBody(m: SeriesMessage): Body {
  return {
    roi_common_nrows: m.roiCommonNRows,
    roi_common_ncols: m.roiCommonNCols,
    roi_common_integration: m.roiCommonIntegration,
    sensor: m.sensors.join(':'),
    segment: m.segment,
    startrow: m.startRow,
    startcol: m.startCol,
    splitroi: m.splitRoi,
    seqno: m.seqNo,
    series: m.series,
    series_id: m.seriesId,
    timestamp: m.timestamp,
    source: m.source,
    period_ms: m.periodMs,
    daq_version: m.daqVersion,
    platform: m.platform,
  };
}

function eventBody(m: GuiderEventMessage): Body {
  return {
    seqno: m.seqNo,
    series: m.series,
    series_id: m.seriesId,
    obsid: m.obsid,
    exposure: m.exposureId,
    exposure_index: m.exposureIndex,
    name: m.name,
    severity: m.severity,
    stamp: m.stamp,
    sensor: m.sensor,
    message: m.message,
    fields: toWire(m.fields),
  };
}

/** Counters of sensors, with the wire's names. */
export function accountsToWire(accounts: Readonly<Record<string, SensorAccount>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(accounts).map(([name, account]) => [name, toWire(account)]));
}

function seriesEndBody(m: SeriesEndMessage): Body {
  return {
    seqno: m.seqNo,
    series: m.series,
    series_id: m.seriesId,
    obsid: m.obsid,
    exposure: m.exposureId,
    exposure_index: m.exposureIndex,
    reason: m.reason,
    n_stamps: m.nStamps,
    n_good: m.nGood,
    n_lost_daq: m.nLostDaq,
    sensors: Object.fromEntries(Object.entries(m.sensors).map(([name, account]) => [name, toWire(account)])),
    counters: accountsToWire(m.counters),
  };
}

function heartbeatBody(m: HeartbeatMessage, state: PublisherState): Body {
  return {
    summary_state: m.summaryState,
    simulation_mode: m.simulationMode,
    version: m.version,
    uptime_s: m.uptimeS,
    link_up: m.linkUp,
    ...(m.links && { links_up: m.links }),
    native_heartbeat: m.nativeHeartbeat,
    tai_offset_s: m.taiOffsetS,
    tai_source: m.taiSource,
    time_suspect: m.timeSuspect,
    subscriptions: m.subscriptions,
    send_failures: m.sendFailures,
    last_seq: state.seqs,
  };
}

function cscEventBody({ kind, ...fields }: CscEventMessage): Body {
  const body = toWire(fields);
  return fields.event === 'summaryState' ? { ...body, code: summaryStateNumber[fields.summaryState] } : body;
}

function logBody(m: LogMessage): Body {
  return { level: logLevelNumber[m.level], name: m.level, message: m.message, fields: m.fields };
}

function alarmBody(m: AlarmMessage): Body {
  return { name: m.name, active: m.active, severity: m.severity, message: m.message };
}
