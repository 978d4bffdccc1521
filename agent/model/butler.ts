// SPDX-License-Identifier: Apache-2.0
// What a Butler repository says of files.

/** Of this agent in a repository; lsst.daf.butler does not look there. */
export const ownFolder = '.summit-agent';

/** Of guider files whose exposure is not there. */
export function waitingFolder(repository: string): string {
  return `${repository}/${ownFolder}/waiting`;
}

/** Where the calibrations lie that the roles asked for last: DETECTOR/TYPE.fits. */
export function currentCalibrations(repository: string): string {
  return `${repository}/${ownFolder}/calibrations/current`;
}

/** The agent's repository. */
export interface ButlerSettings {
  readonly repository: string;
  readonly instrument: string;
  /** make it where there is none */
  readonly create: boolean;
  /** exposures are written by somebody else */
  readonly shared: boolean;
  /** null: however old */
  readonly keepHours: number | null;
  /** of the file system; null: however full */
  readonly diskShare: number | null;
  /** so much of it the files here keep, whatever else fills it; null: half of `diskShare` */
  readonly keepShare: number | null;
  readonly expireEveryS: number;
  /** how often is tried again what the disk or the database refused */
  readonly retryS: number;
  /** null: nobody else puts files there, or takes any */
  readonly handover: HandoverSettings | null;
  /** null: roles take theirs from elsewhere */
  readonly calibrations: RoleCalibrations | null;
  /** folders in which the files lie that are ingested */
  readonly spools: readonly string[];
}

/** Folders that an archiver shares with the agent. */
export interface HandoverSettings {
  /** what it puts there is ingested, and taken out; null: nothing */
  readonly incoming: string | null;
  /** what the agent wrote is put there, for the archiver to take out; null: nothing */
  readonly outgoing: string | null;
  readonly everyS: number;
}

/** What the roles take from the repository. */
export interface RoleCalibrations {
  readonly instrument: string;
  /** those whose calibrations are asked for by the time, and before the first image or series */
  readonly detectors: readonly CalibratedDetector[];
  /** of flats, where nobody tells what stands in the light; null: there is none */
  readonly filter: string | null;
  /** how often is looked for others, s */
  readonly refreshS: number;
  /** an alarm comes so long before one ceases to be valid */
  readonly warnHours: number;
}

export interface CalibratedDetector {
  /** as the roles name it: LATISS, R44_SW0 */
  readonly folder: string;
  readonly detector: number;
  /** those that its role reads */
  readonly types: readonly string[];
}

/** Read for stamps of guide sensors. */
export const stampCalibrations = ['bias', 'dark', 'flat', 'defects', 'ptc'];
/** Read for full frames. */
export const imageCalibrations = [...stampCalibrations, 'linearizer', 'crosstalk'];

/** Calibrations that are valid at a time. */
export interface CalibrationRequest {
  readonly instrument: string;
  readonly detectors: readonly CalibratedDetector[];
  readonly filter: string | null;
  readonly taiNs: bigint;
  /** what is asked for is what the next start finds */
  readonly isCurrent: boolean;
}

export interface CalibrationView {
  /** holds DETECTOR/TYPE.fits; what it holds never changes */
  readonly directory: string;
  readonly datasets: number;
  /** the first of them ceases to be valid, TAI ns */
  readonly until: bigint;
  /** a sentence for each that is not there, or not valid */
  readonly missing: readonly string[];
}

/** What became of a file that was to be ingested. */
export interface IngestedFile {
  readonly file: string;
  /**
   * ingested, unchanged: rows are committed. waiting: a guider file whose exposure is not there. conflict: another file of
   * this data ID, or another exposure of this number, is there. bad_metadata: its header is not enough. failed: the disk
   * or the database refused it.
   */
  readonly outcome: 'ingested' | 'unchanged' | 'waiting' | 'conflict' | 'bad_metadata' | 'failed';
  /** a sentence; '' where there is nothing to say */
  readonly problem: string;
  readonly uuid: string | null;
  readonly dataId: Readonly<Record<string, string | number>> | null;
  readonly run: string;
  readonly type: string;
  readonly uri: string;
  /** columns of the exposure that another header had left different */
  readonly changed: readonly string[];
}

/** Codes of the observatory's event imageInOODS. */
export const oodsCodes: Readonly<Record<IngestedFile['outcome'], number>> = {
  ingested: 0,
  unchanged: 0,
  waiting: 1,
  conflict: 1,
  failed: 1,
  bad_metadata: 2,
};

/** What was made of an image, on the disk: a quick-look, or the image without the instrument's signature. */
export interface ProductFile {
  readonly kind: 'quick_look' | 'post_isr_image';
  readonly file: string;
  readonly instrument: string;
  readonly detector: number;
  readonly exposure: number;
}

/** What an expiry step took away. */
export interface RemovedFiles {
  readonly uuids: readonly string[];
  readonly bytes: number;
}

/** What `summit-agent butler check` says. */
export interface RepositoryState {
  readonly root: string;
  readonly universe: number;
  readonly datasets: number;
  /** what SQLite finds wrong; empty: nothing */
  readonly integrity: readonly string[];
  /** rows that point nowhere */
  readonly foreignKeys: number;
  /** rows without file, files of another size, files without row */
  readonly missing: readonly string[];
  readonly wrongSize: readonly string[];
  readonly orphans: readonly string[];
  /** datasets whose removal is not finished */
  readonly trash: number;
  /** guider files whose exposure is not there: no fault */
  readonly waiting: readonly string[];
  readonly repaired: readonly string[];
  readonly good: boolean;
}
