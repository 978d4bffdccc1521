// SPDX-License-Identifier: Apache-2.0
// summit-agent butler

import { statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { checkRepository } from '../butler/check.js';
import { createRepository } from '../butler/create.js';
import { Expiry, hoursBefore } from '../butler/expiry.js';
import { Ingest, type IngestSettings } from '../butler/ingest.js';
import { filesIn, IngestQueue, inOrder } from '../butler/ingest-queue.js';
import { listDatasets, uriOf } from '../butler/listing.js';
import { showDataId } from '../butler/registry.js';
import { Repository } from '../butler/repository.js';
import { isoOfNs, nowTaiNs } from '../butler/tai-times.js';
import { WaitingFiles } from '../butler/waiting.js';
import { type IngestedFile, type RepositoryState, waitingFolder } from '../model/butler.js';
import { AgentError } from '../model/errors.js';
import type { Command, Surroundings } from './command.js';
import { toJson } from './message-json.js';
import { listOf, numberOf, type Options, refuseOthers, wholeNumberOf, words } from './options.js';
import { Progress } from './progress.js';

export const butler: Command = {
  summary: 'makes and looks after a Butler repository: ingest, list, check, prune',
  help: `usage: summit-agent butler create REPO [--instruments-from REPO]
       summit-agent butler ingest REPO FILE|DIR... [--transfer link|copy|direct] [--update-exposures | --shared]
       summit-agent butler ls REPO [--type T] [--instrument I] [--exposure N] [--detector N] [--limit N]
       summit-agent butler uri REPO UUID...
       summit-agent butler check REPO [--repair]
       summit-agent butler prune REPO [--older-than HOURS] [--disk-share SHARE [--keep-share SHARE]] [--dry-run]

A Butler repository is a directory of files with a database of what they are. One made here is opened, queried, pruned and
written to by the observatory's own lsst.daf.butler (27.0 and later); of repositories of others, universe 7 and 8 are taken.

create   makes one with LSSTCam and LATISS registered, and the observatory's collections: LSSTCam/defaults finds all.
         --instruments-from takes detectors and filters of a site's repository in place of this release's
ingest   raw files (wavefront, science, LATISS) and guider files (*_guider.fits) by their headers, a sidecar .json of the
         same name first. The same file again changes nothing; another one of the same data ID, or an exposure with other
         values, is refused. A guider file whose exposure is not there waits, and is taken when that comes
           --transfer T          link (default; a copy across file systems), copy, or direct: it stays where it is
           --update-exposures    an exposure takes the values of a later header
           --shared              somebody else writes the exposures here: they must be there, with the same values; what is
                                 refused for that, scripts/clients/butler_ingest.py has done by the site's own Butler
ls       datasets, newest first (--limit, default 50)
uri      where the file of a dataset lies
check    whether rows and files agree. --repair finishes removals and takes away what a crash left; files that exist
         nowhere else, and rows without file, are only told
prune    removes raw and guider files and products of images that are older than HOURS, and the oldest while the disk is
         filled beyond SHARE (0..1), but for that no more than leaves them --keep-share of it (default half of --disk-share):
         somebody else may be who fills it. Rows go before files; what a tagged or calibration collection holds stays.
         --dry-run only counts

  --json   one JSON object on stdout

Exit code 0: done; 1: some files were refused, or check found something; 2: the command is wrong.

examples: summit-agent butler create /data/repo
          summit-agent butler ingest /data/repo /data/spool
          summit-agent butler ls /data/repo --type raw --exposure 2026031500051
          summit-agent butler prune /data/repo --older-than 720 --disk-share 0.8
`,
  options: {
    [words]: { type: 'string', multiple: true },
    json: { type: 'boolean' },
    'instruments-from': { type: 'string' },
    transfer: { type: 'string' },
    'update-exposures': { type: 'boolean' },
    shared: { type: 'boolean' },
    type: { type: 'string' },
    instrument: { type: 'string' },
    exposure: { type: 'string' },
    detector: { type: 'string' },
    limit: { type: 'string' },
    repair: { type: 'boolean' },
    'older-than': { type: 'string' },
    'disk-share': { type: 'string' },
    'keep-share': { type: 'string' },
    'dry-run': { type: 'boolean' },
  },
  async run(options, around) {
    const [action, root, ...rest] = listOf(options, words);
    if (action === undefined || !Object.hasOwn(actions, action))
      throw usage(`expected one of ${Object.keys(actions).join(', ')}, got ${action ?? 'nothing'}`);
    if (root === undefined) throw usage(`expected REPO after ${action}`);
    refuseOthers(options, 'butler', action, optionsOf[action] ?? []);
    return (await actions[action]?.(root, rest, options, around)) ?? 0;
  },
};

type Action = (
  root: string,
  rest: readonly string[],
  options: Options,
  around: Surroundings,
) => number | Promise<number>;

const actions: Readonly<Record<string, Action>> = { create, ingest, ls, uri, check, prune };

const optionsOf: Readonly<Record<string, readonly string[]>> = {
  create: ['json', 'instruments-from'],
  ingest: ['json', 'transfer', 'update-exposures', 'shared'],
  ls: ['json', 'type', 'instrument', 'exposure', 'detector', 'limit'],
  uri: ['json'],
  check: ['json', 'repair'],
  prune: ['json', 'older-than', 'disk-share', 'keep-share', 'dry-run'],
};

function usage(problem: string): AgentError {
  return new AgentError('usage', `${problem}; see summit-agent butler --help`);
}

function withoutMore(rest: readonly string[]): void {
  if (rest.length > 0) throw usage(`expected nothing after REPO, got ${rest.join(' ')}`);
}

function print({ stdout }: Surroundings, options: Options, value: unknown, lines: readonly string[]): void {
  if (options.json === true) stdout.write(`${toJson(value)}\n`);
  else stdout.write(lines.map((line) => `${line}\n`).join(''));
}

/** Time for signals. */
function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function using<T>(
  root: string,
  readOnly: boolean,
  work: (repository: Repository) => T | Promise<T>,
): Promise<T> {
  const repository = new Repository(root, { readOnly });
  try {
    return await work(repository);
  } finally {
    repository.close();
  }
}

async function create(
  root: string,
  rest: readonly string[],
  options: Options,
  around: Surroundings,
): Promise<number> {
  withoutMore(rest);
  const site = options['instruments-from'];
  if (typeof site === 'string') await using(site, true, (other) => createRepository(root, other));
  else createRepository(root);
  print(around, options, { root }, [
    `${root}: a repository with LSSTCam and LATISS; collections LSSTCam/defaults, LATISS/defaults`,
  ]);
  return 0;
}

function filesOf(path: string): string[] {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats) throw usage(`expected a file or directory, got ${path}`);
  if (!stats.isDirectory()) return [path];
  return filesIn(path);
}

function transferOf(options: Options): 'link' | 'copy' | 'direct' {
  const given = options.transfer ?? 'link';
  if (given === 'link' || given === 'copy' || given === 'direct') return given;
  throw usage(`--transfer: expected link, copy or direct, got ${String(given)}`);
}

/** Files of a transaction's worth of work between two looks at signals. */
const ingestBatch = 256;

async function ingest(
  root: string,
  rest: readonly string[],
  options: Options,
  around: Surroundings,
): Promise<number> {
  if (rest.length === 0) throw usage('expected FILE or DIR after REPO');
  if (options.shared === true && options['update-exposures'] === true)
    throw usage('expected --shared or --update-exposures, got both');
  const transfer = transferOf(options);
  const exposures =
    options.shared === true ? 'existing' : options['update-exposures'] === true ? 'update' : 'create';
  const all = inOrder(rest.flatMap(filesOf).map((file) => resolve(file)));
  return using(root, false, async (repository) => {
    const { db, registry } = repository;
    const settings: IngestSettings = { transfer, exposures, sync: true, taiNs: nowTaiNs };
    const taker = new Ingest(repository.root, db, registry, settings);
    const queue = new IngestQueue(taker, new WaitingFiles(waitingFolder(repository.root)));
    const byFile = new Map<string, IngestedFile>();
    const note = (results: readonly IngestedFile[]) => {
      for (const one of results) byFile.set(one.file, one);
    };
    const progress = new Progress(around.stderr, 'ingesting');
    for (let i = 0; i < all.length && !around.stop.aborted; i += ingestBatch) {
      note(queue.take(all.slice(i, i + ingestBatch)));
      progress.at(byFile.size / all.length, basename(all[i] ?? ''));
      await breathe();
    }
    progress.end();
    note(queue.late());
    const results = [...byFile.values()];
    const lines = results.map(lineOf);
    print(around, options, { files: results }, [...lines, ...totals(results)]);
    const bad = results.some(({ outcome }) => ['conflict', 'bad_metadata', 'failed'].includes(outcome));
    return bad || around.stop.aborted ? 1 : 0;
  });
}

function lineOf({ file, outcome, problem, uuid, dataId }: IngestedFile): string {
  const what = dataId === null ? basename(file) : `${basename(file)} {${showDataId(dataId)}}`;
  return `${outcome.padEnd(12)} ${uuid ?? '-'.padEnd(36)} ${what}${problem === '' ? '' : `: ${problem}`}`;
}

function totals(results: readonly IngestedFile[]): string[] {
  const counts = new Map<string, number>();
  for (const { outcome } of results) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  return [[...counts].map(([outcome, n]) => `${n} ${outcome}`).join(', ') || 'no files'];
}

function ls(root: string, rest: readonly string[], options: Options, around: Surroundings): Promise<number> {
  withoutMore(rest);
  const number = (name: string, most: number) =>
    options[name] === undefined ? {} : { [name]: wholeNumberOf(options, name, 0, most, 0) };
  const filter = {
    ...(typeof options.type === 'string' && { type: options.type }),
    ...(typeof options.instrument === 'string' && { instrument: options.instrument }),
    ...number('exposure', 9e12),
    ...number('detector', 1000),
    limit: wholeNumberOf(options, 'limit', 1, 1_000_000, 50),
  };
  return using(root, true, (repository) => {
    const datasets = listDatasets(repository, filter);
    const lines = datasets.map(
      ({ type, run, dataId, uuid, ingested }) =>
        `${isoOfNs(ingested)} ${uuid} ${type.padEnd(10)} ${run} {${showDataId(dataId)}}`,
    );
    print(around, options, { datasets }, lines.length > 0 ? lines : ['no datasets']);
    return 0;
  });
}

function uri(root: string, rest: readonly string[], options: Options, around: Surroundings): Promise<number> {
  if (rest.length === 0) throw usage('expected UUID after REPO');
  return using(root, true, (repository) => {
    const uris = rest.map((uuid) => ({ uuid, uri: uriOf(repository, uuid) }));
    print(
      around,
      options,
      { uris },
      uris.map((one) => one.uri),
    );
    return 0;
  });
}

function check(
  root: string,
  rest: readonly string[],
  options: Options,
  around: Surroundings,
): Promise<number> {
  withoutMore(rest);
  const repair = options.repair === true;
  return using(root, !repair, (repository) => {
    const progress = new Progress(around.stderr, 'checking');
    const state = checkRepository(repository, repair, [], (share) => progress.at(share));
    progress.end();
    print(around, options, state, stateLines(state));
    return state.good ? 0 : 1;
  });
}

function stateLines(state: RepositoryState): string[] {
  return [
    ...state.repaired,
    ...state.integrity.map((line) => `the database is damaged: ${line}`),
    ...(state.foreignKeys > 0 ? [`${state.foreignKeys} rows point nowhere`] : []),
    ...state.missing.map((what) => `row without file: ${what}`),
    ...state.wrongSize.map((what) => `file of another size: ${what}`),
    ...state.orphans.map((what) => `file without row: ${what}`),
    ...(state.trash > 0 ? [`${state.trash} datasets are half removed: check --repair finishes that`] : []),
    ...state.waiting.map((file) => `waits for its exposure: ${file}`),
    `${state.root}: universe ${state.universe}, ${state.datasets} datasets, ${state.good ? 'good' : 'not good'}`,
  ];
}

const pruneBatch = 500;

async function prune(
  root: string,
  rest: readonly string[],
  options: Options,
  around: Surroundings,
): Promise<number> {
  withoutMore(rest);
  const hours = options['older-than'] === undefined ? null : numberOf(options, 'older-than', 0, 1e6, 0);
  const share = options['disk-share'] === undefined ? null : numberOf(options, 'disk-share', 0, 1, 1);
  if (hours === null && share === null) throw usage('expected --older-than or --disk-share');
  const keepShare = options['keep-share'] === undefined ? null : numberOf(options, 'keep-share', 0, 1, 0);
  if (keepShare !== null && (share === null || keepShare > share))
    throw usage(
      `--keep-share: expected no more than --disk-share (${share ?? 'not given'}), got ${keepShare}`,
    );
  return using(root, options['dry-run'] === true, async (repository) => {
    const expiry = new Expiry(repository, {
      olderThanNs: hours === null ? null : hoursBefore(nowTaiNs(), hours),
      diskShare: share,
      keepShare,
      batch: pruneBatch,
      spools: [],
      spared: [],
    });
    const all = expiry.left;
    if (options['dry-run'] === true) {
      const candidates = expiry.preview();
      print(around, options, { candidates }, [`${candidates} datasets would go`]);
      return 0;
    }
    const uuids: string[] = [];
    let bytes = 0;
    const progress = new Progress(around.stderr, 'pruning');
    while (!around.stop.aborted) {
      const step = expiry.step();
      if (step === null) break;
      uuids.push(...step.uuids);
      bytes += step.bytes;
      progress.at(1 - expiry.left / all);
      await breathe();
    }
    progress.end();
    const filledByOthers = around.stop.aborted ? null : expiry.filledByOthers;
    print(around, options, { removed: uuids, bytes, filledByOthers }, [
      `${uuids.length} files removed, ${(bytes / 1e6).toFixed(1)} MB`,
      ...(filledByOthers === null ? [] : [filledByOthers]),
    ]);
    return 0;
  });
}
