// SPDX-License-Identifier: Apache-2.0
// summit-agent process

import { accessSync, constants, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { makeFolders } from '../butler/durable.js';
import { Images } from '../daq/images.js';
import type { FocusFit } from '../image/focus-fit.js';
import { drawFrame } from '../image/picture.js';
import { isSidecar, productJson, put } from '../image/products/files.js';
import type { FrameReport } from '../image/report.js';
import { defocusOf, FocusSeries } from '../image/summary.js';
import { AgentError, sentenceOf } from '../model/errors.js';
import type { Command, Surroundings } from './command.js';
import { listOf, type Options, requireText, wholeNumberOf, words } from './options.js';
import { Progress } from './progress.js';

const switches = [
  'serial_overscan',
  'saturation',
  'crosstalk',
  'parallel_overscan',
  'linearity',
  'bias',
  'dark',
  'defects',
  'flat',
] as const;

export const process: Command = {
  summary: 'removes the instrument signature of archived raw frames and looks at them',
  help: `usage: summit-agent process FILE... --out DIR [--calib DIR] [OPTIONS]

FILE is a raw frame of LATISS or of a wavefront half as the camera archives it: 16 or 8 segments, RICE_1 or plain, also
gzip inside a .fits name.

  --out DIR         where the results go; made if it does not exist. Not the folder of raw files, whose sidecars are named alike
                      <stem>.isr.fits   image (electron), mask and variance of the assembled CCD
                      <stem>.json       what was done and seen: target, offset, spectrum, focus, donuts (agent/README.md)
                      <stem>.png        the frame with marks, and its spectrum
                      summary.json      all frames, best focus, radius difference of the wavefront halves
  --calib DIR       master calibrations, DIR/DETECTOR/{bias,dark,flat,defects,crosstalk,ptc,linearizer}.fits with DETECTOR
                    LATISS or such as R44_SW0. What is missing is left out, said on stderr and in the results
  --skip STEP       a step that is not done; repeatable: ${switches.join(', ')}
  --interpolate     fills bad and saturated pixels along their rows
  --no-isr-files    without <stem>.isr.fits
  --threads N       1..8 (default 2)

A file that cannot be processed is named with the reason, and the others are. Exit code 0: all were processed; 1: some
were not; 2: the command is wrong.

examples: summit-agent process AT_O_20261102_000042_R00_S00.fits --calib calib --out results
          summit-agent process raw/*.fits --out /tmp/looks --no-isr-files
`,
  options: {
    [words]: { type: 'string', multiple: true },
    out: { type: 'string' },
    calib: { type: 'string' },
    skip: { type: 'string', multiple: true },
    interpolate: { type: 'boolean' },
    'no-isr-files': { type: 'boolean' },
    threads: { type: 'string' },
  },
  async run(options, around) {
    const files = listOf(options, words);
    if (files.length === 0) throw usage('expected a FILE; see summit-agent process --help');
    const out = requireText(options, 'out', 'process');
    refuseSameNames(files);
    refuseSidecars(files, out);
    const calibrations = folderOf(options);
    const threads = wholeNumberOf(options, 'threads', 1, 8, 2);
    const images = new Images({ calibrations, threads, steps: stepsOf(options) });
    makeFolder(out);
    return processAll(images, files, out, options['no-isr-files'] !== true, around);
  },
};

function usage(problem: string): AgentError {
  return new AgentError('usage', problem);
}

function stemOf(path: string): string {
  return basename(path).replace(/\.(fits|fit|fz|gz)(\.(fz|gz))?$/i, '');
}

function refuseSameNames(files: readonly string[]): void {
  const seen = new Map<string, string>();
  for (const file of files) {
    const other = seen.get(stemOf(file));
    if (other !== undefined)
      throw usage(`${file}: its results would replace those of ${other}; process it by itself`);
    seen.set(stemOf(file), file);
  }
}

/** The folder of raw files is not one for results: both have <stem>.json. */
function refuseSidecars(files: readonly string[], out: string): void {
  for (const file of files) {
    const json = join(out, `${stemOf(file)}.json`);
    if (isSidecar(json))
      throw usage(`--out: expected a folder without raw files, got ${out}: ${json} is the sidecar of one`);
  }
}

function folderOf(options: Options): string {
  if (typeof options.calib !== 'string') return '';
  if (statSync(options.calib, { throwIfNoEntry: false })?.isDirectory() === true) return options.calib;
  throw usage(`--calib: expected a directory with a directory for each detector, got ${options.calib}`);
}

function stepsOf(options: Options): Record<string, boolean> {
  const steps: Record<string, boolean> = { interpolation: options.interpolate === true };
  for (const name of listOf(options, 'skip')) {
    if (!switches.some((known) => known === name))
      throw usage(`--skip: expected one of ${switches.join(', ')}, got ${name}`);
    steps[name] = false;
  }
  return steps;
}

function makeFolder(path: string): void {
  try {
    makeFolders(resolve(path));
    if (!statSync(path).isDirectory()) throw new Error(`${path}: expected a directory`);
    accessSync(path, constants.W_OK);
  } catch (error) {
    throw new AgentError('usage', `--out: ${sentenceOf(error)}`, { cause: error });
  }
}

function putOrRefuse(path: string, content: string | Buffer): void {
  try {
    put(path, content);
  } catch (error) {
    throw new AgentError('image', `${path}: cannot be written: ${sentenceOf(error)}`, { cause: error });
  }
}

interface Line {
  readonly file: string;
  readonly detector: string;
  readonly obsid: unknown;
  readonly flags: readonly string[];
  readonly focus_fit: FocusFit | null;
}

async function processAll(
  images: Images,
  files: readonly string[],
  out: string,
  isrFiles: boolean,
  around: Surroundings,
): Promise<number> {
  const progress = new Progress(around.stderr, 'processing');
  const series = new FocusSeries();
  const done: Line[] = [];
  const failed: { readonly file: string; readonly problem: string }[] = [];
  const told = new Set<string>();
  const reports: FrameReport[] = [];
  try {
    for (const [i, file] of files.entries()) {
      if (around.stop.aborted) break;
      progress.at(i / files.length, basename(file));
      try {
        const stem = join(out, stemOf(file));
        const {
          report: text,
          preview,
          cols,
          rows,
        } = await images.process(file, isrFiles ? `${stem}.isr.fits` : '');
        const report = JSON.parse(text) as FrameReport;
        const focusFit = series.add(report);
        reports.push(withoutSpectrum(report));
        putOrRefuse(`${stem}.json`, productJson(report, { file: basename(file), focus_fit: focusFit }));
        putOrRefuse(`${stem}.png`, drawFrame(report, { cols, rows, pixels: preview }));
        const { flags } = report.product.quality;
        done.push({
          file: basename(file),
          detector: report.detector,
          obsid: report.header.OBSID,
          flags,
          focus_fit: focusFit,
        });
        progress.end();
        tellMissing(report, told, around);
        around.stdout.write(`${basename(file)}: ${lineOf(report)}\n`);
      } catch (error) {
        if (!(error instanceof AgentError)) throw error;
        failed.push({ file: basename(file), problem: error.message });
        progress.end();
        around.stderr.write(`${error.message}\n`);
      }
    }
  } finally {
    progress.end();
  }
  const focus = series.best();
  putOrRefuse(
    join(out, 'summary.json'),
    `${JSON.stringify({ files: done, failed, focus, defocus: defocusOf(reports) })}\n`,
  );
  if (focus !== null)
    around.stdout.write(
      `focus: ${focus.best_z_mm.toFixed(4)} mm +- ${focus.err.toFixed(4)} from ${focus.n} frames\n`,
    );
  return failed.length > 0 || around.stop.aborted ? 1 : 0;
}

/** Of hundreds of frames the spectra are not kept. */
function withoutSpectrum(report: FrameReport): FrameReport {
  return { ...report, product: { ...report.product, spectrum: null } };
}

function tellMissing(report: FrameReport, told: Set<string>, { stderr }: Surroundings): void {
  for (const sentence of report.isr.missing) {
    const line = `${report.detector}: not calibrated: ${sentence}`;
    if (!told.has(line)) stderr.write(`${line}\n`);
    told.add(line);
  }
}

function lineOf({ detector, isr, product, times_ms }: FrameReport): string {
  const total = Object.values(times_ms).reduce((sum, ms) => sum + ms, 0);
  const flags = product.quality.flags.length === 0 ? '' : `, ${product.quality.flags.join(' ')}`;
  return `${detector}, ${isr.applied.length} steps${flags}, ${total.toFixed(0)} ms`;
}
