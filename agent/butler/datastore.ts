// SPDX-License-Identifier: Apache-2.0
// Where files lie in a repository, and how one gets there: as a hard link where it can, so that nothing is copied and no
// reader sees half of it, else as a copy under another name first. What this returns from is on the disk.

import { createHash } from 'node:crypto';
import {
  closeSync,
  copyFileSync,
  linkSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
} from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sentenceOf } from '../model/errors.js';
import { makeFolders, syncFile, syncFolder } from './durable.js';
import type { ExposureRow } from './exposure-record.js';

export type Transfer = 'link' | 'copy' | 'direct';

/** A value as a part of a path: what shells and other systems stumble over becomes an underscore. */
function safe(value: string): string {
  return value.replace(/[/ <>:"\\|?*]/g, '_');
}

/** The last part of a path: a dot would pass for an extension, a hash for a fragment. */
function safeName(name: string): string {
  return name.replaceAll('.', '_').replaceAll('#', 'HASH');
}

type NamesOfExposure = Pick<ExposureRow, 'instrument' | 'obs_id' | 'day_obs' | 'physical_filter'>;

/** `RUN/raw/20260315/MC_O_20260315_000051/raw_LSSTCam_i_39_MC_O_20260315_000051_R01_S01_LSSTCam_raw_all.fits` by detector. */
export function exposurePaths(
  type: string,
  run: string,
  { instrument, obs_id, day_obs, physical_filter }: NamesOfExposure,
): (detector: string, extension?: string) => string {
  const begin = safeName([type, instrument, physical_filter, obs_id].map(safe).join('_'));
  const end = safeName(safe(run));
  const folder = `${run}/${safe(type)}/${day_obs}/${safe(obs_id)}`;
  return (detector, extension = '.fits') =>
    `${folder}/${begin}_${safeName(safe(detector))}_${end}${extension}`;
}

/** A raw file keeps its own: `.fits`, `.fits.fz`, `.fits.gz`. */
export function extensionOf(file: string): string {
  return /\.fits?(\.(fz|gz))?$/i.exec(file)?.[0] ?? '.fits';
}

/** The same for a calibration; a flat has band and filter in it. */
export function calibPath(
  type: string,
  run: string,
  instrument: string,
  detector: string,
  filter: { readonly name: string; readonly band: string } | null,
  extension: string,
): string {
  const filterNames = filter ? [filter.band, filter.name] : [];
  const name = safeName([type, instrument, ...filterNames, detector, run].map(safe).join('_'));
  return [run, safe(type), ...filterNames.map(safe), `${name}${extension}`].join('/');
}

/** Of a path as the rows have it; null: not a file of this machine. */
export function absolutePath(root: string, path: string): string | null {
  if (path.startsWith('file:')) return fileURLToPath(path);
  return /^[a-z][a-z0-9+.-]*:/.test(path) ? null : join(root, path);
}

/** As lsst.resources writes it: Python leaves letters, digits and `_.-~` as they are, and nothing else. */
export function fileUri(path: string): string {
  // As a rule there is nothing to escape.
  if (/^\/[\w./~-]+$/.test(path) && !path.includes('/.')) return `file://${path}`;
  return `file://${resolve(path).split('/').map(escaped).join('/')}`;
}

function escaped(part: string): string {
  return encodeURIComponent(part).replace(
    /[!'()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

export function isInside(root: string, path: string): boolean {
  return resolve(path).startsWith(resolve(root) + sep);
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

export function look(path: string): Stats | null {
  return statSync(path, { throwIfNoEntry: false }) ?? null;
}

/** Makes a folder with those above it; returns the ones whose content changed. */
function changedByMaking(folder: string): string[] {
  const first = makeFolders(folder);
  if (first === null) return [];
  const changed = [dirname(first)];
  for (let at = folder; at.length >= first.length; at = dirname(at)) if (at !== folder) changed.push(at);
  return changed;
}

/** What a copy is called until it is whole: of this process, so that two do not write the same. */
function partOf(path: string): string {
  return `${path}.${process.pid}.part`;
}

/** A copy that is not whole, and the number of the process that makes it. */
export const partForm = /\.(\d+)\.part$/;

/** A copy beside `to`, on the disk, that still needs its name. */
function partCopy(from: string, to: string): string {
  const part = partOf(to);
  try {
    copyFileSync(from, part);
    syncFile(part);
    return part;
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  }
}

function copyDurably(from: string, to: string): void {
  renameSync(partCopy(from, to), to);
}

/** A file of another file system, of somebody who does not let it be linked, or with as many names as it can have. */
export class CannotLink extends Error {}

/** As a rule it is: the first look is the link itself. False: something is there. */
function linkIfFree(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    const code = codeOf(error);
    if (code === 'EEXIST') return false;
    if (code === 'EXDEV' || code === 'EPERM' || code === 'EMLINK')
      throw new CannotLink(sentenceOf(error), { cause: error });
    throw error;
  }
}

/** Folders that have to be synchronised once, however many files went there. */
export class Folders {
  readonly #changed = new Set<string>();
  readonly #known = new Set<string>();

  /** Puts a file at `to`. False: it was there before, whole and the same one. */
  put(from: string, to: string, transfer: 'link' | 'copy'): boolean {
    this.#make(to);
    if (transfer === 'copy') {
      if (isSameFile(from, to)) return false;
      copyDurably(from, to);
      return true;
    }
    try {
      return this.#link(from, to);
    } catch (error) {
      if (!(error instanceof CannotLink)) throw error;
      copyDurably(from, to);
      return true;
    }
  }

  /** A second name, in place of what is there. Throws `CannotLink`. */
  link(from: string, to: string): boolean {
    this.#make(to);
    return this.#link(from, to);
  }

  /** A copy that gets its name by `takeCopy`. */
  copy(from: string, to: string): string {
    this.#make(to);
    return partCopy(from, to);
  }

  takeCopy(part: string, to: string): void {
    this.#make(to);
    renameSync(part, to);
  }

  /** After this everything that was put is on the disk. */
  sync(): void {
    for (const folder of this.#changed) syncFolder(folder);
    this.#changed.clear();
  }

  #make(to: string): void {
    const folder = dirname(to);
    if (!this.#known.has(folder)) {
      for (const parent of changedByMaking(folder)) this.#changed.add(parent);
      this.#known.add(folder);
    }
    this.#changed.add(folder);
  }

  #link(from: string, to: string): boolean {
    if (linkIfFree(from, to)) return true;
    if (isSameFile(from, to)) return false;
    // Left there by a crash before its row: the file that is put there now takes its place.
    const part = partOf(to);
    rmSync(part, { force: true });
    linkIfFree(from, part);
    renameSync(part, to);
    return true;
  }
}

function isSameFile(a: string, b: string): boolean {
  const [one, other] = [look(a), look(b)];
  return one !== null && other !== null && one.ino === other.ino && one.dev === other.dev;
}

/** SHA-256 of a file, hexadecimal. */
export function checksum(path: string): string {
  const hash = createHash('sha256');
  const block = Buffer.alloc(1 << 20);
  const fd = openSync(path, 'r');
  try {
    for (let n = readSync(fd, block); n > 0; n = readSync(fd, block)) hash.update(block.subarray(0, n));
  } finally {
    closeSync(fd);
  }
  return hash.digest('hex');
}

/** The same bytes, at the least cost that shows it. */
export function sameContent(a: string, b: string): boolean {
  if (isSameFile(a, b)) return true;
  const [one, other] = [look(a), look(b)];
  return one !== null && one.size === other?.size && checksum(a) === checksum(b);
}
