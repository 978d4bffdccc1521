// SPDX-License-Identifier: Apache-2.0
// Files into a repository: header, file in its place, rows, in this order; one transaction for the files of an exposure.
// The same file again changes nothing; another one of the same data ID is refused and told.

import { rmSync, statSync } from 'node:fs';
import type { IngestedFile } from '../model/butler.js';
import { AgentError, sentenceOf } from '../model/errors.js';
import type { RepositoryDatabase } from './database.js';
import { type DatasetType, guiderRawType, guiderRun, rawRun, rawType } from './dataset-types.js';
import {
  absolutePath,
  exposurePath,
  Folders,
  fileUri,
  isInside,
  sameContent,
  type Transfer,
} from './datastore.js';
import { type Observation, observationOf } from './exposure-record.js';
import { type ExposurePolicy, exposureOf, sameExposure, syncExposure } from './exposure-rows.js';
import { readHeader } from './fits-header.js';
import { instrumentTable } from './instruments.js';
import { type DataId, type NewDataset, type Registry, type StoredFile, showDataId } from './registry.js';
import { dashed, rawUuid } from './uuids.js';

export interface IngestSettings {
  readonly transfer: Transfer;
  readonly exposures: ExposurePolicy;
  readonly taiNs: () => bigint;
}

/** A file whose header was understood. */
interface Candidate {
  readonly file: string;
  readonly type: DatasetType;
  readonly run: string;
  readonly dataId: DataId;
  readonly observation: Observation;
  readonly detectorName: string;
  readonly uuid: string;
}

/** Guider files are named after their sensor. */
function isGuiderFile(detector: string): boolean {
  return /_SG[01]$/.test(detector);
}

function detectorNumber(registry: Registry, instrument: string, name: string, file: string): number {
  const number = registry.detector(instrument, name);
  if (number !== null) return number;
  throw new AgentError('butler_metadata', `${file}: expected a detector of ${instrument}, got ${name}`);
}

function candidateOf(registry: Registry, file: string): Candidate {
  const observation = observationOf(readHeader(file), file);
  const { instrument, id } = observation.exposure;
  const detector = detectorNumber(registry, instrument, observation.detector, file);
  const guider = isGuiderFile(observation.detector) && file.includes('_guider');
  const type = guider ? guiderRawType : rawType;
  const run = guider ? guiderRun(instrument) : rawRun(instrument);
  const dataId = { instrument, detector, exposure: id };
  const uuid = rawUuid(type.name, run, dataId);
  return { file, type, run, dataId, observation, detectorName: observation.detector, uuid };
}

type Outcome = IngestedFile['outcome'];

function failed(file: string, error: unknown): IngestedFile {
  if (!(error instanceof AgentError) && !(error instanceof Error && 'code' in error)) throw error;
  const code = error instanceof AgentError ? error.code : 'butler';
  const outcome: Outcome =
    code === 'butler_metadata' ? 'bad_metadata' : code === 'butler_conflict' ? 'conflict' : 'failed';
  return {
    file,
    outcome,
    problem: sentenceOf(error),
    uuid: null,
    dataId: null,
    run: '',
    type: '',
    uri: '',
    changed: [],
  };
}

function succeeded(
  candidate: Candidate,
  outcome: Outcome,
  uri: string,
  changed: readonly string[],
): IngestedFile {
  const { file, uuid, dataId, run, type } = candidate;
  return { file, outcome, problem: '', uuid: dashed(uuid), dataId, run, type: type.name, uri, changed };
}

export class Ingest {
  readonly #root: string;
  readonly #db: RepositoryDatabase;
  readonly #registry: Registry;
  readonly #settings: IngestSettings;

  constructor(root: string, db: RepositoryDatabase, registry: Registry, settings: IngestSettings) {
    this.#root = root;
    this.#db = db;
    this.#registry = registry;
    this.#settings = settings;
  }

  /** What became of each file, in their order. */
  files(paths: readonly string[]): IngestedFile[] {
    const results = new Map<string, IngestedFile>();
    const byExposure = new Map<string, Candidate[]>();
    for (const file of new Set(paths)) {
      try {
        const candidate = this.#db.read(() => candidateOf(this.#registry, file));
        const key = `${candidate.type.name} ${candidate.dataId.instrument} ${candidate.dataId.exposure}`;
        const others = byExposure.get(key);
        if (others) others.push(candidate);
        else byExposure.set(key, [candidate]);
      } catch (error) {
        results.set(file, failed(file, error));
      }
    }
    for (const candidates of byExposure.values())
      for (const result of this.#exposure(candidates)) results.set(result.file, result);
    return paths.flatMap((file) => results.get(file) ?? []);
  }

  /** One transaction; when it fails its files are tried one by one, so that one of them cannot keep out the others. */
  #exposure(candidates: readonly Candidate[]): IngestedFile[] {
    const placed: string[] = [];
    try {
      return this.#together(candidates, placed);
    } catch (error) {
      this.#registry.forget();
      this.#withdraw(placed);
      if (candidates.length > 1) return candidates.flatMap((one) => this.#exposure([one]));
      return candidates.map(({ file }) => failed(file, error));
    }
  }

  #together(candidates: readonly Candidate[], placed: string[]): IngestedFile[] {
    const [first] = candidates;
    if (!first) return [];
    const { instrument, id } = first.observation.exposure;
    if (first.type === guiderRawType && !this.#db.read(() => exposureOf(this.#registry, instrument, id)))
      return candidates.map((candidate) => ({
        ...succeeded(candidate, 'waiting', '', []),
        problem: `exposure ${id} is not there yet`,
      }));
    const folders = new Folders();
    const stored = this.#db.snapshot(() => candidates.map(({ uuid }) => this.#registry.file(uuid)));
    const places = candidates.map((candidate, i) =>
      this.#place(candidate, stored[i] ?? null, folders, placed),
    );
    folders.sync();
    return this.#db.write(() => {
      const changed = this.#syncExposure(candidates);
      const rows: NewDataset[] = [];
      const results = candidates.map((candidate, i) => this.#row(candidate, places[i] ?? '', changed, rows));
      this.#registry.insertAll(rows);
      return results;
    });
  }

  #syncExposure(candidates: readonly Candidate[]): readonly string[] {
    const changed = new Set<string>();
    let last: Observation | null = null;
    for (const { type, observation } of candidates) {
      // A guider file's header is not what exposures are made of; and most of an exposure's files say the same.
      if (type === guiderRawType || (last && sameExposure(last, observation))) continue;
      last = observation;
      for (const column of syncExposure(this.#registry, observation, this.#settings.exposures))
        changed.add(column);
    }
    return [...changed];
  }

  /** Puts the file where its row will point; refuses another one of the same data ID. Returns that path. */
  #place(candidate: Candidate, stored: StoredFile | null, folders: Folders, placed: string[]): string {
    const { file, dataId, type, run, observation, detectorName } = candidate;
    if (stored) {
      const there = absolutePath(this.#root, stored.path);
      if (there !== null && sameContent(file, there)) return stored.path;
      const problem = there === null ? `it lies at ${stored.path}` : `${stored.path} is another file`;
      throw new AgentError(
        'butler_conflict',
        `${file}: ${type.name} {${showDataId(dataId)}} is there already: ${problem}`,
      );
    }
    if (this.#settings.transfer === 'direct')
      return isInside(this.#root, file) ? file.slice(this.#root.length + 1) : fileUri(file);
    const exposure = this.#exposureNames(candidate);
    const path = exposurePath(type.name, run, { ...observation.exposure, ...exposure }, detectorName);
    const to = absolutePath(this.#root, path) ?? path;
    if (folders.put(file, to, this.#settings.transfer)) placed.push(to);
    return path;
  }

  /** A path has the names of the exposure that is there, whatever the file says. */
  #exposureNames({ type, observation }: Candidate): object {
    if (type !== guiderRawType) return {};
    const { instrument, id } = observation.exposure;
    return this.#db.read(() => exposureOf(this.#registry, instrument, id)) ?? {};
  }

  #row(candidate: Candidate, path: string, changed: readonly string[], rows: NewDataset[]): IngestedFile {
    const { file, uuid, dataId, type, run } = candidate;
    const uri = fileUri(absolutePath(this.#root, path) ?? path);
    if (this.#registry.file(uuid)) return succeeded(candidate, 'unchanged', uri, changed);
    rows.push({
      uuid,
      type: this.#registry.ensureType(type),
      run: this.#registry.ensureCollection(run, 1),
      dataId,
      ingestTaiNs: this.#settings.taiNs(),
      path,
      formatter: type.formatter || (instrumentTable(String(dataId.instrument))?.rawFormatter ?? ''),
      bytes: statSync(file).size,
    });
    return succeeded(candidate, 'ingested', uri, changed);
  }

  /** Files without rows are taken away again; what they were linked from stays. */
  #withdraw(placed: readonly string[]): void {
    for (const path of placed) rmSync(path, { force: true });
  }
}
