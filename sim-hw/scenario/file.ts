// SPDX-License-Identifier: Apache-2.0
// Reads a scenario file: YAML (or JSON, which is YAML), checked against schema.json. Every problem is told.
import { readFileSync } from 'node:fs';
import { Ajv, type ValidateFunction } from 'ajv';
import { parseDocument } from 'yaml';
import { parseRoiSpec } from '../../agent/model/roi.js';
import { problemsOf } from '../../agent/model/schema-problems.js';
import { inCheckout } from '../checkout.js';
import type { EventFate } from './events.js';
import type { Happening, Vector } from './happenings.js';
import type { SeriesEntry } from './plan.js';

/** What one sensor has of its own. */
export interface SensorEntry {
  readonly snr?: number;
  readonly fwhm?: number;
  /** where its guide star rests, px in the ROI */
  readonly at?: Vector;
}

/** The parts of a file that are no options of the command line. */
export interface ScenarioParts {
  readonly plan: readonly SeriesEntry[] | null;
  readonly sensors: Readonly<Record<string, SensorEntry>>;
  readonly happenings: readonly Happening[];
  readonly events: readonly EventFate[];
}

export const noScenario: ScenarioParts = { plan: null, sensors: {}, happenings: [], events: [] };

export interface ScenarioFile {
  readonly parts: ScenarioParts;
  /** options of the command line, by their names there */
  readonly options: Readonly<Record<string, unknown>>;
}

let compiled: ValidateFunction<unknown> | null = null;

export function schemaPath(): string {
  return inCheckout('sim-hw/scenario/schema.json', 'the checkout is incomplete');
}

function validator(): ValidateFunction<unknown> {
  if (compiled === null) {
    const schema: unknown = JSON.parse(readFileSync(schemaPath(), 'utf8'));
    const ajv = new Ajv({ allErrors: true, verbose: true, discriminator: true });
    compiled = ajv.compile(schema as object);
  }
  return compiled;
}

function readYaml(path: string): unknown {
  const document = parseDocument(readFileSync(path, 'utf8'), { prettyErrors: true });
  const [error] = document.errors;
  if (error !== undefined) throw new Error(`expected YAML or JSON, got ${error.message.split('\n')[0]}`);
  return document.toJS();
}

/** Places of ROIs that the schema cannot judge. */
function roiProblems(plan: readonly SeriesEntry[]): string[] {
  return plan.flatMap(({ roi }, i) => {
    if (roi === undefined) return [];
    try {
      parseRoiSpec(roi);
      return [];
    } catch (error) {
      const { problems } = error as { problems?: readonly string[] };
      return (problems ?? [String(error)]).map((problem) => `plan.${i}.roi.${problem}`);
    }
  });
}

/** Happenings and fates of events that come by other ways than a file; throws one sentence with everything wrong. */
export function partsOf(value: object): Pick<ScenarioParts, 'happenings' | 'events'> {
  const validate = validator();
  if (!validate(value)) throw new Error(problemsOf(validate.errors ?? [], 'scenario').join('; '));
  const { happenings = [], events = [] } = value as Partial<ScenarioParts>;
  return { happenings, events };
}

/** Adds `PATH: problem` for each; what is wrong is left out of the result. */
export function readScenarioFile(path: string, problems: string[]): ScenarioFile {
  let value: unknown;
  try {
    value = readYaml(path);
  } catch (error) {
    problems.push(`--scenario ${path}: ${error instanceof Error ? error.message : String(error)}`);
    return { parts: noScenario, options: {} };
  }
  const validate = validator();
  if (!validate(value)) {
    for (const problem of problemsOf(validate.errors ?? [], 'scenario')) problems.push(`${path}: ${problem}`);
    return { parts: noScenario, options: {} };
  }
  const { plan, sensors, happenings, events, ...options } = value as Partial<ScenarioParts> & object;
  const parts = {
    plan: plan ?? null,
    sensors: sensors ?? {},
    happenings: happenings ?? [],
    events: events ?? [],
  };
  for (const problem of roiProblems(parts.plan ?? [])) problems.push(`${path}: ${problem}`);
  return { parts, options };
}
