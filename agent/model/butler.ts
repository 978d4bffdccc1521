// SPDX-License-Identifier: Apache-2.0
// What a Butler repository says of files.

/** The agent's repository. */
export interface ButlerSettings {
  readonly repository: string;
  /** make it where there is none */
  readonly create: boolean;
  /** exposures are written by somebody else */
  readonly shared: boolean;
  /** null: however old */
  readonly keepHours: number | null;
  /** of the file system; null: however full */
  readonly diskShare: number | null;
  readonly expireEveryS: number;
  /** folders in which the files lie that are ingested */
  readonly spools: readonly string[];
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
