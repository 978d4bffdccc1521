// SPDX-License-Identifier: Apache-2.0
// The profile's part about full frames: roles aos and auxtel.

import { join, resolve } from 'node:path';
import type { LinkSettings } from '../model/daq.js';
import { type ImageBoard, latissBoard, wavefrontBoards } from '../model/image-detectors.js';
import { show } from '../model/show.js';
import { defaults, type ImageProfile, type ProfileFile } from './profile.js';

type Section = Readonly<Record<string, unknown>>;

function boardsOf(role: unknown): readonly ImageBoard[] {
  if (role === 'aos') return wavefrontBoards;
  return role === 'auxtel' ? [latissBoard] : [];
}

/** What is in the headers of a role's images. */
function checkInstrument(role: unknown, instrument: unknown, out: string[]): void {
  const { aos, auxtel } = defaults.instrument;
  const [own, other] = role === 'auxtel' ? [auxtel, aos] : [aos, auxtel];
  if (instrument === other)
    out.push(`agent.instrument: expected ${own} for role ${String(role)}, got ${show(other)}`);
}

/** Files of looks have the stems of raw files. */
function checkLooks({ directory, quicklook }: Section, out: string[]): void {
  const looks = (quicklook as Section | null | undefined)?.directory;
  if (typeof directory !== 'string' || typeof looks !== 'string' || resolve(looks) !== resolve(directory))
    return;
  out.push(
    `image.quicklook.directory: expected another folder than image.directory, whose sidecars have the same names, got ${show(looks)}`,
  );
}

/** What role and sections have to do with each other. */
export function checkImage(
  { role, instrument }: Section,
  guider: unknown,
  image: unknown,
  driver: unknown,
  out: string[],
): void {
  const takesImages = role === 'aos' || role === 'auxtel';
  if (takesImages) checkInstrument(role, instrument, out);
  if (role === 'guider' && guider === undefined)
    out.push('guider: expected the keys of role guider, got nothing');
  if (takesImages && guider !== undefined)
    out.push(`guider: expected nothing, role ${role} has no guide sensors`);
  if (takesImages && image === undefined) out.push(`image: expected the keys of role ${role}, got nothing`);
  if (role === 'guider' && image !== undefined)
    out.push('image: expected nothing, role guider takes no full frames');
  if (takesImages && driver === 'replay')
    out.push('daq.driver: expected wire or plugin, replay has no full frames');
  if (typeof image !== 'object' || image === null) return;
  const { boards, detectors } = image as Section;
  checkLooks(image as Section, out);
  const known = boardsOf(role).map(({ raftBay }) => raftBay);
  if (Array.isArray(boards))
    boards.forEach((name, i) => {
      const key = `image.boards.${i}`;
      if (typeof name === 'string' && !known.includes(name))
        out.push(`${key}: expected one of ${known.join(', ')}, got ${show(name)}`);
      if (boards.indexOf(name) < i) out.push(`${key}: expected each board once, got ${show(name)} again`);
    });
  const names = boardsOf(role).flatMap((board) => board.detectors.map((d) => d.detectorName));
  if (typeof detectors !== 'object' || detectors === null) return;
  for (const name of Object.keys(detectors))
    if (!names.includes(name))
      out.push(`image.detectors.${name}: expected one of ${names.join(', ')}, got ${show(name)}`);
}

export function wantedBoards(file: ProfileFile): readonly ImageBoard[] {
  const wanted = file.image?.boards;
  return boardsOf(file.agent.role).filter(({ raftBay }) => wanted?.includes(raftBay) ?? true);
}

export function imageProfile(file: ProfileFile, folder: string): ImageProfile | null {
  const { image } = file;
  if (!image) return null;
  return {
    boards: wantedBoards(file),
    directory: resolve(folder, image.directory),
    headerDeadlineMs: image.headerDeadlineMs ?? defaults.headerDeadlineMs,
    priority: image.priority ?? defaults.imagePriority,
    quicklook:
      image.quicklook === null
        ? null
        : {
            // Beside the raw files unless it says otherwise.
            directory: image.quicklook?.directory
              ? resolve(folder, image.quicklook.directory)
              : join(resolve(folder, image.directory), defaults.quicklook.directory),
            isrFiles: image.quicklook?.isrFiles ?? defaults.quicklook.isrFiles,
          },
    values: {
      keywords: image.keywords ?? {},
      detectors: image.detectors ?? {},
      rebCond: image.rebCond ?? {},
      configCond: image.configCond ?? {},
    },
  };
}

/** The link's settings that are about images; {}: it takes none. `butlerFolder`: calibrations that a repository keeps. */
export function imageLinkSettings(
  file: ProfileFile,
  folder: string,
  butlerFolder: string | null = null,
): Pick<LinkSettings, 'images' | 'imageWriter' | 'imageLooker'> {
  const { image } = file;
  if (!image) return {};
  const boards = wantedBoards(file);
  return {
    images: {
      sources: boards.map(({ location, kind }) => ({ location, kind })),
      sets: image.sets ?? 2 * boards.length,
      hugePages: file.daq.hugePages ?? true,
    },
    imageWriter: {
      folder: resolve(folder, image.directory),
      threads: image.threads ?? defaults.imageThreads,
      idle: image.priority === 'idle',
    },
    ...(image.quicklook !== null && {
      imageLooker: lookerSettings(
        file,
        image.calibrations ? resolve(folder, image.calibrations) : (butlerFolder ?? ''),
      ),
    }),
  };
}

function lookerSettings(file: ProfileFile, calibrations: string): NonNullable<LinkSettings['imageLooker']> {
  const { quicklook } = file.image ?? {};
  const threads = quicklook?.threads ?? defaults.quicklook.threads;
  const detectors = wantedBoards(file).flatMap((board) =>
    board.detectors.map(({ calibration }) => ({ name: calibration, kind: board.kind })),
  );
  return {
    calibrations,
    workers: Math.min(threads, detectors.length),
    threads,
    idle: file.image?.priority === 'idle',
    detectors: calibrations ? detectors : [],
    steps: [
      ...(quicklook?.skip ?? []).map((name) => ({ name, on: false })),
      { name: 'interpolation', on: quicklook?.interpolate ?? false },
    ],
  };
}
