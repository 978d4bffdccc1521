// SPDX-License-Identifier: Apache-2.0
// Full frames as the native link tells of them, and what is asked of it.
import type { ImageKind } from './image-detectors.js';

/** ImagePool::set_bytes: 16 segments of 2048 rows and 576 columns, 4 bytes a pixel. */
export const imageSetBytes = 16 * 2048 * 576 * 4;

/** addons/daq/image_receiver.h: one thing that happened to an image of the DAQ. */
export interface ImageNews {
  /** created, its sources one by one (whole, or failed), complete */
  readonly kind: 'created' | 'source' | 'failed' | 'complete';
  /** the DAQ's image id, hexadecimal */
  readonly imageTag: string;
  /** `MC_O_20251121_000156` */
  readonly name: string;
  /** what else the DAQ tells of image and source: JSON, or '' */
  readonly details: string;
  readonly sourceDetails: string;
  readonly simulated: boolean;
  readonly location: number;
  /** of a failed source: unknown_detector, no_room, wrong_bytes, short, timed_out, link_lost, ... */
  readonly reason: string;
  /** of a whole source: its planes are lent until `releaseImage` */
  readonly token: bigint;
  readonly bytes: number;
  readonly bytesExpected: number;
  /** how often its link was lost and found again */
  readonly resumed: number;
  readonly triggerTaiNs: bigint;
  /** CLOCK_MONOTONIC: created; first and last byte of the source */
  readonly createdNs: bigint;
  readonly firstNs: bigint;
  readonly lastNs: bigint;
}

/** Write one detector of a source. */
export interface ImageOrder {
  /** comes back in the report */
  readonly id: number;
  readonly firstPlane: number;
  readonly detector: 'wavefront' | 'latiss';
  /** of the file, without folder */
  readonly name: string;
  /** JSON of fits::ReadRawHeader */
  readonly header: string;
}

export interface ImageFileReport {
  readonly id: number;
  readonly path: string;
  readonly sidecar: string;
  readonly sha256: string;
  /** why there is no file; '': it is on the disk */
  readonly problem: string;
  readonly bytes: number;
  /** CLOCK_MONOTONIC: taken up, compressed, on the disk (0n: never) */
  readonly begunNs: bigint;
  readonly madeNs: bigint;
  readonly durableNs: bigint;
}

/** Look at one detector of a source. */
export interface LookOrder {
  /** comes back in the report */
  readonly id: number;
  readonly firstPlane: number;
  readonly kind: ImageKind;
  /** folder of its calibrations: LATISS, R44_SW0 */
  readonly calibration: string;
  /** JSON of fits::ReadRawHeader */
  readonly header: string;
  /** where the ISR file goes; '': nowhere */
  readonly isrPath: string;
  /** folder with that folder in it; '': that of the profile */
  readonly calibrations: string;
}

/** addons/looks/image_looker.h */
export interface LookReport {
  readonly id: number;
  /** why nobody looked: `superseded` by a newer image, `stopped`, or a sentence; '': `report` says what was seen */
  readonly problem: string;
  /** JSON, addons/looks/image_report.h */
  readonly report: string;
  /** 8 bit, row by row, the lowest first; one pixel for 4 x 4 */
  readonly preview: Uint8Array;
  readonly cols: number;
  readonly rows: number;
  /** CLOCK_MONOTONIC: taken up, signature removed, looked at */
  readonly begunNs: bigint;
  readonly isrNs: bigint;
  readonly doneNs: bigint;
}

/** An image without the instrument's signature is on the disk, or is not. */
export interface IsrFileReport {
  readonly id: number;
  readonly path: string;
  readonly problem: string;
  readonly bytes: number;
  readonly durableNs: bigint;
}

/** The part of a link that is about full frames. */
export interface ImageLink {
  writeImage(token: bigint, order: ImageOrder): void;
  /** Holds the planes by itself for as long as it needs them. */
  lookAtImage(token: bigint, order: LookOrder): void;
  releaseImage(token: bigint): void;
}

/** Told by a link that takes images. */
export interface ImageListener {
  onNews(news: readonly ImageNews[]): void;
  onImageFiles(files: readonly ImageFileReport[]): void;
  onLooks(looks: readonly LookReport[]): void;
  onIsrFiles(files: readonly IsrFileReport[]): void;
}
