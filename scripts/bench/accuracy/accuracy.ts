// SPDX-License-Identifier: Apache-2.0
// npm run bench -- accuracy: positions against truth and the Cramer-Rao bound, beside peers on the same stamps.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { peersPython } from '../../processes/python.js';
import { measureDecode } from '../decode.js';
import { type KernelMode, measureKernel } from '../kernel.js';
import { round, table } from '../report.js';
import { type GoalLine, goalLines, type Measured } from './goals.js';
import { generate, measureBlind, measurePredicted, type SetOptions } from './measurements.js';
import { measurePeers, type Peers } from './peers.js';
import { type Curve, plotBound } from './plot.js';
import { compareRealSky, findRealSky, printSky, type SkyReport, skyLines } from './real-sky.js';
import { plotResiduals } from './residual-plot.js';
import { accuracyOf, reliabilityOf } from './score.js';
import { decodeLines, speedLines } from './speed.js';
import { byClass, readTruth } from './stamps.js';

export interface AccuracyOptions extends SetOptions {
  /** keeps the stamps here, or uses those that are there; null: a temporary directory */
  readonly stamps: string | null;
  readonly plot: string;
}

/** Peers get this many stamps of a class at most: there are 10 000 empty ones. */
const mostForPeers = 1000;
const trackedGroups = ['acc_raw50', 'nuisance50'];

export function measureAccuracy(options: AccuracyOptions): unknown {
  const scratch = mkdtempSync(join(tmpdir(), 'summit-accuracy-'));
  try {
    const directory = options.stamps ?? join(scratch, 'stamps');
    say('painting stamps');
    const fresh = generate(directory, options);
    if (!fresh) say(`uses the stamps in ${directory}; --seed, --cell and --class do not count`);
    const { seed, cell, class: perClass } = options;
    const set = fresh ? { seed, cell, class: perClass } : { directory };
    return { set, ...measureSet(directory, scratch, options) };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function say(what: string): void {
  process.stderr.write(`accuracy: ${what}\n`);
}

function measureSet(directory: string, scratch: string, options: AccuracyOptions): object {
  const groups = readTruth(directory);
  say('measuring');
  const blind = measureBlind(directory, join(scratch, 'blind.json'));
  const tracking = measurePredicted(directory, groups, trackedGroups, options.seed);
  say('measuring with peers');
  const peers = measurePeers(directory, join(scratch, 'peers.json'), mostForPeers);
  const measured: Measured = { groups, blind, tracking, peers: peers?.answers ?? {} };
  say('timing');
  const modes = measureKernel();
  const decode = measureDecode();
  const sky = realSky();
  const lines = [
    ...goalLines(measured),
    ...(sky === null ? [] : skyLines(sky)),
    ...speedLines(modes, peers?.times ?? {}),
    ...decodeLines(decode),
  ];
  print(measured, lines, peers);
  if (sky !== null) drawSky(sky, options.plot);
  const curves = boundCurves(measured);
  mkdirSync(dirname(options.plot), { recursive: true });
  writeFileSync(options.plot, plotBound('rms/CRLB of one blind 50x50 stamp with raw structure', curves));
  console.log(`plot: ${options.plot}`);
  return { ...report(measured, lines, curves, peers, modes), decode, sky };
}

function realSky(): SkyReport | null {
  const sky = findRealSky();
  if (sky === null) say('no real sky image: SUMMIT_REAL_DATA names no directory that has it');
  return sky === null ? null : compareRealSky(sky, peersPython().path);
}

function drawSky(sky: SkyReport, plot: string): void {
  printSky(sky);
  const sets = [
    { name: 'SExtractor XWIN', residuals: sky.catalogue },
    { name: 'sep windowed', residuals: sky.sep ?? [] },
  ];
  const path = plot.replace(/(\.svg)?$/, '-real-sky.svg');
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, plotResiduals('real sky: our position less theirs, with both errors', sets));
  console.log(`plot: ${path}`);
}

function report(
  measured: Measured,
  goals: readonly GoalLine[],
  curves: readonly Curve[],
  peers: Peers | null,
  modes: readonly KernelMode[],
): object {
  const cells = measured.groups.flatMap((group) =>
    [...byClass(group, measured.blind)].map(([cls, cell]) => ({
      group: group.name,
      cls,
      ...accuracyOf(cell),
      ...reliabilityOf(cell),
    })),
  );
  const { versions = {}, times = {} } = peers ?? {};
  return { goals, cells, curves, peers: { versions, times }, modes };
}

/** Every source of answers, ours first. */
function sources({ blind, peers }: Measured) {
  return [['summit-agent', blind] as const, ...Object.entries(peers)];
}

function boundCurves(measured: Measured): Curve[] {
  const group = measured.groups.find(({ name }) => name === 'acc_raw50');
  if (group === undefined) return [];
  return sources(measured).map(([name, answers]) => ({
    name,
    points: [...byClass(group, answers)]
      .map(([cls, cell]) => ({ snr: Number(cls.replace('snr', '')), ...accuracyOf(cell) }))
      // Fewer answers than half are a selection that says nothing.
      .filter(({ answered, rmsOverBound }) => answered >= 0.5 && Number.isFinite(rmsOverBound))
      .map(({ snr, rmsOverBound }) => ({ snr, ratio: round(rmsOverBound, 3) })),
  }));
}

function print(measured: Measured, lines: readonly GoalLine[], peers: Peers | null): void {
  const names = Object.keys(measured.peers);
  const rows = lines.map((line) => [
    line.quantity,
    line.goal,
    line.measured,
    line.met ? 'met' : 'NOT MET',
    ...names.map((name) => line.peers[name] ?? ''),
  ]);
  console.log(`\n${table(['goal', 'asked', 'measured', '', ...names], rows)}`);
  console.log(`${lines.filter(({ met }) => met).length} of ${lines.length} goals met`);
  if (peers !== null)
    console.log(
      `peers: ${Object.entries(peers.versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(', ')}; blind, on column-median-subtracted pixels; in brackets: % answered`,
    );
  for (const name of ['nuisance50', 'nuisance400']) printClasses(measured, name);
  printWidths(measured);
}

function printClasses(measured: Measured, name: string): void {
  const group = measured.groups.find((one) => one.name === name);
  if (group === undefined) return;
  const all = sources(measured).map(([source, answers]) => [source, byClass(group, answers)] as const);
  const classes = [...new Set(group.rows.map(({ cls }) => cls))];
  const rows = classes.map((cls) => [
    cls,
    ...all.map(([, cells]) => {
      const cell = cells.get(cls);
      if (cell === undefined) return '-';
      const { wrongUnflagged, wrong, noAnswer, stamps } = reliabilityOf(cell);
      return [wrongUnflagged, wrong, noAnswer]
        .map((n) => round((100 * n) / stamps, n > 0 && n < stamps / 50 ? 1 : 0))
        .join('/');
    }),
  ]);
  const title = `${name}, %: wrong unflagged / wrong / no answer`;
  console.log(`\n${table([title, ...all.map(([source]) => source)], rows)}`);
}

function printWidths(measured: Measured): void {
  const group = measured.groups.find(({ name }) => name === 'acc_fwhm50');
  if (group === undefined) return;
  const rows = [...byClass(group, measured.blind)].map(([cls, cell]) => {
    const { rmsOverBound, pull, fwhmBias, fluxBias } = accuracyOf(cell);
    const percent = (bias: number): string => `${(100 * bias).toFixed(1)} %`;
    return [cls, rmsOverBound.toFixed(3), pull.toFixed(3), percent(fwhmBias), percent(fluxBias)];
  });
  console.log(`\n${table(['width (arcsec) and SNR', 'rms/CRLB', 'pull', 'FWHM bias', 'flux bias'], rows)}`);
}
