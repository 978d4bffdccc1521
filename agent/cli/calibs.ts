// SPDX-License-Identifier: Apache-2.0
// summit-agent calibs

import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { detectorOfFolder } from '../butler/calibration-folder.js';
import { listCalibrations } from '../butler/calibration-listing.js';
import { mirrorCalibrations } from '../butler/calibration-mirror.js';
import { type OnProgress, type Synced, syncCalibrationFolder } from '../butler/calibration-sync.js';
import { isRepository } from '../butler/create.js';
import { calibChain } from '../butler/dataset-types.js';
import { uriOf } from '../butler/listing.js';
import { findDataset } from '../butler/lookup.js';
import { type DataId, showDataId } from '../butler/registry.js';
import { Repository } from '../butler/repository.js';
import { nowTaiNs, nsOfIso, showSpan } from '../butler/tai-times.js';
import { dashed } from '../butler/uuids.js';
import { AgentError } from '../model/errors.js';
import type { Command, Surroundings } from './command.js';
import { listOf, type Options, refuseOthers, words } from './options.js';
import { Progress } from './progress.js';

export const calibs: Command = {
  summary: 'master calibrations of a Butler repository: sync, list, find',
  help: `usage: summit-agent calibs sync SOURCE --repo REPO [--label NAME] [--begin TIME] [--end TIME] [--filter F]...
       summit-agent calibs ls --repo REPO [--type T] [--detector D] [--filter F] [--at TIME]
       summit-agent calibs find TYPE --repo REPO --detector D [--filter F] [--at TIME]

sync     SOURCE is a directory with DETECTOR/{bias,dark,flat,defects,linearizer,crosstalk,ptc}.fits, DETECTOR LATISS or such as
         R44_SW0, flats of several filters as flat_FILTER.fits; or another Butler repository. Files are copied and verified by
         their sha256 (a list SHA256SUMS in SOURCE or beside the files is kept to), then all are in force at once, or none:
         certified for their time into a CALIBRATION collection that INSTRUMENT/calib searches first. What is there already
         is left as it is. A running agent takes them between two series, or images
           --label NAME     of a directory: last part of the collection, INSTRUMENT/calib/NAME (default: the time)
           --begin, --end   validity, TAI, ISO 8601, end excluded; default: VALIDITYBEGIN and VALIDITYEND of the file, else those
                            of the files beside it where they agree, else always
           --filter F       of flats that do not tell theirs; again for more, of both cameras
           --from CHAIN     of a repository: what is searched there (default INSTRUMENT/calib); again for more
           --detector D     only these, such as R44_SW0; again for more
ls       what is certified, in the order of the search
find     the one that an exposure at TIME takes, as lsst.daf.butler finds it; more than one in a collection is an error

  --repo REPO      the repository
  --instrument I   of ls (default: what --detector says, else both)
  --at TIME        TAI, ISO 8601 (find: default now)
  --json           one JSON object on stdout

Exit code 0: done; 1: refused, or none is found; 2: the command is wrong.

examples: summit-agent calibs sync /data/calib --repo /data/repo --filter i_39 --label DM-1
          summit-agent calibs sync /backbone/repo --repo /data/repo --detector R44_SW0 --detector R44_SW1
          summit-agent calibs ls --repo /data/repo --at 2026-11-02T04:00:00
          summit-agent calibs find bias --repo /data/repo --detector R44_SW0
`,
  options: {
    [words]: { type: 'string', multiple: true },
    repo: { type: 'string' },
    json: { type: 'boolean' },
    label: { type: 'string' },
    begin: { type: 'string' },
    end: { type: 'string' },
    filter: { type: 'string', multiple: true },
    from: { type: 'string', multiple: true },
    detector: { type: 'string', multiple: true },
    instrument: { type: 'string' },
    type: { type: 'string' },
    at: { type: 'string' },
  },
  async run(options, around) {
    const [action, ...rest] = listOf(options, words);
    if (action === undefined || !Object.hasOwn(actions, action))
      throw usage(`expected one of ${Object.keys(actions).join(', ')}, got ${action ?? 'nothing'}`);
    if (typeof options.repo !== 'string') throw usage('expected --repo REPO');
    refuseOthers(options, 'calibs', action, ['repo', 'json', ...(optionsOf[action] ?? [])]);
    return (await actions[action]?.(options.repo, rest, options, around)) ?? 0;
  },
};

type Action = (
  root: string,
  rest: readonly string[],
  options: Options,
  around: Surroundings,
) => number | Promise<number>;

const actions: Readonly<Record<string, Action>> = { sync, ls, find };

const optionsOf: Readonly<Record<string, readonly string[]>> = {
  sync: ['label', 'begin', 'end', 'filter', 'from', 'detector'],
  ls: ['type', 'instrument', 'detector', 'filter', 'at'],
  find: ['detector', 'filter', 'at'],
};

function usage(problem: string): AgentError {
  return new AgentError('usage', `${problem}; see summit-agent calibs --help`);
}

function print({ stdout }: Surroundings, options: Options, value: unknown, lines: readonly string[]): void {
  // Times are told as they are kept: a double would lose the nanoseconds.
  const plain = (_: string, v: unknown) => (typeof v === 'bigint' ? String(v) : v);
  if (options.json === true) stdout.write(`${JSON.stringify(value, plain)}\n`);
  else stdout.write(lines.map((line) => `${line}\n`).join(''));
}

function timeOf(options: Options, name: string): bigint | null {
  const given = options[name];
  if (given === undefined) return null;
  const ns = nsOfIso(String(given));
  if (ns === null)
    throw usage(`--${name}: expected a time such as 2026-11-02T04:00:00, got ${String(given)}`);
  return ns;
}

function detectorsOf(options: Options): { readonly instrument: string; readonly detector: string }[] {
  return listOf(options, 'detector').map((name) => {
    const known = detectorOfFolder(name);
    if (!known) throw usage(`--detector: expected LATISS or such as R44_SW0, got ${name}`);
    return known;
  });
}

async function sync(
  root: string,
  rest: readonly string[],
  options: Options,
  around: Surroundings,
): Promise<number> {
  const [source, ...more] = rest;
  if (source === undefined || more.length > 0) throw usage('expected one SOURCE after sync');
  if (!existsSync(source) || !statSync(source).isDirectory())
    throw usage(`expected a directory or a repository, got ${source}`);
  const foreign = isRepository(source);
  refuseIdle(options, foreign ? ['label', 'begin', 'end', 'filter'] : ['from'], foreign);
  const detectors = detectorsOf(options).map(({ detector }) => detector);
  const runLabel = new Date().toISOString().replace(/[-:.]/g, '');
  const begin = timeOf(options, 'begin');
  const end = timeOf(options, 'end');
  const filters = listOf(options, 'filter');
  const label = typeof options.label === 'string' ? options.label : runLabel;
  if (!/^\w[\w.-]*$/.test(label))
    throw usage(`--label: expected letters and digits, also - _ . between them, got ${label}`);
  const common = { detectors, nowMs: Date.now(), taiNs: nowTaiNs() };
  const progress = new Progress(around.stderr, 'copying');
  const onProgress: OnProgress = async (share, file) => {
    if (progress.at(share, file)) await new Promise((done) => setImmediate(done));
    return around.stop.aborted;
  };
  const repository = new Repository(root);
  try {
    const synced = foreign
      ? await fromRepository(repository, source, { ...common, from: listOf(options, 'from') }, onProgress)
      : await syncCalibrationFolder(
          repository,
          resolve(source),
          { ...common, label, runLabel, begin, end, filters },
          onProgress,
        );
    progress.end();
    print(around, options, { ...synced, source: resolve(source) }, linesOf(synced));
    return synced.stopped ? 1 : 0;
  } finally {
    progress.end();
    repository.close();
  }
}

async function fromRepository(
  repository: Repository,
  source: string,
  settings: Parameters<typeof mirrorCalibrations>[2],
  onProgress: OnProgress,
): Promise<Synced> {
  const other = new Repository(source, { readOnly: true });
  try {
    if (other.root === repository.root) throw usage('expected another repository as SOURCE');
    return await mirrorCalibrations(repository, other, settings, onProgress);
  } finally {
    other.close();
  }
}

function refuseIdle(options: Options, idle: readonly string[], foreign: boolean): void {
  const given = idle.find((name) => options[name] !== undefined);
  if (given !== undefined)
    throw usage(`--${given} means nothing for ${foreign ? 'a repository' : 'a directory'}`);
}

function linesOf({ added, unchanged, leftOut, collections, stopped }: Synced): string[] {
  if (stopped) return ['stopped: nothing is changed'];
  const bytes = added.reduce((sum, one) => sum + one.bytes, 0);
  return [
    ...added.map(
      ({ type, detector, filter, span, uuid }) =>
        `${uuid} ${type.padEnd(10)} ${detector}${filter === null ? '' : ` ${filter}`} ${showSpan(span)}`,
    ),
    ...leftOut.map((what) => `left out: ${what}`),
    `${added.length} added${added.length === 0 ? '' : ` to ${collections.join(', ')}`} (${(bytes / 1e6).toFixed(1)} MB, verified), ${unchanged} unchanged`,
  ];
}

function chainsOf(options: Options, repository: Repository): string[] {
  const [first] = detectorsOf(options);
  const given = typeof options.instrument === 'string' ? options.instrument : first?.instrument;
  if (given !== undefined) return [calibChain(given)];
  return ['LSSTCam', 'LATISS']
    .map(calibChain)
    .filter((name) => repository.db.read(() => repository.registry.collection(name)) !== null);
}

function oneFilter(options: Options): string | null {
  const [filter, ...more] = listOf(options, 'filter');
  if (more.length > 0) throw usage('expected one --filter');
  return filter ?? null;
}

function ls(root: string, rest: readonly string[], options: Options, around: Surroundings): number {
  if (rest.length > 0) throw usage(`expected nothing after ls, got ${rest.join(' ')}`);
  const [detector, ...more] = detectorsOf(options);
  if (more.length > 0) throw usage('expected one --detector');
  const repository = new Repository(root, { readOnly: true });
  try {
    const calibrations = listCalibrations(repository, {
      collections: chainsOf(options, repository),
      type: typeof options.type === 'string' ? options.type : null,
      detector: detector?.detector ?? null,
      filter: oneFilter(options),
      at: timeOf(options, 'at'),
    });
    const lines = calibrations.map(
      ({ collection, type, dataId, detector: name, span, uuid }) =>
        `${uuid} ${type.padEnd(10)} ${[dataId.instrument, name, dataId.physical_filter].filter(Boolean).join(' ')} ${showSpan(span)} ${collection}`,
    );
    print(around, options, { calibrations }, lines.length > 0 ? lines : ['no calibrations']);
    return 0;
  } finally {
    repository.close();
  }
}

function find(root: string, rest: readonly string[], options: Options, around: Surroundings): number {
  const [type, ...more] = rest;
  if (type === undefined || more.length > 0) throw usage('expected one TYPE after find');
  const [detector, ...others] = detectorsOf(options);
  if (!detector || others.length > 0) throw usage('expected one --detector');
  const at = timeOf(options, 'at') ?? nowTaiNs();
  const filter = oneFilter(options);
  const repository = new Repository(root, { readOnly: true });
  try {
    const dataId: DataId = {
      instrument: detector.instrument,
      detector: detectorNumber(repository, detector),
      ...(filter !== null && { physical_filter: filter }),
    };
    const span = { begin: at, end: at + 1n };
    const chains = [calibChain(detector.instrument)];
    const hex = findDataset(repository, type, dataId, chains, span);
    if (hex === null) {
      const types = repository.db.read(() => repository.registry.types()).map(({ name }) => name);
      if (!types.includes(type))
        throw new AgentError(
          'butler',
          `expected a dataset type of ${repository.root} (${types.join(', ') || 'none yet'}), got ${type}`,
        );
      const what = `${type} {${showDataId(dataId)}}`;
      throw new AgentError('butler', `${what}: none is valid at ${showSpan(span).split(' ')[0]}`);
    }
    const found = { uuid: dashed(hex), uri: uriOf(repository, hex) };
    print(around, options, found, [`${found.uuid} ${found.uri}`]);
    return 0;
  } finally {
    repository.close();
  }
}

function detectorNumber(
  { db, registry }: Repository,
  { instrument, detector }: { readonly instrument: string; readonly detector: string },
): number {
  const number = db.read(() => registry.detector(instrument, detector));
  if (number === null)
    throw new AgentError('butler', `expected a detector of ${instrument}, got ${detector}`);
  return number;
}
