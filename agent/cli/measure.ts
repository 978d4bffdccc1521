// SPDX-License-Identifier: Apache-2.0
// summit-agent measure

import { readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { NativeKernel, openGuiderFile, readFitsImage } from '../daq/kernel.js';
import { detectStars, leastSide, measureAt } from '../measure/image.js';
import { answerIn, type Kernel, type Outcome, outcomeOf, type Pixels } from '../measure/kernel.js';
import { CountingKernel, Refusals } from '../measure/refusals.js';
import { readStampSet } from '../measure/stamp-set.js';
import { Tracker } from '../measure/tracker.js';
import { AgentError, sentenceOf } from '../model/errors.js';
import { doNotUse, flagNames } from '../model/flags.js';
import type { Command, Surroundings } from './command.js';
import { type Calibrations, calibrationsOf, type KnownRoi } from './measure-calibrations.js';
import { listOf, numberOf, type Options, wholeNumberOf, words } from './options.js';
import { OutFile } from './out-file.js';
import { Progress } from './progress.js';

/** Median of the camera's guide sensors, electron/ADU. */
const guiderGain = 1.46;
/** px: WideSearch::kMaxSide of addons/pixels/search.h */
const mostSide = 512;

/** by name of the group, in order */
type Outcomes = ReadonlyMap<string, readonly Outcome[]>;

export const measure: Command = {
  summary: 'measures stars in archived data with the kernel of the live agent',
  help: `usage: summit-agent measure PATH... [--out FILE] [OPTIONS]
       summit-agent measure IMAGE.fits --at X,Y... | --detect [--size N] [--hdu N] [--out FILE]

PATH is
  a directory with a set of stamps   index.json (format guider-stamps-1) and raw little-endian files; groups named
                                     series_* are consecutive stamps of one sensor and are tracked
  a guider FITS file                 its stamps are one series
  any 2-D FITS image                 with --at or --detect

  --at X,Y          the star at this place of the image (px, 0-based, integer = pixel centre); repeatable
  --detect          the stars of the image: the brightest of each square of --size, squares overlapping by half
  --size N          px, ${leastSide}..${mostSide} (default 50; with --detect 100)
  --radius R        how far from --at the star may be, px (default 5)
  --hdu N           HDU of the image, the primary is 1 (default: the first 2-D image)
  --gain G          electron/ADU (default ${guiderGain}, the median of the guide sensors; images: 1). Of an image in other
                    units: electrons per such unit
  --read-noise N    electron (default: estimated from each stamp)
  --saturation N    ADU (default 262143)
  --fwhm PX         expected width, 1.1 to 19 (default 4)
  --calib DIR       master calibrations of the camera's assembled CCDs, DIR/DETECTOR/{bias,dark,flat,defects,ptc}.fits,
                    cropped to the ROI; of stamps only. What is missing is said on stderr, and results carry
                    uncalibrated. Gain and read noise are those of ptc.fits unless given
  --detector NAME   of --calib, with --segment N (amplifier label), --start-row N, --start-col N (from the readout
                    corner), --integration-ms N (of the dark): where the stamps' file does not tell
  --out FILE        JSON: {"GROUP": [null | {"x","y","ex","ey","flux","fluxErr","fwhm","snr","chi2","flagged","flags"}]}
                    one element per stamp in order, null: no measurement. Without --out: one line per stamp, which
                    says why there is no measurement: no_star, or the fault for which the stamp was refused.
                    FILE appears when all is measured, whole or not at all; what was there before stays until then

Stamps and squares of the image have sides of at most ${mostSide} px. How many were refused and why is said on stderr.

Positions are px of the stamp or image, 0-based, an integer is a pixel's centre. "flagged" means do not use:
  ${flagNames(doNotUse).join(', ')}
The other flags inform; addons/README.md says what each means. Exit code 0: all was measured; 2: an input is wrong.

examples: summit-agent measure night/stamps --out results.json
          summit-agent measure MC_O_20260714_000123_R00_SG0_guider.fits
          summit-agent measure sky.fits --detect --gain 1.1
          summit-agent measure MC_O_20260714_000123_R00_SG0_guider.fits --calib calibrations
`,
  options: {
    [words]: { type: 'string', multiple: true },
    at: { type: 'string', multiple: true },
    detect: { type: 'boolean' },
    size: { type: 'string' },
    radius: { type: 'string' },
    hdu: { type: 'string' },
    gain: { type: 'string' },
    'read-noise': { type: 'string' },
    saturation: { type: 'string' },
    fwhm: { type: 'string' },
    calib: { type: 'string' },
    detector: { type: 'string' },
    segment: { type: 'string' },
    'start-row': { type: 'string' },
    'start-col': { type: 'string' },
    'integration-ms': { type: 'string' },
    out: { type: 'string' },
  },
  async run(options, around) {
    const paths = listOf(options, words);
    if (paths.length === 0) throw usage('expected a PATH; see summit-agent measure --help');
    const isImage = options.detect === true || listOf(options, 'at').length > 0;
    refuseIdle(options, ofImages, isImage, '--at or --detect');
    refuseIdle(options, ofCalibrations, options.calib !== undefined, '--calib');
    const out = typeof options.out === 'string' ? new OutFile(options.out, paths.flatMap(filesOf)) : null;
    try {
      const outcomes = await measureAll(paths, isImage, options, around);
      if (outcomes === null) return 1;
      if (out === null) around.stdout.write(linesOf(outcomes));
      else around.stderr.write(`${options.out}: ${publish(out, outcomes)}\n`);
      return 0;
    } finally {
      out?.discard();
    }
  },
};

/** A path, or the files of a stamp set: none of them may be written over. */
function filesOf(path: string): readonly string[] {
  const isSet = statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  return isSet ? readdirSync(path).map((name) => join(path, name)) : [path];
}

/** null: stopped before all was measured. */
async function measureAll(
  paths: readonly string[],
  isImage: boolean,
  options: Options,
  around: Surroundings,
): Promise<Outcomes | null> {
  const outcomes = new Map<string, readonly Outcome[]>();
  for (const path of paths) {
    const found = isImage ? measureImage(path, options, around) : await measureStamps(path, options, around);
    for (const [group, list] of found) {
      if (outcomes.has(group)) throw usage(`${path}: a second group named ${group}; measure it by itself`);
      outcomes.set(group, list);
    }
    if (around.stop.aborted) return null;
  }
  return outcomes;
}

function usage(problem: string): AgentError {
  return new AgentError('usage', problem);
}

const ofImages = ['size', 'radius', 'hdu'];
const ofCalibrations = ['detector', 'segment', 'start-row', 'start-col', 'integration-ms'];

/** Refuses options that would do nothing without another one. */
function refuseIdle(options: Options, names: readonly string[], used: boolean, without: string): void {
  const idle = used ? undefined : names.find((name) => options[name] !== undefined);
  if (idle !== undefined) throw usage(`--${idle}: expected ${without} as well`);
}

function kernelOf(
  options: Options,
  gain: number,
  rows: number,
  cols: number,
  refusals: Refusals,
  calibrations: Calibrations | null = null,
): { readonly kernel: Kernel; readonly missing: readonly string[] } {
  const kernel = new NativeKernel({
    maxRows: Math.max(rows, 1),
    maxCols: Math.max(cols, 1),
    gain: calibrations?.order.gain ?? numberOf(options, 'gain', 1e-9, 1e9, gain),
    readNoise: numberOf(options, 'read-noise', 0, 1e4, calibrations?.readNoise ?? 0),
    saturation: numberOf(options, 'saturation', 1, 2 ** 31 - 1, 262_143),
    expectedFwhm: numberOf(options, 'fwhm', 1.1, 19, 4),
    calibrated: calibrations !== null,
  });
  const missing = calibrations === null ? [] : kernel.calibrate(calibrations.order);
  return {
    kernel: new CountingKernel(kernel, refusals),
    missing: [...(calibrations?.missing ?? []), ...missing],
  };
}

function tell(path: string, sentence: string | null, { stderr }: Surroundings): void {
  if (sentence !== null) stderr.write(`${path}: ${sentence}\n`);
}

interface Stamps {
  readonly name: string;
  readonly series: boolean;
  readonly stamps: number;
  readonly rows: number;
  readonly cols: number;
  open(): (i: number) => Pixels;
  /** what the file tells of the ROI */
  readonly roi?: KnownRoi;
  /** where stamps differ in size */
  readonly sides?: (i: number) => { readonly rows: number; readonly cols: number };
}

const untold: KnownRoi = {
  detector: null,
  segment: null,
  startRow: null,
  startCol: null,
  integrationMs: null,
};

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    throw new AgentError('usage', sentenceOf(error), { cause: error });
  }
}

function guiderFileOf(path: string): ReturnType<typeof openGuiderFile> {
  try {
    return openGuiderFile(path);
  } catch (error) {
    const sentence = sentenceOf(error);
    if (!sentence.includes(': no stamps: ')) throw error;
    throw new AgentError('usage', `${sentence}; a 2-D image needs --at or --detect`, { cause: error });
  }
}

function groupsOf(path: string): readonly Stamps[] {
  if (isDirectory(path)) return readStampSet(path);
  const file = guiderFileOf(path);
  const sizes = file.stamps();
  const rows = Math.max(...sizes.map((stamp) => stamp.rows));
  const cols = Math.max(...sizes.map((stamp) => stamp.cols));
  const sides = (i: number) => sizes[i] ?? { rows, cols };
  return [
    {
      name: stemOf(path),
      series: true,
      stamps: sizes.length,
      rows,
      cols,
      roi: file.roi(),
      sides,
      open: () => (i) => file.read(i),
    },
  ];
}

function stemOf(path: string): string {
  return basename(path).replace(/\.(fits|fit|fz|gz)(\.(fz|gz))?$/i, '');
}

async function measureStamps(path: string, options: Options, around: Surroundings): Promise<Outcomes> {
  const groups = groupsOf(path);
  for (const { name, rows, cols } of groups) {
    if (rows > mostSide || cols > mostSide || rows < 1 || cols < 1)
      throw usage(`${path}: ${name}: expected stamps of 1..${mostSide} px a side, got ${cols} x ${rows}`);
  }
  const total = groups.reduce((sum, group) => sum + group.stamps, 0);
  const progress = new Progress(around.stderr, `measuring ${basename(path)}`);
  const outcomes = new Map<string, Outcome[]>();
  const refusals = new Refusals();
  const told = new Set<string>();
  let done = 0;
  try {
    for (const group of groups) {
      const { rows: height, cols: width, roi = untold } = group;
      const calibrations = calibrationsOf(options, roi, height, width, guiderGain);
      const { kernel, missing } = kernelOf(options, guiderGain, height, width, refusals, calibrations);
      for (const sentence of missing) {
        if (!told.has(sentence)) tell(path, `not calibrated: ${sentence}`, around);
        told.add(sentence);
      }
      const read = group.open();
      const list: Outcome[] = [];
      const tracker = new Tracker();
      for (let i = 0; i < group.stamps && !around.stop.aborted; i++) {
        const { rows, cols } = group.sides?.(i) ?? group;
        list.push(
          group.series ? track(kernel, tracker, read(i), rows, cols) : alone(kernel, read(i), rows, cols),
        );
        done++;
        if (progress.at(done / total)) await new Promise((resolve) => setImmediate(resolve));
      }
      outcomes.set(group.name, list);
    }
  } finally {
    progress.end();
  }
  tell(path, refusals.sentence('stamps'), around);
  return outcomes;
}

function alone(kernel: Kernel, pixels: Pixels, rows: number, cols: number): Outcome {
  kernel.reset();
  return outcomeOf(kernel.measure(pixels, rows, cols, null));
}

function track(kernel: Kernel, tracker: Tracker, pixels: Pixels, rows: number, cols: number): Outcome {
  const outcome = outcomeOf(kernel.measure(pixels, rows, cols, tracker.next()));
  tracker.take(answerIn(outcome));
  return outcome;
}

function measureImage(path: string, options: Options, around: Surroundings): Outcomes {
  const places = listOf(options, 'at').map(placeOf);
  const detect = options.detect === true;
  if (detect && places.length > 0) throw usage('expected either --at or --detect');
  if (isDirectory(path)) throw usage(`${path}: --at and --detect take a FITS image, got a directory`);
  const size = wholeNumberOf(options, 'size', leastSide, mostSide, detect ? 100 : 50);
  const radius = numberOf(options, 'radius', 0.5, 1000, 5);
  const image = readFitsImage(path, wholeNumberOf(options, 'hdu', 0, 4096, 0));
  const refusals = new Refusals();
  if (options.calib !== undefined) throw usage('--calib takes stamps, not images with --at or --detect');
  const { kernel } = kernelOf(options, 1, size, size, refusals);
  const progress = new Progress(around.stderr, `measuring ${basename(path)}`);
  try {
    const list: Outcome[] = detect
      ? detectStars(kernel, image, size, (share) => progress.at(share))
      : places.map(([x, y]) => measureAt(kernel, image, x, y, size, radius));
    return new Map([[stemOf(path), list]]);
  } catch (error) {
    if (error instanceof RangeError)
      throw new AgentError('usage', `${path}: ${error.message}`, { cause: error });
    throw error;
  } finally {
    progress.end();
    tell(path, refusals.sentence('squares'), around);
  }
}

function placeOf(text: string): [number, number] {
  const [x, y, ...rest] = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  if (x !== undefined && y !== undefined && rest.length === 0 && Number.isFinite(x + y)) return [x, y];
  throw usage(`--at: expected X,Y in px such as 120.5,88, got ${text}`);
}

/** Says what was written. JSON has no NaN: it becomes null, as does a stamp without a measurement. */
function publish(out: OutFile, outcomes: Outcomes): string {
  const groups = [...outcomes].map(([group, list]) => [group, list.map(answerIn)] as const);
  out.publish(`${JSON.stringify(Object.fromEntries(groups))}\n`);
  const all = groups.flatMap(([, list]) => list);
  const none = all.filter((answer) => answer === null).length;
  const flagged = all.filter((answer) => answer?.flagged === true).length;
  return `${all.length} stamps in ${groups.length} groups: ${all.length - none - flagged} measured, ${flagged} flagged do not use, ${none} without a measurement`;
}

function linesOf(outcomes: Outcomes): string {
  const lines = ['group stamp x y ex ey flux fwhm snr chi2 flags'];
  for (const [group, list] of outcomes) {
    for (const [i, a] of list.entries()) {
      const numbers =
        typeof a === 'string'
          ? `no measurement: ${a}`
          : `${a.x.toFixed(3)} ${a.y.toFixed(3)} ${a.ex.toFixed(3)} ${a.ey.toFixed(3)} ${a.flux.toFixed(0)} ${a.fwhm.toFixed(2)} ${a.snr.toFixed(1)} ${a.chi2.toFixed(2)} ${a.flags.join(',') || '-'}${a.flagged ? ' (do not use)' : ''}`;
      lines.push(`${group} ${i} ${numbers}`);
    }
  }
  return `${lines.join('\n')}\n`;
}
