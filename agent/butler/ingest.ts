// SPDX-License-Identifier: Apache-2.0
// Files into a repository: header, file in its place, rows, in this order; one transaction for the files of an exposure.
// The lock is taken before the first link: nobody else can put another file into the same place meanwhile, or take one away
// as it has no row yet. The same file again changes nothing; another one of the same data ID is refused and told.

import { lstatSync, realpathSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { IngestedFile } from '../model/butler.js';
import { AgentError, sentenceOf } from '../model/errors.js';
import { isConstraint, type RepositoryDatabase } from './database.js';
import { type DatasetType, guiderRawType, guiderRun, rawRun, rawType } from './dataset-types.js';
import {
  absolutePath,
  CannotLink,
  exposurePaths,
  extensionOf,
  Folders,
  fileUri,
  isInside,
  look,
  sameContent,
  type Transfer,
} from './datastore.js';
import { syncFile } from './durable.js';
import { type Observation, Observations } from './exposure-record.js';
import { type ExposurePolicy, exposureOf, sameExposure, syncExposure } from './exposure-rows.js';
import { instrumentTable } from './instruments.js';
import { type DataId, type KnownDataset, type NewDataset, type Registry, showDataId } from './registry.js';
import { takeOutOfTrash } from './trash.js';
import { dashed, rawUuid } from './uuids.js';

export interface IngestSettings {
  readonly transfer: Transfer;
  readonly exposures: ExposurePolicy;
  /** nobody has said that the files are on the disk */
  readonly sync?: boolean;
  readonly taiNs: () => bigint;
}

/** A file whose header was understood. */
interface Candidate {
  readonly file: string;
  /** the same where a link leads to it: a second name of a link would not outlive the first */
  readonly source: string;
  readonly bytes: number;
  readonly type: DatasetType;
  readonly run: string;
  readonly dataId: DataId;
  readonly observation: Observation;
  readonly detectorName: string;
  readonly uuid: string;
}

/** Copies that wait for their places, by UUID. */
type Copies = ReadonlyMap<string, string>;
const noCopies: Copies = new Map();

interface Placed {
  readonly uuid: string;
  readonly path: string;
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

function candidateOf(registry: Registry, observations: Observations, file: string): Candidate {
  const { size, isLink } = sizeOf(file);
  const observation = observations.next(file);
  const { instrument, id } = observation.exposure;
  const detector = detectorNumber(registry, instrument, observation.detector, file);
  const guider = isGuiderFile(observation.detector) && file.includes('_guider');
  const type = guider ? guiderRawType : rawType;
  const run = guider ? guiderRun(instrument) : rawRun(instrument);
  const dataId = { instrument, detector, exposure: id };
  return {
    file,
    source: isLink ? realpathSync(file) : file,
    bytes: size,
    type,
    run,
    dataId,
    observation,
    detectorName: observation.detector,
    uuid: rawUuid(type.name, run, dataId),
  };
}

function sizeOf(file: string): { readonly size: number; readonly isLink: boolean } {
  const stats = lstatSync(file);
  const isLink = stats.isSymbolicLink();
  return { size: isLink ? statSync(file).size : stats.size, isLink };
}

function isAboutOneFile(error: unknown): boolean {
  if (error instanceof AgentError)
    return error.code === 'butler_metadata' || error.code === 'butler_conflict';
  return isConstraint(error) || (error instanceof Error && 'syscall' in error);
}

function outcomeOf(error: unknown): IngestedFile['outcome'] {
  if (isConstraint(error)) return 'conflict';
  const code = error instanceof AgentError ? error.code : 'butler';
  if (code === 'butler_metadata') return 'bad_metadata';
  return code === 'butler_conflict' ? 'conflict' : 'failed';
}

function nameOf({ type, dataId }: Candidate): string {
  return `${type.name} {${showDataId(dataId)}}`;
}

function failed(file: string, error: unknown, candidate?: Candidate): IngestedFile {
  if (!(error instanceof AgentError) && !(error instanceof Error && 'code' in error)) throw error;
  const problem =
    isConstraint(error) && candidate
      ? `${file}: ${nameOf(candidate)}: the repository has something else under this name (${sentenceOf(error)})`
      : sentenceOf(error);
  return {
    file,
    outcome: outcomeOf(error),
    problem,
    uuid: null,
    dataId: candidate?.dataId ?? null,
    run: '',
    type: candidate?.type.name ?? '',
    uri: '',
    changed: [],
  };
}

function succeeded(
  candidate: Candidate,
  outcome: IngestedFile['outcome'],
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
  readonly #observations = new Observations();

  constructor(root: string, db: RepositoryDatabase, registry: Registry, settings: IngestSettings) {
    this.#root = root;
    this.#db = db;
    this.#registry = registry;
    this.#settings = settings;
  }

  /** What became of each file, in their order. */
  files(paths: readonly string[]): IngestedFile[] {
    const results = new Map<string, IngestedFile>();
    const byExposure = new Map<string, Map<string, Candidate>>();
    for (const file of new Set(paths)) {
      try {
        if (this.#settings.sync) syncFile(file);
        const candidate = candidateOf(this.#registry, this.#observations, file);
        let key = `${candidate.type.name} ${candidate.dataId.instrument} ${candidate.dataId.exposure}`;
        // Two files of one data ID come one after the other.
        while (byExposure.get(key)?.has(candidate.uuid)) key += ' again';
        const others = byExposure.get(key) ?? new Map<string, Candidate>();
        byExposure.set(key, others.set(candidate.uuid, candidate));
      } catch (error) {
        results.set(file, failed(file, error));
      }
    }
    let busy: unknown = null;
    for (const group of byExposure.values()) {
      const candidates = [...group.values()];
      const done =
        busy === null
          ? this.#exposure(candidates, (error) => {
              busy = error;
            })
          : candidates.map((one) => failed(one.file, busy, one));
      for (const result of done) results.set(result.file, result);
    }
    return paths.flatMap((file) => results.get(file) ?? []);
  }

  /**
   * One transaction; when it fails for one of its files they are tried one by one, so that none keeps out the others. A
   * lock that was waited for in vain is not waited for again (`onBusy`).
   */
  #exposure(candidates: readonly Candidate[], onBusy: (error: unknown) => void): IngestedFile[] {
    try {
      return this.#together(candidates);
    } catch (error) {
      if (candidates.length > 1 && isAboutOneFile(error))
        return candidates.flatMap((one) => this.#exposure([one], onBusy));
      if (error instanceof AgentError && error.code === 'butler_busy') onBusy(error);
      return candidates.map((one) => failed(one.file, error, one));
    }
  }

  #together(candidates: readonly Candidate[]): IngestedFile[] {
    if (this.#settings.transfer === 'copy') return this.#copied(candidates);
    try {
      return this.#committed(candidates, noCopies);
    } catch (error) {
      if (error instanceof CannotLink) return this.#copied(candidates);
      throw error;
    }
  }

  /** Copies take their time: they are made before the lock is taken. */
  #copied(candidates: readonly Candidate[]): IngestedFile[] {
    const folders = new Folders();
    const copies = new Map<string, string>();
    try {
      for (const one of candidates) {
        const { instrument, id } = one.observation.exposure;
        const names = this.#db.read(() => exposureOf(this.#registry, instrument, id));
        // What is there already, or waits for its exposure, needs no copy.
        const [known] = this.#db.read(() => this.#registry.known([one.uuid])).values();
        if ((one.type === guiderRawType && !names) || (known?.registered && known.path !== null)) continue;
        copies.set(one.uuid, folders.copy(one.source, join(this.#root, new Paths(names).of(one))));
      }
      return this.#committed(candidates, copies);
    } finally {
      for (const copy of copies.values()) rmSync(copy, { force: true });
    }
  }

  #committed(candidates: readonly Candidate[], copies: Copies): IngestedFile[] {
    const placed: Placed[] = [];
    try {
      return this.#db.write(() => this.#rows(candidates, copies, placed));
    } catch (error) {
      this.#registry.forget();
      this.#withdraw(placed);
      throw error;
    }
  }

  #rows(candidates: readonly Candidate[], copies: Copies, placed: Placed[]): IngestedFile[] {
    const [first] = candidates;
    if (!first) return [];
    this.#registry.refresh();
    const { instrument, id } = first.observation.exposure;
    const there = exposureOf(this.#registry, instrument, id);
    if (first.type === guiderRawType && !there)
      return candidates.map((candidate) => ({
        ...succeeded(candidate, 'waiting', '', []),
        problem: `exposure ${id} is not there yet`,
      }));
    const changed = this.#syncExposure(candidates);
    const known = there ? this.#known(candidates) : new Map<string, KnownDataset>();
    const folders = new Folders();
    const paths = new Paths(there);
    const fresh: NewDataset[] = [];
    const filed: NewDataset[] = [];
    const ingestTaiNs = this.#settings.taiNs();
    const type = this.#registry.ensureType(first.type);
    const run = this.#registry.ensureCollection(first.run, 1);
    const formatter = first.type.formatter || (instrumentTable(instrument)?.rawFormatter ?? '');
    const results = candidates.map((candidate) => {
      const { uuid, dataId, bytes } = candidate;
      const before = known.get(uuid);
      if (before && before.path !== null) {
        this.#compare(candidate, before.path);
        return succeeded(candidate, 'unchanged', this.#uri(before.path), changed);
      }
      const path = this.#place(candidate, paths.of(candidate), copies, folders, placed);
      const dataset = { uuid, type, run, dataId, ingestTaiNs, path, formatter, bytes };
      (before ? filed : fresh).push(dataset);
      return succeeded(candidate, 'ingested', this.#uri(path), changed);
    });
    folders.sync();
    this.#registry.insertAll(fresh);
    if (filed.length > 0) this.#registry.insertFiles(filed);
    return results;
  }

  /** What the repository has of them. What is left of a removal that was not finished goes first. */
  #known(candidates: readonly Candidate[]): ReadonlyMap<string, KnownDataset> {
    const known = this.#registry.known(candidates.map(({ uuid }) => uuid));
    const gone = [...known].flatMap(([uuid, { trashed }]) => (trashed ? [uuid] : []));
    if (gone.length > 0) takeOutOfTrash(this.#root, this.#registry, gone, []);
    return new Map([...known].filter(([, { registered }]) => registered));
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

  /** Refuses another file than that at `path`. */
  #compare(candidate: Candidate, path: string): void {
    const there = absolutePath(this.#root, path);
    if (there !== null && sameContent(candidate.source, there)) return;
    const problem =
      there === null
        ? `it lies at ${path}`
        : look(there)
          ? `${path} is another file`
          : `${path} has gone: summit-agent butler check tells more`;
    throw new AgentError(
      'butler_conflict',
      `${candidate.file}: ${nameOf(candidate)} is there already: ${problem}`,
    );
  }

  /** Puts the file where its row will point; returns that path. */
  #place(
    { file, source, uuid }: Candidate,
    path: string,
    copies: Copies,
    folders: Folders,
    placed: Placed[],
  ): string {
    if (this.#settings.transfer === 'direct')
      return isInside(this.#root, file) ? file.slice(this.#root.length + 1) : fileUri(file);
    const to = `${this.#root}/${path}`;
    const copy = copies.get(uuid);
    if (copy !== undefined) folders.takeCopy(copy, to);
    else if (!folders.link(source, to)) return path;
    placed.push({ uuid, path: to });
    return path;
  }

  #uri(path: string): string {
    return fileUri(absolutePath(this.#root, path) ?? path);
  }

  /** Files without rows are taken away again; what they were linked from stays. */
  #withdraw(placed: readonly Placed[]): void {
    if (placed.length === 0) return;
    try {
      this.#db.write(() => {
        const known = this.#registry.known(placed.map(({ uuid }) => uuid));
        for (const { uuid, path } of placed) if (!known.has(uuid)) rmSync(path, { force: true });
      });
    } catch {
      // What failed is told; these are files without rows then, which a repair takes away.
    }
  }
}

type ThereOrNot = ReturnType<typeof exposureOf>;

/** A path has the names of the exposure that is there, whatever a guider file says. */
function namesOf({ type, observation: { exposure } }: Candidate, there: ThereOrNot) {
  return type === guiderRawType && there ? { instrument: exposure.instrument, ...there } : exposure;
}

/** Paths of one exposure after the other, which are made of the same names. */
class Paths {
  readonly #there: ThereOrNot;
  #names: object | null = null;
  #paths: ReturnType<typeof exposurePaths> = () => '';

  constructor(there: ThereOrNot) {
    this.#there = there;
  }

  of(candidate: Candidate): string {
    const { type, run, observation, detectorName, file } = candidate;
    if (observation.exposure !== this.#names) {
      this.#names = observation.exposure;
      this.#paths = exposurePaths(type.name, run, namesOf(candidate, this.#there));
    }
    return this.#paths(detectorName, extensionOf(file));
  }
}
