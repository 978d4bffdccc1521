// SPDX-License-Identifier: Apache-2.0
// Everything the agent says, typed once; publish/ maps it to ZeroMQ (names and units of SAL's Guider interface,
// ts_xml v28, plus ours). Times `t*Ns` are CLOCK_MONOTONIC, `*TaiNs` TAI since 1970. NaN: no number.

import type { CscEventMessage } from './csc-events.js';
import type { CombinedExposure, SensorExposure } from './exposure.js';
import type { HostMessage, MetricsMessage, SensorMessage } from './health.js';
import type {
  ImageAvailableMessage,
  ImageFailedMessage,
  ImageRemovedMessage,
  IsrImageMessage,
  QuicklookMessage,
  RawImageMessage,
} from './image-messages.js';
import type { LogLevel } from './log.js';
import type { Pointing } from './pointing.js';
import type { SummaryState } from './summary-state.js';

/** SAL GuiderStatus: the DAQ's event type + 1. */
export const GuiderStatus = { stamp: 1, start: 2, stop: 3, pause: 4, resume: 5 } as const;

/** Which series, exposure and stamp a message is about. */
export interface StampIdentity {
  /** the DAQ's sequence, u16 */
  readonly seqNo: number;
  /** sequence, unwrapped */
  readonly series: bigint;
  /** configuration id of the series, else `series-N` */
  readonly seriesId: string;
  /** OBSID from RESUME; the series id when RESUME carried none; UNKNOWN when the agent joined late */
  readonly obsid: string;
  /** null when the obsid is not an OBSID */
  readonly exposureId: number | null;
  /** exposures of this series so far, this one counted: 1 is the first; 0: none has begun */
  readonly exposureIndex: number;
}

/** Merged lifecycle event of the DAQ. */
export interface StateMessage extends StampIdentity {
  readonly kind: 'guider.state';
  readonly status: number;
  /** unwrapped; -1 where the event is not a stamp */
  readonly stamp: number;
  /** TAI s */
  readonly timestamp: number;
  readonly sensors: readonly string[];
  readonly daqState: number;
}

/** Start of a series. Arrays are in the profile's sensor order. */
export interface SeriesMessage extends StampIdentity {
  readonly kind: 'guider.series';
  readonly timestamp: number;
  readonly sensors: readonly string[];
  readonly roiCommonNRows: number;
  readonly roiCommonNCols: number;
  /** ms */
  readonly roiCommonIntegration: number;
  /** -1 where the sensor has no ROI */
  readonly segment: readonly number[];
  readonly startRow: readonly number[];
  readonly startCol: readonly number[];
  readonly splitRoi: readonly boolean[];
  readonly daqVersion: string;
  readonly platform: string;
  /** ms, the ROI timing model */
  readonly periodMs: number;
  /** `start`: the DAQ's START; `stamps`: it was missed, and the ROI is what the stamps say of themselves */
  readonly source: 'start' | 'stamps';
}

/** Stable names of what a series can meet; agent/README.md says when. */
export type GuiderEventName =
  | 'joined_late'
  | 'start_missing'
  | 'resume_missing'
  | 'resume_late'
  | 'pause_missing'
  | 'stop_missing'
  | 'daq_restarted'
  | 'roi_changed'
  | 'roi_mismatch'
  | 'split_roi'
  | 'sensor_joined'
  | 'sensor_silent'
  | 'sensor_back'
  | 'sensor_frozen'
  | 'reference_changed'
  | 'star_lost'
  | 'star_relocked'
  | 'star_changed'
  | 'jump_rejected';

/** Something out of the ordinary in the life of a series. */
export interface GuiderEventMessage extends StampIdentity {
  readonly kind: 'guider.event';
  readonly name: GuiderEventName;
  readonly severity: 'info' | 'warning';
  readonly message: string;
  /** -1: of no one stamp */
  readonly stamp: number;
  /** '': of all */
  readonly sensor: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A displacement of star images on the sky, arcsec; daz is x cos(alt). model/pointing.ts has the signs. */
export interface SkyOffset {
  readonly dalt: number;
  readonly daz: number;
  readonly dtheta: number;
  readonly daltErr: number;
  readonly dazErr: number;
  readonly dthetaErr: number;
  /** ellipticity with azimuth for x and altitude for y; NaN where there is no one star */
  readonly e1: number;
  readonly e2: number;
}

/** One stamp of one sensor: measured, refused, incomplete or dropped. */
export interface StampResult extends StampIdentity {
  readonly kind: 'guider.result';
  /** place in the profile's sensor order */
  readonly index: number;
  readonly sensor: string;
  readonly detector: number;
  readonly location: number;
  /** unwrapped */
  readonly stamp: number;
  /** as the DAQ sent it, u16 */
  readonly daqStamp: number;
  /** TAI s; NaN when the DAQ gave no time */
  readonly timestamp: number;
  readonly outcome: string;
  readonly segment: number;
  readonly startRow: number;
  readonly startCol: number;
  readonly nRows: number;
  readonly nCols: number;
  /** ms */
  readonly integration: number;
  /** px in the ROI, 0-based, integer = pixel centre */
  readonly xRoi: number;
  readonly yRoi: number;
  readonly xRoiErr: number;
  readonly yRoiErr: number;
  /** px in the CCD */
  readonly xCcd: number;
  readonly yCcd: number;
  /** mm in the focal plane (DVCS) */
  readonly centroidX: number;
  readonly centroidY: number;
  readonly centroidXErr: number;
  readonly centroidYErr: number;
  /** mm since the sensor's reference stamp */
  readonly centroidDx: number;
  readonly centroidDy: number;
  /** stamp the displacement is from; -1: none yet */
  readonly referenceStamp: number;
  /** acquiring, locked, coasting, lost: when the stamp came */
  readonly tracking: string;
  /** which star of the exposure the displacement is of, from 1; 0: none yet */
  readonly star: number;
  /** electron */
  readonly flux: number;
  readonly fluxErr: number;
  readonly snr: number;
  /** arcsec */
  readonly fwhm: number;
  readonly fwhmPx: number;
  /** mm^2 in the focal plane */
  readonly momentXx: number;
  readonly momentYy: number;
  readonly momentXy: number;
  /** ADU */
  readonly bkg: number;
  readonly bkgStd: number;
  readonly peak: number;
  readonly chi2: number;
  /** 0 = do not use, 1 = fits its noise; between: 1 / reduced chi2 */
  readonly centroidFitQuality: number;
  readonly nSaturated: number;
  readonly nMasked: number;
  /** model/flags.ts */
  readonly flagsBits: number;
  readonly fault: string;
  /** stamps of this sensor lost directly before this one */
  readonly gap: number;
  /** results of this sensor that gave way to this one before they left */
  readonly superseded: number;
  readonly missingBytes: number;
  readonly tSrcTaiNs: bigint;
  readonly tFirstNs: bigint;
  readonly tLastNs: bigint;
  readonly tMeasuredNs: bigint;
  /** us of the kernel */
  readonly measureUs: number;
  /** only where a pointing is known */
  readonly sky?: SkyOffset;
}

export type ClosedBy = 'complete' | 'timeout' | 'next' | 'end';

/** What one acquisition shares between its three messages. */
export interface AcquisitionIdentity extends StampIdentity {
  readonly stamp: number;
  /** TAI s of the earliest stamp */
  readonly timestamp: number;
  readonly closedBy: ClosedBy;
  readonly nExpected: number;
  readonly tSrcTaiNs: bigint;
  /** of the first packet of the first sensor, the last packet and the last measurement of the last one */
  readonly tFirstNs: bigint;
  readonly tLastNs: bigint;
  readonly tMeasuredNs: bigint;
}

/** One acquisition: the same stamp over all expected sensors, in the profile's order (`results[i]` null: none came). */
export interface AcquisitionMessage extends AcquisitionIdentity {
  readonly kind: 'guider.acquisition';
  readonly sensors: readonly string[];
  readonly results: readonly (StampResult | null)[];
  /** why a sensor is not in the offset; '' = used */
  readonly excluded: readonly string[];
  readonly tracks: readonly SensorTrack[];
  readonly reference: ReferenceInfo | null;
}

/** The combined displacement of an acquisition. */
export interface CombinedFit {
  /** mm, focal plane, displacement of the star images at the optical axis */
  readonly x: number;
  readonly y: number;
  readonly xErr: number;
  readonly yErr: number;
  /** arcsec, positive from x to y about the focal-plane origin; NaN below 3 sensors */
  readonly rotation: number;
  readonly rotationErr: number;
  /** of (x mm, y mm, rotation arcsec): xx, xy, xr, yy, yr, rr */
  readonly covariance: readonly number[];
  readonly chi2: number;
  readonly dof: number;
  /** mm, sample standard deviation over the sensors used */
  readonly scatterX: number;
  readonly scatterY: number;
  readonly nSensors: number;
}

/** What offsets count from. */
export interface ReferenceInfo {
  /** counts the references of an exposure from 1 */
  readonly number: number;
  readonly stamp: number;
  /** one of the irregular stamps: a later one will replace it */
  readonly provisional: boolean;
  readonly stale: boolean;
  /** mm, arcsec: by how much offsets jumped in this message because the reference is a new one; NaN: not known */
  readonly stepX: number;
  readonly stepY: number;
  readonly stepRotation: number;
  /** mm, arcsec: the reference's own noise, common to all offsets from it, and contained in their errors */
  readonly xErr: number;
  readonly yErr: number;
  readonly rotationErr: number;
}

/** One sensor's star after an acquisition. */
export interface SensorTrack {
  /** acquiring, locked, coasting, lost */
  readonly state: string;
  /** which star of the exposure, from 1; 0: none yet */
  readonly star: number;
  /** mm since the reference stamp */
  readonly dx: number;
  readonly dy: number;
  /** mm: where the star is when the camera is where it was at the reference stamp */
  readonly homeX: number;
  readonly homeY: number;
  readonly homeXErr: number;
  readonly homeYErr: number;
  /** mm: where the common motion puts the star */
  readonly predictedX: number;
  readonly predictedY: number;
}

export interface SummaryMessage extends AcquisitionIdentity {
  readonly kind: 'guider.summary';
  readonly fit: CombinedFit;
  /** null: no star yet in this exposure */
  readonly reference: ReferenceInfo | null;
  /** 0 used, 1 measured and excluded, 2 no position */
  readonly qualityFlag: readonly number[];
  readonly flags: readonly string[];
}

export interface OffsetsMessage extends AcquisitionIdentity {
  readonly kind: 'guider.offsets';
  readonly fit: CombinedFit;
  /** null: no star yet in this exposure */
  readonly reference: ReferenceInfo | null;
  readonly flags: readonly string[];
  /** only where a pointing is known */
  readonly sky?: SkyOffset;
}

/** What became of one sensor's stamps in one series (or since the agent's start, in `stats`). */
export interface SensorAccount {
  readonly sent: bigint | null;
  readonly seen: bigint;
  readonly complete: bigint;
  readonly incomplete: bigint;
  readonly bad: bigint;
  readonly duplicate: bigint;
  readonly dropped: bigint;
  readonly published: bigint;
  readonly withheld: bigint;
  readonly superseded: bigint;
  readonly rejected: bigint;
  readonly lost: bigint;
  readonly late: bigint;
  readonly reordered: bigint;
}

export interface SeriesEndMessage extends StampIdentity {
  readonly kind: 'series.end';
  /** idle: STOP was missed, the DAQ said that it idles */
  readonly reason: 'stop' | 'next_series' | 'agent_stop' | 'idle';
  /** acquisitions closed */
  readonly nStamps: number;
  /** acquisitions with an offset */
  readonly nGood: number;
  readonly nLostDaq: bigint;
  /** per sensor, since the agent's start */
  readonly counters: Readonly<Record<string, SensorAccount>>;
  /** per sensor, this series only, from its records */
  readonly sensors: Readonly<Record<string, SeriesAccount>>;
}

/** Counts of one sensor in one series, from the records that reached the role. */
export interface SeriesAccount {
  readonly sent: bigint | null;
  readonly complete: number;
  readonly incomplete: number;
  readonly dropped: number;
  readonly published: number;
  readonly withheld: number;
  readonly superseded: number;
  readonly rejected: number;
  readonly lost: number;
  readonly late: number;
}

/** What an exposure amounted to; sent after its last stamp, when it is computed. */
export interface ExposureMessage extends StampIdentity {
  readonly kind: 'guider.exposure';
  /** TAI s of the first and last acquisition */
  readonly timestamp: number;
  readonly timestampEnd: number;
  /** s from the first acquisition to one period after the last */
  readonly durationS: number;
  /** s, median */
  readonly periodS: number;
  /** ms */
  readonly integration: number;
  readonly nRows: number;
  readonly nCols: number;
  /** acquisitions, those with an offset, those that the numbers are from */
  readonly nStamps: number;
  readonly nGood: number;
  readonly nUsed: number;
  /** in force at the end of the exposure */
  readonly pointing: Pointing | null;
  readonly flags: readonly string[];
  readonly combined: CombinedExposure;
  /** those that were there */
  readonly sensors: readonly SensorExposure[];
}

export interface HeartbeatMessage {
  readonly kind: 'heartbeat';
  readonly summaryState: SummaryState;
  readonly simulationMode: number;
  readonly uptimeS: number;
  readonly version: string;
  /** each of several is */
  readonly linkUp: boolean;
  /** each of several links by name; null: there is one */
  readonly links: Readonly<Record<string, boolean>> | null;
  /** advances with every turn of the link thread */
  readonly nativeHeartbeat: bigint;
  readonly taiOffsetS: number;
  readonly taiSource: string;
  readonly timeSuspect: boolean;
  readonly subscriptions: number;
  readonly sendFailures: number;
}

export interface LogMessage {
  readonly kind: 'log';
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface AlarmMessage {
  readonly kind: 'alarm';
  /** link_down, receive_buffer_short, tai_offset, ... */
  readonly name: string;
  readonly active: boolean;
  readonly severity: 'info' | 'warning' | 'serious';
  readonly message: string;
}

/** On with a reason, off with null; `cleared` says why it goes off. */
export type SetAlarm = (
  name: string,
  severity: AlarmMessage['severity'],
  reason: string | null,
  cleared: string,
) => void;

export type AgentMessage =
  | StateMessage
  | SeriesMessage
  | GuiderEventMessage
  | StampResult
  | AcquisitionMessage
  | SummaryMessage
  | OffsetsMessage
  | ExposureMessage
  | SeriesEndMessage
  | ImageAvailableMessage
  | RawImageMessage
  | IsrImageMessage
  | ImageFailedMessage
  | QuicklookMessage
  | ImageRemovedMessage
  | HeartbeatMessage
  | CscEventMessage
  | HostMessage
  | SensorMessage
  | MetricsMessage
  | LogMessage
  | AlarmMessage;

/** Where rooms hand their messages; publish/ implements it. */
export interface MessageSink {
  publish(message: AgentMessage): void;
}
