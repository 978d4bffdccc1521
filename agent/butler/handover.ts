// SPDX-License-Identifier: Apache-2.0
// Folders that an archiver shares with the agent. What it puts into `incoming` becomes datasets and is taken out of there;
// what the agent wrote is put into `outgoing`, for the archiver to take out. Both by hard link: nothing is copied on one file
// system, and nobody sees half a file.

import { existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type HandoverSettings, type IngestedFile, ownFolder } from '../model/butler.js';
import { Folders } from './datastore.js';
import { makeFolders } from './durable.js';
import { sidecarOf } from './fits-header.js';
import { WaitingFiles } from './waiting.js';

/** One that is being written by somebody who does not link is older than that when it is whole. */
const settledMs = 1000;
const refusedFolder = 'refused';

/** What was refused before under the same name stays. */
function freeName(path: string): string {
  let name = path;
  for (let i = 1; existsSync(name); i++) name = `${path}.${i}`;
  return name;
}

export class Handover {
  readonly #settings: HandoverSettings;
  /** written by this agent, and not in `outgoing` yet; it outlives the process */
  readonly #owed: WaitingFiles | null;

  constructor(root: string, settings: HandoverSettings) {
    this.#settings = settings;
    this.#owed = settings.outgoing === null ? null : new WaitingFiles(join(root, ownFolder, 'outgoing'));
  }

  /** Files that have to stay until the archiver has them. */
  get owed(): readonly string[] {
    return this.#owed?.files ?? [];
  }

  /** null: its folders are there. */
  get problem(): string | null {
    const { incoming, outgoing } = this.#settings;
    const lacking = [incoming, outgoing].find((folder) => folder !== null && !existsSync(folder));
    return lacking ? `${lacking}: expected a folder of the archiver, got none` : null;
  }

  /** Whole files in `incoming`. */
  arrived(): string[] {
    const { incoming } = this.#settings;
    if (incoming === null || !existsSync(incoming)) return [];
    const now = Date.now();
    return readdirSync(incoming)
      .filter((name) => /\.fits(\.(fz|gz))?$/.test(name) && !name.startsWith('.'))
      .map((name) => join(incoming, name))
      .filter((file) => {
        const stats = statSync(file, { throwIfNoEntry: false });
        return stats?.isFile() && (stats.nlink > 1 || now - stats.mtimeMs > settledMs);
      });
  }

  isIncoming(file: string): boolean {
    return this.#settings.incoming !== null && dirname(file) === this.#settings.incoming;
  }

  /** Before these are ingested: what happens next, the archiver shall have them. */
  owe(files: readonly string[]): void {
    for (const file of files) if (!this.isIncoming(file)) this.#owed?.add(file);
  }

  /** What became of files of either kind. Throws what the file system says. */
  settle({ file, outcome }: IngestedFile): void {
    const done = outcome === 'ingested' || outcome === 'unchanged';
    const refused = outcome === 'conflict' || outcome === 'bad_metadata';
    if (this.isIncoming(file)) {
      if (done) for (const one of [file, sidecarOf(file)]) rmSync(one, { force: true });
      if (refused) this.#setAside(file);
    } else if (refused) this.#owed?.remove(file);
    else if (done && this.#owed?.files.includes(file)) this.#give(file);
  }

  #setAside(file: string): void {
    const folder = join(dirname(file), refusedFolder);
    makeFolders(folder);
    for (const one of [file, sidecarOf(file)])
      if (existsSync(one)) renameSync(one, freeName(join(folder, basename(one))));
  }

  /** The sidecar first: who sees the file sees both. */
  #give(file: string): void {
    const { outgoing } = this.#settings;
    if (outgoing === null) return;
    const folders = new Folders();
    for (const one of [sidecarOf(file), file])
      if (existsSync(one)) folders.put(one, join(outgoing, basename(one)), 'link');
    folders.sync();
    this.#owed?.remove(file);
  }
}
