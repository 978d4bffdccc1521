// SPDX-License-Identifier: Apache-2.0
// A real sky image (kbarbary/sep, ESO NTT 1992) with the positions SExtractor found in it: of isolated unsaturated stars
// ours must agree with its windowed ones, and with those of sep, within the errors of both.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { NativeKernel, readFitsImage } from '../../../agent/daq/kernel.js';
import { measureAt } from '../../../agent/measure/image.js';
import { type Answer, answerIn } from '../../../agent/measure/kernel.js';
import { table } from '../report.js';
import type { GoalLine } from './goals.js';
import { rms } from './score.js';

export interface RealSky {
  readonly image: string;
  readonly catalogue: string;
}

/** Null where the data is not on this machine. */
export function findRealSky(): RealSky | null {
  const root = process.env.SUMMIT_REAL_DATA ?? join('..', 'shared', 'data', 'real');
  const folder = join(root, 'kbarbary-sep', 'data');
  const found = { image: join(folder, 'image.fits'), catalogue: join(folder, 'image.cat') };
  return existsSync(found.image) && existsSync(found.catalogue) ? found : null;
}

/** Positions in px, 0-based. */
export interface CatalogueStar {
  readonly x: number;
  readonly y: number;
  /** windowed, with the errors of the isophotal position: SExtractor was not asked for others */
  readonly windowedX: number;
  readonly windowedY: number;
  readonly ex: number;
  readonly ey: number;
  /** rms of the profile along its major axis, px */
  readonly major: number;
  readonly flux: number;
  readonly fluxErr: number;
  /** px, the second of three radii: that of half the light */
  readonly halfLight: number;
  readonly flags: number;
}

/** Columns by the catalogue's own header, which names the first of a vector. */
export function readCatalogue(text: string): readonly CatalogueStar[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const columns = new Map<string, number>();
  for (const line of lines) {
    const head = /^#\s*(\d+)\s+(\S+)/.exec(line);
    if (head !== null) columns.set(head[2] ?? '', Number(head[1]) - 1);
  }
  return lines
    .filter((line) => !line.startsWith('#'))
    .map((line) => {
      const fields = line.trim().split(/\s+/).map(Number);
      const value = (name: string, at = 0): number =>
        fields[(columns.get(name) ?? Number.NaN) + at] ?? Number.NaN;
      return {
        x: value('X_IMAGE') - 1,
        y: value('Y_IMAGE') - 1,
        windowedX: value('XWIN_IMAGE') - 1,
        windowedY: value('YWIN_IMAGE') - 1,
        ex: Math.sqrt(value('ERRX2_IMAGE')),
        ey: Math.sqrt(value('ERRY2_IMAGE')),
        major: value('A_IMAGE'),
        flux: value('FLUX_AUTO'),
        fluxErr: value('FLUXERR_AUTO'),
        halfLight: value('FLUX_RADIUS', 1),
        flags: value('FLAGS'),
      };
    });
}

const edge = 8;
const clear = 10;
const side = 256;

/** Unflagged, of a star's size, well above the noise, and nothing of a twentieth of its light within 10 px. */
export function isolatedStars(all: readonly CatalogueStar[]): readonly CatalogueStar[] {
  const inside = (at: number): boolean => at > edge && at < side - 1 - edge;
  return all.filter(
    (star) =>
      star.flags === 0 &&
      star.flux > 10 * star.fluxErr &&
      star.halfLight > 1.1 &&
      star.halfLight < 1.9 &&
      star.major < 1.7 &&
      inside(star.x) &&
      inside(star.y) &&
      all.every(
        (other) =>
          other === star ||
          other.flux < 0.05 * star.flux ||
          Math.hypot(other.x - star.x, other.y - star.y) > clear,
      ),
  );
}

/** electron/ADU: the sky of 6856 ADU has a noise of 68 ADU */
const gain = 1.48;

export function measureStars(image: string, stars: readonly CatalogueStar[]): readonly (Answer | null)[] {
  const pixels = readFitsImage(image, 0);
  const size = 40;
  const settings = { maxRows: size, maxCols: size, gain, readNoise: 0, saturation: 2 ** 31 - 1 };
  const kernel = new NativeKernel({ ...settings, expectedFwhm: 2.7 });
  return stars.map(({ x, y }) => answerIn(measureAt(kernel, pixels, x, y, size, 3)));
}

export interface Residual {
  readonly x: number;
  readonly y: number;
  readonly snr: number;
  /** px, ours less theirs */
  readonly dx: number;
  readonly dy: number;
  /** px, of both */
  readonly ex: number;
  readonly ey: number;
}

export function residualsOf(
  stars: readonly CatalogueStar[],
  answers: readonly (Answer | null)[],
  theirs: (i: number) => readonly [number, number] | null,
): readonly Residual[] {
  return stars.flatMap((star, i) => {
    const ours = answers[i];
    const place = theirs(i);
    if (ours === null || ours === undefined || ours.flagged || place === null) return [];
    const ex = Math.hypot(ours.ex, star.ex);
    const ey = Math.hypot(ours.ey, star.ey);
    return [{ x: ours.x, y: ours.y, snr: ours.snr, dx: ours.x - place[0], dy: ours.y - place[1], ex, ey }];
  });
}

export function pullOf(residuals: readonly Residual[]): number {
  return rms(residuals.flatMap(({ dx, dy, ex, ey }) => [dx / ex, dy / ey]));
}

export function withinErrors({ dx, dy, ex, ey }: Residual, sigmas: number): boolean {
  return Math.abs(dx) <= sigmas * ex && Math.abs(dy) <= sigmas * ey;
}

/** Windowed positions by sep, null without it. */
function sepPositions(
  python: string | null,
  image: string,
  stars: readonly CatalogueStar[],
): readonly (readonly [number, number])[] | null {
  if (python === null) return null;
  const places = JSON.stringify(stars.map(({ x, y }) => [x, y]));
  const script = join('scripts', 'bench', 'accuracy', 'real_sky.py');
  return JSON.parse(execFileSync(python, [script, image], { input: places, encoding: 'utf8' })) as [
    number,
    number,
  ][];
}

export interface SkyReport {
  readonly stars: number;
  readonly catalogue: readonly Residual[];
  readonly sep: readonly Residual[] | null;
}

/** `python`: an interpreter that has sep; null: without it. */
export function compareRealSky(sky: RealSky, python: string | null): SkyReport {
  const stars = isolatedStars(readCatalogue(readFileSync(sky.catalogue, 'utf8')));
  const answers = measureStars(sky.image, stars);
  const windowed = (i: number): readonly [number, number] | null => {
    const star = stars[i];
    return star === undefined ? null : [star.windowedX, star.windowedY];
  };
  const positions = sepPositions(python, sky.image, stars);
  return {
    stars: stars.length,
    catalogue: residualsOf(stars, answers, windowed),
    sep: positions === null ? null : residualsOf(stars, answers, (i) => positions[i] ?? null),
  };
}

export function skyLines({ stars, catalogue, sep }: SkyReport): GoalLine[] {
  const line = (name: string, residuals: readonly Residual[]): GoalLine => {
    const agree = residuals.filter((one) => withinErrors(one, 3)).length;
    return {
      quantity: `real sky, within 3 sigma of ${name}`,
      goal: 'all',
      measured: `${agree} of ${stars}, pull ${pullOf(residuals).toFixed(2)}`,
      met: agree === stars,
      peers: {},
    };
  };
  return [
    line("SExtractor's XWIN", catalogue),
    ...(sep === null ? [] : [line("sep's windowed positions", sep)]),
  ];
}

export function printSky({ catalogue, sep }: SkyReport): void {
  const milli = (px: number): string => (1000 * px).toFixed(0);
  const rows = catalogue.map((one, i) => {
    const other = sep?.[i];
    return [
      `${one.x.toFixed(1)}, ${one.y.toFixed(1)}`,
      one.snr.toFixed(0),
      milli(one.dx),
      milli(one.dy),
      other === undefined ? '-' : milli(other.dx),
      other === undefined ? '-' : milli(other.dy),
      milli(one.ex),
      milli(one.ey),
    ];
  });
  const head = ['real sky, star at', 'SNR', 'dx SExtractor', 'dy', 'dx sep', 'dy', 'error x', 'y (mpx)'];
  console.log(`\n${table(head, rows)}`);
}
