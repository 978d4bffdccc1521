// SPDX-License-Identifier: Apache-2.0
// What a DAQ link delivers, in the agent's words. agent/daq/ implements it over the native addon.

import type { ImageLink, ImageListener } from './image.js';
import type { ImageKind } from './image-detectors.js';

/** Event types as the DAQ numbers them; unknown numbers pass through. 200 and up are the link's own. */
export const EventType = {
  stamp: 0,
  start: 1,
  stop: 2,
  pause: 3,
  resume: 4,
  status: 5,
  wake: 6,
  sleep: 7,
  reset: 8,
  linkUp: 200,
  linkDown: 201,
  end: 202,
} as const;

/** What happened to a stamp: the terms of the conservation law (addons/daq/record.h). */
export type Outcome = 'event' | 'measured' | 'refused' | 'incomplete' | 'dropped';

/** Series metadata of START, the DAQ's own fields. */
export interface SeriesMetadata {
  readonly rows: number;
  readonly cols: number;
  readonly integrationMs: number;
  readonly overRows: number;
  readonly underCols: number;
  readonly overCols: number;
  readonly flushCount: number;
  readonly location: number;
  readonly segment: number;
  readonly startRow: number;
  readonly startCol: number;
  readonly version: string;
  readonly firmware: number;
  readonly serial: bigint;
  readonly splitRoi: boolean;
  readonly vendor: number;
  readonly platform: string;
  readonly id: string;
}

/** The kernel's answer for one stamp (addons/pixels/measurement.h); NaN where there is none. */
export interface Measurement {
  readonly x: number;
  readonly y: number;
  readonly ex: number;
  readonly ey: number;
  readonly flux: number;
  readonly fluxErr: number;
  readonly background: number;
  readonly noise: number;
  readonly snr: number;
  readonly fwhm: number;
  readonly momentXx: number;
  readonly momentYy: number;
  readonly momentXy: number;
  readonly chi2: number;
  readonly peak: number;
  readonly flags: number;
  readonly fault: number;
  readonly nSaturated: number;
  readonly nMasked: number;
  readonly iterations: number;
  readonly candidates: number;
  readonly measureNs: number;
}

/** One record from the link: a stamp (with its measurement) or an event. Times `t*Ns` are CLOCK_MONOTONIC. */
export interface DaqRecord {
  readonly eventType: number;
  readonly eventStatus: number;
  readonly daqState: number;
  /** bay*9 + board*3 + sensor; 255 = the link as a whole */
  readonly location: number;
  readonly pixelType: number;
  /** as the DAQ sent them, u16 */
  readonly sequence: number;
  readonly stamp: number;
  /** unwrapped */
  readonly series: bigint;
  readonly stampIndex: bigint;
  /** SummitFrameFlag bits of addons/daq/driver.h */
  readonly frameFlags: number;
  readonly missingBytes: number;
  /** stamps of this sensor missing directly before this one */
  readonly gap: number;
  readonly tSrcTaiNs: bigint;
  readonly tFirstNs: bigint;
  readonly tLastNs: bigint;
  /** when the driver had delivered it; of a recording, the recorded time */
  readonly tDeliveredNs: bigint;
  readonly tMeasuredNs: bigint;
  readonly rows: number;
  readonly cols: number;
  readonly segment: number;
  readonly startRow: number;
  readonly startCol: number;
  readonly integrationMs: number;
  /** PAUSE, STOP: stamps the DAQ sent since START; null = not told */
  readonly stampsSent: bigint | null;
  readonly outcome: Outcome;
  /** older results of this sensor that gave way to this one before they left */
  readonly superseded: number;
  /** pixels asked for: give it to takePixels or releasePixels exactly once; 0n = none */
  readonly lease: bigint;
  readonly measurement: Measurement | null;
  readonly seriesMetadata: SeriesMetadata | null;
  /** RESUME comment, LINK_* reason, else '' */
  readonly text: string;
  /** it tells of one of several links alone: the name of that link */
  readonly link?: string;
}

/** Per-sensor counters, the link's part of the conservation law. Names on the wire: model/names.ts. */
export interface SensorCounters {
  readonly location: number;
  readonly seen: bigint;
  readonly complete: bigint;
  readonly incomplete: bigint;
  readonly bad: bigint;
  readonly duplicate: bigint;
  readonly dropped: bigint;
  /** stamp numbers that never came (a late stamp that fills its gap takes one away) */
  readonly lost: bigint;
  /** complete stamps the kernel refused */
  readonly refused: bigint;
  /** complete stamps whose result gave way to a newer one in the ring */
  readonly superseded: bigint;
  readonly reordered: bigint;
  readonly errXfer: bigint;
  readonly errSize: bigint;
  readonly errMissBeg: bigint;
  readonly errMissEnd: bigint;
  /** series that ended without anybody having told how many stamps they had */
  readonly unsettled: bigint;
}

/** What became of the stamps of one sensor in one exposure that was recorded: stamps + leftOut + failed = complete. */
export interface FileReport {
  readonly location: number;
  /** what the file is named after */
  readonly obsid: string;
  /** RESUME carried it; false: it stands for the series */
  readonly obsidTold: boolean;
  readonly seriesId: string;
  readonly sequence: number;
  readonly series: bigint;
  /** pause, stop, status, resume, series, agent_stop, lost_event; failure: told at once, the exposure goes on */
  readonly closedBy: string;
  /** '' where there is no file */
  readonly path: string;
  readonly sidecar: string;
  readonly sha256: string;
  readonly bytes: number;
  /** why there is no file, or not a whole one; '' when it is on the disk */
  readonly problem: string;
  readonly stamps: number;
  readonly complete: number;
  /** the recorder's queue had no room */
  readonly leftOut: number;
  readonly failed: number;
  /** CLOCK_MONOTONIC: what closed it arrived; it was on the disk (0n: never) */
  readonly closedNs: bigint;
  readonly durableNs: bigint;
}

export interface LinkCounters {
  readonly driver: string;
  readonly driverVersion: string;
  readonly linkUp: boolean;
  /** advances with every turn of the link thread, traffic or not */
  readonly heartbeat: bigint;
  /** 0, or the driver's error with which delivery ended for good (SUMMIT_ERR_* of addons/daq/driver.h) */
  readonly driverError: number;
  /** SummitLinkStats of addons/daq/driver.h, by their snake_case names */
  readonly link: Readonly<Record<string, bigint>>;
  /** slots, slot_bytes, in_use, high_water, ring_capacity, ring_high_water, events_lost */
  readonly pool: Readonly<Record<string, bigint>>;
  /** what became of each best-effort setting: {sched_fifo: "refused: Operation not permitted", ...} */
  readonly outcomes: Readonly<Record<string, string>>;
  readonly sensors: readonly SensorCounters[];
  /** of the recorder; empty when nothing is recorded: complete = recorded + left_out + failed + outside */
  readonly recording: Readonly<Record<string, bigint>>;
  /** of full frames, by source; empty when none are taken: created = delivered + failed (and failed_REASON) */
  readonly images: Readonly<Record<string, bigint>>;
  /** each of several links; what is beside it is of all of them. Absent: there is one */
  readonly links?: readonly NamedLinkCounters[];
}

/** One of several links. `sensors` are all that it heard, also those of others. */
export interface NamedLinkCounters extends LinkCounters {
  readonly name: string;
  /** locations that the profile gives it */
  readonly own: readonly number[];
  /** stamps that it brought: complete + incomplete + dropped = used + spare + foreign + superseded, at rest */
  readonly used: bigint;
  /** another link had brought them before */
  readonly spare: bigint;
  /** of sensors that the profile gives to other links only */
  readonly foreign: bigint;
  /** it follows the series that the other links follow */
  readonly inStep: boolean;
}

/** Each link, by name; the only one has none. */
export function linksOf(counters: LinkCounters): readonly (LinkCounters & { readonly name: string })[] {
  return counters.links ?? [{ ...counters, name: '' }];
}

/** A DAQ reply: `status` 0 is SUCCESS, others as facts of the DAQ; further keys depend on the command. */
export interface DaqReply {
  readonly status: number;
  readonly reply: string;
  readonly [key: string]: unknown;
}

/** One ROI's share of a detector's master calibrations (addons/binding/calibration_binding.h). */
export interface CalibrationOrder {
  /** holds bias.fits, dark.fits, flat.fits, defects.fits */
  readonly directory: string;
  readonly segment: number;
  readonly startRow: number;
  readonly startCol: number;
  readonly rows: number;
  readonly cols: number;
  /** electron/ADU, of files in electron */
  readonly gain: number;
  /** of dark current */
  readonly seconds: number;
}

export interface LoadedCalibration {
  /** one sentence for each file that is not there or cannot be used; empty: in force, and complete */
  readonly missing: readonly string[];
  /** of ptc.fits; 0: it was not asked for, or does not tell */
  readonly gain: number;
  readonly readNoise: number;
}

/** One link to a DAQ: started once, stopped once. */
export interface DaqLink extends ImageLink {
  /** Opens the driver and starts the link thread; rejects with an AgentError (code daq_config, daq_resource). */
  start(
    onRecords: (records: readonly DaqRecord[]) => void,
    onFiles?: (files: readonly FileReport[]) => void,
    images?: ImageListener,
  ): void;
  /** Hands on records that have come since, without waiting for the doorbell. */
  look(): void;
  /** When the record was delivered that is being made now; 0: none is, 1: that has just begun. */
  busySinceNs(): bigint;
  /** Ends the link thread; resolves when no record will come any more. */
  stop(): Promise<void>;
  counters(): LinkCounters;
  /** Sends one command to the DAQ; rejects with AgentError daq_unreachable, daq_unsupported. */
  control(command: Readonly<Record<string, unknown>>, deadlineMs: number): Promise<DaqReply>;
  /** Predicted star position for a sensor, in ROI pixels; null forgets it. */
  predict(location: number, prediction: { x: number; y: number; radius: number } | null): void;
  /** Asks for pixels of these sensors with every record (lease), or of none. */
  wantPixels(locations: readonly number[]): void;
  /**
   * Reads calibrations off this thread and hands them to the link: in force for stamps of this very ROI from then on.
   * `amplifiers`: path of ptc.fits, whose gain and read noise are used; '': those of the settings.
   */
  calibrate(location: number, order: CalibrationOrder, amplifiers: string): Promise<LoadedCalibration>;
  takePixels(lease: bigint): Uint8Array;
  releasePixels(lease: bigint): void;
}

/** Which full frames a link takes. */
export interface ImageSettings {
  readonly sources: readonly { readonly location: number; readonly kind: ImageKind }[];
  /** images of one board that there is memory for */
  readonly sets: number;
  readonly hugePages: boolean;
}

/** A link that can be closed and opened again. */
export interface OpenableLink extends DaqLink {
  readonly isOpen: boolean;
}

/** Settings of a link, from the profile's `daq` section (hw-profiles/README.md). */
export interface LinkSettings {
  /** of several; '': it is the only one */
  readonly name: string;
  readonly driver: 'wire' | 'datadev' | 'replay' | 'recording' | 'plugin';
  /** handed to the driver as JSON, per driver */
  readonly options: Readonly<Record<string, unknown>>;
  readonly slots: number;
  readonly slotBytes: number;
  readonly ringRecords: number;
  readonly linkTimeoutMs: number;
  readonly schedFifo: number | null;
  readonly cpu: number | null;
  readonly lockMemory: boolean;
  readonly hugePages: boolean;
  readonly sensors: readonly SensorSettings[];
  /** null: nothing is recorded */
  readonly recorder: RecorderSettings | null;
  /** records everything the driver delivers */
  readonly stream: StreamSettings | null;
  /** absent: no full frames */
  readonly images?: ImageSettings;
  /** absent: none is written */
  readonly imageWriter?: { readonly folder: string; readonly threads: number; readonly idle: boolean };
  /** absent: nobody looks at images */
  readonly imageLooker?: {
    /** folder with one folder per detector; '': none */
    readonly calibrations: string;
    /** frames at a time, and threads for all of them */
    readonly workers: number;
    readonly threads: number;
    /** SCHED_IDLE; of imageWriter too */
    readonly idle: boolean;
    /** calibrations that are read before the first image */
    readonly detectors: readonly { readonly name: string; readonly kind: ImageKind }[];
    /** of instrument signature removal, where they are not as usual */
    readonly steps: readonly { readonly name: string; readonly on: boolean }[];
  };
}

export interface StreamSettings {
  /** must not exist */
  readonly path: string;
  readonly compress: boolean;
  /** a role runs beside it: what it tells the kernel is recorded, also that it tells nothing yet */
  readonly guided: boolean;
  /** frames that may wait to be written */
  readonly queueStamps: number;
  /** for the file's header */
  readonly header: Readonly<Record<string, unknown>>;
}

export interface RecorderSettings {
  readonly folder: string;
  /** stamps that may wait to be written */
  readonly queueStamps: number;
  /** DAQPART of the headers */
  readonly partition: string;
  /** other links of this process record into the same folder */
  readonly shared: boolean;
}

export interface SensorSettings {
  readonly location: number;
  readonly gain: number;
  readonly readNoise: number;
  readonly badSegments: readonly number[];
  /** those that differ from the sensor */
  readonly amplifiers?: readonly AmplifierSettings[];
  /** without all calibrations of its ROI, results carry `uncalibrated` */
  readonly calibrated?: boolean;
}

export interface AmplifierSettings {
  /** label, 0-7 or 10-17 */
  readonly segment: number;
  /** electron/ADU */
  readonly gain: number;
  /** electron; 0: estimated from the pixels */
  readonly readNoise: number;
}
