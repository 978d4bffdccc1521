// SPDX-License-Identifier: Apache-2.0
// Where files lie in a repository, and how one gets there: as a hard link where it can, so that nothing is copied and no
// reader sees half of it, else as a copy under another name first. What this returns from is on the disk.

import { createHash } from 'node:crypto';
import {
  closeSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
} from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { syncFile, syncFolder } from './durable.js';
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

/** `RUN/raw/20260315/MC_O_20260315_000051/raw_LSSTCam_i_39_MC_O_20260315_000051_R01_S01_LSSTCam_raw_all.fits` */
export function exposurePath(
  type: string,
  run: string,
  {
    instrument,
    obs_id,
    day_obs,
    physical_filter,
  }: Pick<ExposureRow, 'instrument' | 'obs_id' | 'day_obs' | 'physical_filter'>,
  detector: string,
  extension = '.fits',
): string {
  const name = safeName([type, instrument, physical_filter, obs_id, detector, run].map(safe).join('_'));
  return `${run}/${safe(type)}/${day_obs}/${safe(obs_id)}/${name}${extension}`;
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

/** As lsst.resources writes it: Node.js escapes a tilde, Python does not. */
export function fileUri(path: string): string {
  // As a rule there is nothing to escape.
  if (/^\/[\w./~+-]+$/.test(path) && !path.includes('/.')) return `file://${path}`;
  return pathToFileURL(resolve(path)).href.replaceAll('%7E', '~');
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
function makeFolders(folder: string): string[] {
  const first = mkdirSync(folder, { recursive: true });
  if (first === undefined) return [];
  const changed = [dirname(first)];
  for (let at = folder; at.length >= first.length; at = dirname(at)) if (at !== folder) changed.push(at);
  return changed;
}

function copyDurably(from: string, to: string): void {
  const part = `${to}.part`;
  try {
    copyFileSync(from, part);
    syncFile(part);
    renameSync(part, to);
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  }
}

/** As a rule it is: the first look is the link itself. */
function linkIfFree(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch {
    return false;
  }
}

/** Folders that have to be synchronised once, however many files went there. */
export class Folders {
  readonly #changed = new Set<string>();
  readonly #known = new Set<string>();

  /** Puts a file at `to`. False: it was there before, whole and the same one. */
  put(from: string, to: string, transfer: 'link' | 'copy'): boolean {
    const folder = dirname(to);
    if (!this.#known.has(folder)) {
      for (const parent of makeFolders(folder)) this.#changed.add(parent);
      this.#known.add(folder);
    }
    this.#changed.add(folder);
    if (transfer === 'link' && linkIfFree(from, to)) return true;
    const there = look(to);
    const source = statSync(from);
    if (there && there.ino === source.ino && there.dev === source.dev) return false;
    if (transfer === 'copy') copyDurably(from, to);
    else this.#link(from, to);
    return true;
  }

  /** After this everything that was put is on the disk. */
  sync(): void {
    for (const folder of this.#changed) syncFolder(folder);
    this.#changed.clear();
  }

  #link(from: string, to: string): void {
    const part = `${to}.part`;
    try {
      linkSync(from, to);
    } catch (error) {
      if (codeOf(error) === 'EXDEV' || codeOf(error) === 'EPERM' || codeOf(error) === 'EMLINK')
        copyDurably(from, to);
      else if (codeOf(error) === 'EEXIST') {
        // Left there by a crash before its row: the file that is ingested now takes its place.
        rmSync(part, { force: true });
        linkSync(from, part);
        renameSync(part, to);
      } else throw error;
    }
  }
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
  const [one, other] = [look(a), look(b)];
  if (!one || !other) return false;
  if (one.ino === other.ino && one.dev === other.dev) return true;
  return one.size === other.size && checksum(a) === checksum(b);
}
