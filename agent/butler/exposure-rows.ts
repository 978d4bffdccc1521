// SPDX-License-Identifier: Apache-2.0
// Rows of night, group and exposure. The observatory's ingest compares every column with what is there, and refuses the
// whole exposure for one that differs: so does this.

import { AgentError } from '../model/errors.js';
import type { ExposureRow, Observation } from './exposure-record.js';
import type { Registry } from './registry.js';

/**
 * What may be done where the exposure is not there, or is another.
 * create: a new one is written, a different one refused. update: a different one is brought up to date.
 * existing: the rows belong to somebody else; they must be there, and the same.
 */
export type ExposurePolicy = 'create' | 'update' | 'existing';

/** Who may write what this agent may not. */
const siteIngest = "scripts/clients/butler_ingest.py REPO FILE... has it done by the site's own Butler";

const columns = [
  'instrument',
  'id',
  'day_obs',
  'group',
  'physical_filter',
  'obs_id',
  'exposure_time',
  'dark_time',
  'observation_type',
  'observation_reason',
  'seq_num',
  'seq_start',
  'seq_end',
  'target_name',
  'science_program',
  'tracking_ra',
  'tracking_dec',
  'sky_angle',
  'azimuth',
  'zenith_angle',
  'has_simulated',
  'can_see_sky',
  'timespan_begin',
  'timespan_end',
] as const satisfies readonly (keyof ExposureRow)[];

type Value = string | number | bigint | null;

const quoted = columns.map((name) => `"${name}"`);
const places = columns.map(() => '?').join(', ');
const others = columns.slice(2);

function sameValue(ours: Value, stored: Value): boolean {
  if (typeof ours === 'number' && typeof stored === 'bigint')
    return BigInt(Math.trunc(ours)) === stored && Number.isInteger(ours);
  return ours === stored;
}

/** Rows of the two would be the same. */
export function sameExposure(a: Observation, b: Observation): boolean {
  if (a.exposure === b.exposure) return true;
  return (
    columns.every((column) => a.exposure[column] === b.exposure[column]) &&
    a.daySpan.every((time, i) => time === b.daySpan[i])
  );
}

function show(value: Value | undefined): string {
  return value === null || value === undefined ? 'nothing' : String(value);
}

function insertNight(registry: Registry, { exposure, daySpan }: Observation): void {
  const { instrument, day_obs } = exposure;
  registry.sql('INSERT OR IGNORE INTO day_obs VALUES (?, ?, ?, ?)').run(instrument, day_obs, ...daySpan);
  registry.sql('INSERT OR IGNORE INTO "group" VALUES (?, ?)').run(instrument, exposure.group);
}

function checkFilter(registry: Registry, { instrument, physical_filter, obs_id }: ExposureRow): void {
  const there = registry
    .sql<[string, string], unknown>('SELECT 1 FROM physical_filter WHERE instrument = ? AND name = ?')
    .get(instrument, physical_filter);
  if (there === undefined)
    throw new AgentError(
      'butler_metadata',
      `${obs_id}: expected a filter that ${instrument} is registered with, got ${physical_filter}`,
    );
}

/** The columns that were changed. Refuses (`butler_conflict`) what `policy` does not allow. */
export function syncExposure(
  registry: Registry,
  observation: Observation,
  policy: ExposurePolicy,
): readonly string[] {
  const { exposure } = observation;
  const stored = registry
    .sql<[string, number], Record<string, Value>>('SELECT * FROM exposure WHERE instrument = ? AND id = ?')
    .safeIntegers(true)
    .get(exposure.instrument, exposure.id);
  const name = `exposure ${exposure.id} of ${exposure.instrument}`;
  if (stored === undefined) {
    if (policy === 'existing')
      throw new AgentError(
        'butler_conflict',
        `${name} (${exposure.obs_id}) is not in the repository, and its rows are not this agent's to write: ${siteIngest}`,
      );
    checkFilter(registry, exposure);
    insertNight(registry, observation);
    registry
      .sql(`INSERT INTO exposure (${quoted.join(', ')}) VALUES (${places})`)
      .run(...columns.map((column) => exposure[column]));
    return [];
  }
  const different = others.filter((column) => !sameValue(exposure[column], stored[column] ?? null));
  if (different.length === 0) return [];
  if (policy !== 'update') {
    const parts = different.map(
      (column) => `${column}: expected ${show(stored[column])}, got ${show(exposure[column])}`,
    );
    const offer = policy === 'existing' ? `; ${siteIngest}` : '';
    throw new AgentError(
      'butler_conflict',
      `${name} is there with other values: ${parts.join('; ')}${offer}`,
    );
  }
  checkFilter(registry, exposure);
  insertNight(registry, observation);
  registry
    .sql(
      `UPDATE exposure SET ${different.map((c) => `"${c}" = ?`).join(', ')} WHERE instrument = ? AND id = ?`,
    )
    .run(...different.map((column) => exposure[column]), exposure.instrument, exposure.id);
  return different;
}

/** What a dataset's path needs of an exposure that is there already. */
export function exposureOf(
  registry: Registry,
  instrument: string,
  id: number,
): Pick<ExposureRow, 'obs_id' | 'day_obs' | 'physical_filter'> | null {
  const row = registry
    .sql<[string, number], Pick<ExposureRow, 'obs_id' | 'day_obs' | 'physical_filter'>>(
      'SELECT obs_id, day_obs, physical_filter FROM exposure WHERE instrument = ? AND id = ?',
    )
    .safeIntegers(false)
    .get(instrument, id);
  return row ?? null;
}
