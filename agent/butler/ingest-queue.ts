// SPDX-License-Identifier: Apache-2.0
// Ingest of whatever comes: files in an order in which they find their exposures, and those that still have to wait for
// theirs.

import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { IngestedFile } from '../model/butler.js';
import { sentenceOf } from '../model/errors.js';
import type { Ingest } from './ingest.js';
import type { WaitingFiles } from './waiting.js';

/** FITS files of a folder that may be datasets. */
export function filesIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => /\.fits(\.(fz|gz))?$/.test(name) && !name.endsWith('.isr.fits'))
    .map((name) => join(folder, name));
}

/** Guider files last: their exposures may be among the others. */
export function inOrder(files: readonly string[]): string[] {
  const isGuider = (file: string) => basename(file).includes('_guider');
  return files.toSorted((a, b) => Number(isGuider(a)) - Number(isGuider(b)) || (a < b ? -1 : 1));
}

export class IngestQueue {
  readonly #ingest: Ingest;
  readonly #waiting: WaitingFiles;

  constructor(ingest: Ingest, waiting: WaitingFiles) {
    this.#ingest = ingest;
    this.#waiting = waiting;
  }

  /** What became of each; one whose exposure is not there is kept in mind. */
  take(files: readonly string[]): IngestedFile[] {
    return this.#ingest.files(files).map((result) => {
      if (result.outcome === 'waiting') return this.#keep(result);
      this.#waiting.remove(result.file);
      return result;
    });
  }

  /** One that cannot be kept in mind has failed. */
  #keep(result: IngestedFile): IngestedFile {
    try {
      this.#waiting.add(result.file);
      return result;
    } catch (error) {
      return { ...result, outcome: 'failed', problem: `it cannot wait: ${sentenceOf(error)}` };
    }
  }

  /** Files that waited and need not any more; `wanted` names those whose exposure may have come. */
  late(wanted: (name: string) => boolean = () => true): IngestedFile[] {
    const ready = this.#waiting.files.filter((file) => wanted(basename(file)));
    return this.take(ready).filter(({ outcome }) => outcome !== 'waiting');
  }

  get waiting(): number {
    return this.#waiting.files.length;
  }
}
