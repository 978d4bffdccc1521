// SPDX-License-Identifier: Apache-2.0
// What is said of files: one is on the disk, or there will be none.

/** A file of one detector is on the disk, with its sidecar. */
interface FileMessage {
  readonly kind: 'image.available';
  readonly sensor: string;
  readonly detector: number;
  readonly location: number;
  readonly path: string;
  /** '': it has none */
  readonly sidecar: string;
  readonly bytes: number;
  /** '': not taken */
  readonly sha256: string;
  /** what the file is named after: the OBSID, or what stands for the series where RESUME carried none */
  readonly obsid: string;
  readonly exposureId: number | null;
  /** from the arrival of what closed it, or of its last byte, until it was on the disk */
  readonly durableMs: number;
  /** what it is in the repository; absent: there is none */
  readonly butler?: StoredDataset;
}

export interface StoredDataset {
  readonly uuid: string;
  readonly uri: string;
  readonly run: string;
  readonly dataId: Readonly<Record<string, string | number>>;
}

/** Files that the repository let go. */
export interface ImageRemovedMessage {
  readonly kind: 'image.removed';
  readonly repository: string;
  readonly uuids: readonly string[];
  readonly bytes: number;
}

/** A guider file: stamps + leftOut + failed = complete. */
export interface ImageAvailableMessage extends FileMessage {
  /** Butler's name for what the file holds */
  readonly datasetType: 'guider_raw';
  readonly seqNo: number;
  readonly seriesId: string;
  /** pause, stop, ... */
  readonly closedBy: string;
  readonly stamps: number;
  readonly complete: number;
  readonly leftOut: number;
  readonly failed: number;
}

/** A raw image. */
export interface RawImageMessage extends FileMessage {
  readonly datasetType: 'raw';
  readonly dayObs: number | null;
  readonly seqNum: number | null;
  /** letters of the image name: O, C, ...; MC, AT */
  readonly controller: string;
  readonly source: string;
  /** GROUPID */
  readonly group: string;
  readonly raftBay: string;
  readonly ccdSlot: string;
  /** the DAQ's image id, hexadecimal */
  readonly imageTag: string;
  /** how often the link was lost in mid-image */
  readonly resumed: number;
  /** a file of an earlier run, which ended before it told of it: times are not known */
  readonly recovered: boolean;
  readonly triggerTaiNs: bigint;
  /** created -> last byte */
  readonly readoutMs: number;
  /** making the file in memory */
  readonly writeMs: number;
}

/** An image without the instrument's signature. */
export interface IsrImageMessage extends FileMessage {
  readonly datasetType: 'post_isr_image';
  readonly dayObs: number | null;
  readonly seqNum: number | null;
  readonly imageTag: string;
}

/** A detector of an image of which there is no file, and never will be. */
export interface ImageFailedMessage {
  readonly kind: 'image.failed';
  readonly sensor: string;
  readonly detector: number;
  readonly location: number;
  readonly obsid: string;
  readonly imageTag: string;
  readonly reason: string;
  readonly message: string;
  readonly bytes: number;
  readonly bytesExpected: number;
  /** statusCode of imageInOODS, of a file that is on the disk and not in the repository */
  readonly oodsCode?: number;
}

/** What was seen in one detector of an image, or why nobody looked. */
export interface QuicklookMessage {
  readonly kind: 'image.quicklook';
  readonly sensor: string;
  readonly detector: number;
  readonly location: number;
  readonly obsid: string;
  readonly exposureId: number | null;
  readonly dayObs: number | null;
  readonly seqNum: number | null;
  readonly imageTag: string;
  readonly triggerTaiNs: bigint;
  readonly outcome: 'looked' | 'left_out';
  /** of one that was left out */
  readonly reason: string;
  readonly flags: readonly string[];
  /** keys of <stem>.json; null of one that was left out */
  readonly isr: Readonly<Record<string, unknown>> | null;
  readonly product: Readonly<Record<string, unknown>> | null;
  /** the long lists of a spectrum, by name; null where there is none */
  readonly spectrum: Readonly<Record<string, readonly number[]>> | null;
  /** best focus over the series so far */
  readonly focusFit: object | null;
  /** both halves of the wavefront sensor have been looked at */
  readonly defocus: object | null;
  /** '': could not be written */
  readonly json: string;
  readonly picture: string;
  /** last byte of the stream -> taken up, signature removed, looked at, sent */
  readonly begunMs: number;
  readonly isrMs: number;
  readonly lookedMs: number;
  readonly quicklookMs: number;
  /** <stem>.json in the repository; absent: it is not there */
  readonly butler?: StoredDataset;
}
