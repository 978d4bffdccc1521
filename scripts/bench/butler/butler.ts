// SPDX-License-Identifier: Apache-2.0
// The repository: ingest by size, beside warm lsst.daf.butler on the same file system; lookups in many rows; expiry with
// the delay of the event loop; kill -9.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { createRepository } from '../../../agent/butler/create.js';
import { calibrationTypes } from '../../../agent/butler/dataset-types.js';
import { findDataset } from '../../../agent/butler/lookup.js';
import { Repository } from '../../../agent/butler/repository.js';
import { RepositoryThread } from '../../../agent/butler/repository-thread.js';
import { type Quantiles, quantiles } from '../../demonstration/quantiles.js';
import { butlerPython } from '../../processes/python.js';
import { round, table } from '../report.js';
import { type Contention, measureContention } from './contention.js';
import { type HandKills, measureHandKills } from './hand-kills.js';
import { type Kills, measureKills } from './kills.js';
import { filesOfExposure, fillCalibrations, fillRows, monthNs } from './repository.js';

/** The peer as a process that answers in lines. */
async function startPeer(python: string, root: string) {
  const child = spawn(python, ['scripts/bench/butler/peer.py', root], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  await lines.next();
  return {
    async ingest(files: readonly string[]): Promise<number> {
      child.stdin.write(`${JSON.stringify(files)}\n`);
      const { value } = await lines.next();
      if (value === undefined) throw new Error('the peer ended: see its words above');
      return Number(value);
    },
    stop: () => child.stdin.end(),
  };
}

const settings = (root: string) => ({
  root,
  create: true,
  shared: false,
  spools: [],
  taiMinusUtcS: 37,
  keepHours: null,
  diskShare: null,
  keepShare: null,
  handover: null,
});

/** ms of an exposure's ingest, its files on the disk before: headers, links, folders and rows. */
async function measureIngest(folder: string, count: number, rounds: number, python: string | null) {
  const root = join(folder, `ingest-${count}`);
  createRepository(root);
  const thread = new RepositoryThread(settings(root), () => undefined);
  await thread.reconcile();
  const theirRoot = join(folder, `peer-${count}`);
  createRepository(theirRoot);
  const peer = python === null ? null : await startPeer(python, theirRoot);
  const [ours, theirs]: [number[], number[]] = [[], []];
  for (let i = 0; i < rounds + 3; i++) {
    const files = filesOfExposure(join(folder, `files-${count}`), i + 1, count);
    const begin = performance.now();
    const results = await thread.ingest(files);
    const took = performance.now() - begin;
    if (results.files.some(({ outcome }) => outcome !== 'ingested'))
      throw new Error(JSON.stringify(results.files[0]));
    const peerTook = peer ? await peer.ingest(files) : Number.NaN;
    // The first few make statements and folders.
    if (i < 3) continue;
    ours.push(took);
    theirs.push(peerTook);
  }
  peer?.stop();
  await thread.stop();
  return { count, ours: quantiles(ours, 2), theirs: peer ? quantiles(theirs, 2) : null };
}

function measureLookup(folder: string, exposures: number): Quantiles {
  const root = join(folder, 'lookup');
  createRepository(root);
  const repository = new Repository(root);
  fillRows(repository, exposures, 8);
  const times: number[] = [];
  for (let i = 0; i < 5000; i++) {
    const seq = Math.floor(Math.random() * exposures);
    const exposure = (20300101 + Math.floor(seq / 1000)) * 100_000 + (seq % 1000);
    const begin = performance.now();
    const dataId = { instrument: 'LSSTCam', detector: 189 + (i % 8), exposure };
    const found = findDataset(repository, 'raw', dataId, ['LSSTCam/defaults']);
    times.push(performance.now() - begin);
    if (found === null) throw new Error(`no dataset of ${exposure}`);
  }
  repository.close();
  return quantiles(times, 2);
}

/** All types of a detector, by time, where each of a chain of collections has some years of them in pieces of a month. */
function measureCalibrations(folder: string): Quantiles {
  const repository = new Repository(join(folder, 'lookup'));
  fillCalibrations(repository, 20, 24);
  const times: number[] = [];
  for (let i = 0; i < 1000; i++) {
    const at = monthNs * BigInt(1 + Math.floor(Math.random() * 23)) + 5n;
    const dataId = { instrument: 'LSSTCam', detector: 189 + (i % 8), physical_filter: 'i_39' };
    const begin = performance.now();
    for (const { name } of calibrationTypes)
      if (findDataset(repository, name, dataId, ['LSSTCam/calib'], { begin: at, end: at + 1n }) === null)
        throw new Error(`no ${name}`);
    times.push(performance.now() - begin);
  }
  repository.close();
  return quantiles(times, 2);
}

async function measureExpiry(folder: string, exposures: number) {
  const root = join(folder, 'expiry');
  createRepository(root);
  let removed = 0;
  const thread = new RepositoryThread({ ...settings(root), keepHours: 1e-6 }, ({ uuids }) => {
    removed += uuids.length;
  });
  for (let i = 0; i < exposures; i++) {
    const files = filesOfExposure(join(folder, 'expiry-files'), i + 1, 200);
    await thread.ingest(files);
  }
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const begin = performance.now();
  await thread.expire();
  const seconds = (performance.now() - begin) / 1000;
  delay.disable();
  await thread.stop();
  return { removed, perSecond: round(removed / seconds, 0), loopP99Ms: round(delay.percentile(99) / 1e6, 2) };
}

export async function measureButler(rounds: number, killRounds: number) {
  const folder = mkdtempSync(join(process.env.SUMMIT_BENCH_DIR ?? tmpdir(), 'butler-bench-'));
  mkdirSync(folder, { recursive: true });
  const python = butlerPython();
  try {
    const ingest = [];
    for (const [count, times] of [
      [1, 20 * rounds],
      [8, 20 * rounds],
      [205, 3 * rounds],
    ] as const)
      ingest.push(await measureIngest(folder, count, times, python.path));
    const lookup = measureLookup(folder, 10_000);
    const expiry = await measureExpiry(folder, 50);
    const calibrations = measureCalibrations(folder);
    printAll({ ingest, lookup, calibrations, expiry }, python.problem);
    const contention: Contention[] = [];
    if (python.path !== null)
      for (const pauseMs of [50, 5])
        contention.push(await measureContention(folder, python.path, pauseMs, 60 * rounds));
    for (const one of contention) printContention(one);
    const kills = await measureKills(folder, killRounds, Math.random);
    printKills(kills);
    const handKills = await measureHandKills(folder, killRounds, Math.random);
    printHandKills(handKills);
    return { ingest, lookup, calibrations, expiry, contention, kills, handKills };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface Measured {
  readonly ingest: readonly {
    readonly count: number;
    readonly ours: Quantiles;
    readonly theirs: Quantiles | null;
  }[];
  readonly lookup: Quantiles;
  readonly calibrations: Quantiles;
  readonly expiry: { readonly removed: number; readonly perSecond: number; readonly loopP99Ms: number };
}

function printAll({ ingest, lookup, calibrations, expiry }: Measured, problem: string | null): void {
  const cells = (spread: Quantiles | null) =>
    spread === null ? ['-', '-'] : [`${spread.p50}`, `${spread.p99}`];
  console.log('\nbutler: ingest of an exposure, ms (headers, links, folders synchronised, rows committed)');
  console.log(
    table(
      ['detectors', 'p50', 'p99', 'max', 'n', 'lsst.daf.butler p50', 'p99', 'ratio'],
      ingest.map(({ count, ours, theirs }) => [
        String(count),
        ...cells(ours),
        String(ours.max),
        String(ours.n),
        ...cells(theirs),
        theirs ? String(round(theirs.p50 / ours.p50, 1)) : '-',
      ]),
    ),
  );
  if (problem !== null) console.log(`without the peer: ${problem}`);
  console.log(
    `lookup by data ID among 80,000 datasets: p50 ${lookup.p50} ms, p99 ${lookup.p99} ms (n ${lookup.n})`,
  );
  console.log(
    `the 7 calibrations of a detector at a time, in a chain of 20: p50 ${calibrations.p50} ms, p99 ${calibrations.p99} ms (n ${calibrations.n})`,
  );
  console.log(
    `expiry of ${expiry.removed} files: ${expiry.perSecond} files/s, event loop delay p99 ${expiry.loopP99Ms} ms`,
  );
}

function printContention({ pauseMs, ours, ourErrors, theirWrites, theirErrors }: Contention): void {
  console.log(
    `beside lsst.daf.butler that writes with pauses of ${pauseMs} ms: p50 ${ours.p50} ms, p99 ${ours.p99} ms, max ${ours.max} ms (n ${ours.n}); ${ourErrors} errors here, ${theirErrors.length} errors and ${theirWrites} writes there`,
  );
  for (const error of theirErrors.slice(0, 3)) console.log(`  ${error}`);
}

function printKills(kills: Kills): void {
  console.log(
    `kill -9, ${kills.rounds} rounds (${kills.inTheMiddle} in the middle): of ${kills.announced} announced ${kills.announcedWithout} without row and file; ${kills.rowsWithoutFile} rows without file; ${kills.halfSteps} half steps, ${kills.repairedNotGood} repositories not good after repair`,
  );
}

function printHandKills(kills: Readonly<Record<'handover' | 'calibrations', HandKills>>): void {
  for (const [what, { rounds, inTheMiddle, lost, halfInForce, notGood }] of Object.entries(kills))
    console.log(
      `kill -9 of ${what}, ${rounds} rounds (${inTheMiddle} in the middle): ${lost} files lost after the next start, ${halfInForce} of half a delivery in force, ${notGood} repositories not good`,
    );
}
