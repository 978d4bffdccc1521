// SPDX-License-Identifier: Apache-2.0
// The calibrations that are valid at a time as a folder of the roles' own layout, DETECTOR/TYPE.fits: links to files of the
// datastore, made once for each choice of datasets and never changed after that. `current` is the one asked for last.

import { createHash } from 'node:crypto';
import { readdirSync, readlinkSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import {
  type CalibratedDetector,
  type CalibrationRequest,
  type CalibrationView,
  currentCalibrations,
} from '../model/butler.js';
import { AgentError } from '../model/errors.js';
import { calibChain } from './dataset-types.js';
import { absolutePath, look } from './datastore.js';
import { makeFolders } from './durable.js';
import { recordsTable } from './layout.js';
import { type Collection, CollectionType, type DataId, type KnownType } from './registry.js';
import type { Repository } from './repository.js';
import { isoOfNs, unboundedSpan } from './tai-times.js';

interface Row {
  readonly uuid: string;
  readonly path: string | null;
  readonly end: bigint;
}

interface Choice {
  /** LATISS/bias.fits */
  readonly name: string;
  readonly uuid: string;
  readonly file: string;
  readonly end: bigint;
}

export class CalibrationViews {
  readonly #repository: Repository;
  readonly #folder: string;
  readonly #link: string;
  #current: string;

  constructor(repository: Repository) {
    this.#repository = repository;
    this.#link = currentCalibrations(repository.root);
    this.#folder = dirname(this.#link);
    this.#current = this.#readCurrent();
    this.#removeOld();
  }

  /** Which calibrations an exposure at that time takes. */
  view(request: CalibrationRequest): CalibrationView {
    const missing: string[] = [];
    const { db, registry } = this.#repository;
    const choices = db.snapshot(() => {
      registry.refresh();
      return request.detectors.flatMap((detector) =>
        detector.types.flatMap((name) => this.#choose(request, detector, name, missing) ?? []),
      );
    });
    const digest = createHash('sha256')
      .update(choices.map(({ name, uuid }) => `${name} ${uuid}\n`).join(''))
      .digest('hex')
      .slice(0, 16);
    this.#make(digest, choices);
    if (request.isCurrent) this.#makeCurrent(digest);
    const ends = choices.map(({ end }) => end).sort((x, y) => (x < y ? -1 : 1));
    const until = ends[0] ?? unboundedSpan.end;
    return { directory: join(this.#folder, digest), datasets: choices.length, until, missing };
  }

  #choose(
    { instrument, filter, taiNs }: CalibrationRequest,
    { folder, detector }: CalibratedDetector,
    typeName: string,
    missing: string[],
  ): Choice | null {
    const { registry, root } = this.#repository;
    const type = registry.type(typeName);
    const what = `${typeName} of ${folder}`;
    const none = (why: string): null => {
      missing.push(`${what}: ${why}`);
      return null;
    };
    if (!type?.calibs) return none('the repository has none');
    if (type.dimensions.includes('physical_filter') && filter === null)
      return none('nobody tells the filter');
    const dataId: DataId = { instrument, detector, ...(filter !== null && { physical_filter: filter }) };
    const chain = calibChain(instrument);
    for (const collection of registry.collection(chain) ? registry.flattened([chain]) : []) {
      const rows = this.#rowsAt(type, collection, dataId, taiNs);
      const [row, second] = rows;
      if (second) return none(`${collection.name} has more than one that is valid at ${isoOfNs(taiNs)}`);
      if (!row) continue;
      const file = row.path === null ? null : absolutePath(root, row.path);
      if (file === null || !look(file)) return none(`${row.path ?? row.uuid} is not there`);
      return { name: join(folder, `${typeName}.fits`), uuid: row.uuid, file, end: row.end };
    }
    const last = this.#lastEnd(type, dataId, taiNs);
    const stale = last === null ? '' : `, the last was until ${isoOfNs(last)}`;
    return none(`none is valid at ${isoOfNs(taiNs)}${filter === null ? '' : ` in ${filter}`}${stale}`);
  }

  #rowsAt(type: KnownType, collection: Collection, dataId: DataId, taiNs: bigint): Row[] {
    const where = type.dimensions.map((name) => ` AND c.${name} = ?`).join('');
    const values = type.dimensions.map((name) => dataId[name]);
    // What lies in a run of the chain, or is tagged, is always valid.
    const isCertified = collection.type === CollectionType.calibration;
    const [table, end, time] = isCertified
      ? [type.calibs, 'c.timespan_end', ' AND c.timespan_begin <= ? AND c.timespan_end > ?']
      : [type.tags, String(unboundedSpan.end), ''];
    return this.#repository.registry
      .sql<unknown[], Row>(
        `SELECT c.dataset_id AS uuid, f.path, ${end} AS end FROM ${table} AS c
         LEFT JOIN ${recordsTable} AS f ON f.dataset_id = c.dataset_id
         WHERE c.dataset_type_id = ? AND c.collection_id = ?${where}${time} LIMIT 2`,
      )
      .safeIntegers(true)
      .all(type.id, collection.id, ...values, ...(isCertified ? [taiNs, taiNs] : []));
  }

  /** When the last one that was valid before ceased to be. */
  #lastEnd(type: KnownType, dataId: DataId, taiNs: bigint): bigint | null {
    const where = type.dimensions.map((name) => ` AND ${name} = ?`).join('');
    const row = this.#repository.registry
      .sql<unknown[], { last: bigint | null }>(
        `SELECT max(timespan_end) AS last FROM ${type.calibs} WHERE dataset_type_id = ?${where} AND timespan_end <= ?`,
      )
      .safeIntegers(true)
      .get(type.id, ...type.dimensions.map((name) => dataId[name]), taiNs);
    return row?.last ?? null;
  }

  #make(digest: string, choices: readonly Choice[]): void {
    const view = join(this.#folder, digest);
    if (look(view)) return;
    const part = `${view}.part`;
    try {
      rmSync(part, { recursive: true, force: true });
      makeFolders(part);
      for (const { name, file } of choices) {
        makeFolders(join(part, name, '..'));
        symlinkSync(file, join(part, name));
      }
      renameSync(part, view);
    } catch (error) {
      throw new AgentError('butler', `${view}: calibrations cannot be laid out there`, { cause: error });
    }
  }

  #makeCurrent(digest: string): void {
    if (this.#current === digest) return;
    const part = `${this.#link}.part`;
    rmSync(part, { force: true });
    symlinkSync(digest, part);
    renameSync(part, this.#link);
    this.#current = digest;
  }

  #readCurrent(): string {
    try {
      return basename(readlinkSync(this.#link));
    } catch {
      return '';
    }
  }

  /** Of earlier runs: this one asks anew for what it needs. */
  #removeOld(): void {
    if (!look(this.#folder)) return;
    for (const name of readdirSync(this.#folder))
      if (name !== basename(this.#link) && name !== this.#current)
        rmSync(join(this.#folder, name), { recursive: true, force: true });
  }
}
