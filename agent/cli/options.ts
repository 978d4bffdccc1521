// SPDX-License-Identifier: Apache-2.0
// Command-line options of one sub-command; an unknown one is refused with the nearest that exists.

import { parseArgs } from 'node:util';
import { AgentError } from '../model/errors.js';
import { nearest } from '../model/nearest.js';

export interface OptionSpec {
  readonly type: 'string' | 'boolean';
  /** may be given again; `listOf` reads it */
  readonly multiple?: boolean;
}

export type Options = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

/** Key under which words that are no options are found, where a command takes them. */
export const words = 'words';

/** Reads `args`; refuses (`usage`) unknown options, missing values and, unless `known` has `words`, stray words. */
export function readOptions(
  command: string,
  args: readonly string[],
  known: Readonly<Record<string, OptionSpec>>,
): Options {
  const all: Readonly<Record<string, OptionSpec>> = { ...known, help: { type: 'boolean' } };
  const { tokens } = parseArgs({
    args: [...args],
    options: { ...all, help: { type: 'boolean', short: 'h' } },
    strict: false,
    tokens: true,
  });
  const out: Record<string, string | boolean | readonly string[]> = {};
  const add = (name: string, value: string) => {
    out[name] = [...listOf(out, name), value];
  };
  const say = (problem: string) => new AgentError('usage', `${problem}; see summit-agent ${command} --help`);
  for (const token of tokens) {
    if (token.kind === 'positional') {
      if (!Object.hasOwn(known, words)) throw say(`expected only options, got ${token.value}`);
      add(words, token.value);
    }
    if (token.kind !== 'option') continue;
    const spec = Object.hasOwn(all, token.name) ? all[token.name] : undefined;
    if (!spec) {
      const near = nearest(token.name, Object.keys(all));
      throw say(`unknown option ${token.rawName}${near === null ? '' : `, did you mean --${near}?`}`);
    }
    if (spec.type === 'string' && (token.value === undefined || token.value.startsWith('--'))) {
      throw say(`${token.rawName}: expected a value`);
    }
    if (spec.type === 'boolean' && token.value !== undefined)
      throw say(`${token.rawName}: expected no value`);
    if (spec.multiple === true && token.value !== undefined) add(token.name, token.value);
    else out[token.name] = token.value ?? true;
  }
  return out;
}

/** Every value of an option that may be given again. */
export function listOf(options: Options, name: string): readonly string[] {
  const value = options[name];
  return Array.isArray(value) ? (value as readonly string[]) : [];
}

/** A number in low..high; `fallback` when it is not given. */
export function numberOf(
  options: Options,
  name: string,
  low: number,
  high: number,
  fallback: number,
): number {
  const text = options[name];
  if (text === undefined) return fallback;
  const value = typeof text === 'string' && text.trim() !== '' ? Number(text) : Number.NaN;
  if (value >= low && value <= high) return value;
  throw new AgentError('usage', `--${name}: expected a number ${low}..${high}, got ${String(text)}`);
}

/** A whole number in low..high; `fallback` when it is not given. */
export function wholeNumberOf(
  options: Options,
  name: string,
  low: number,
  high: number,
  fallback: number,
): number {
  const value = numberOf(options, name, low, high, fallback);
  if (Number.isInteger(value)) return value;
  throw new AgentError(
    'usage',
    `--${name}: expected a whole number ${low}..${high}, got ${String(options[name])}`,
  );
}

export function requireText(options: Options, name: string, command: string): string {
  const value = options[name];
  if (typeof value === 'string' && value !== '') return value;
  throw new AgentError('usage', `expected --${name}; see summit-agent ${command} --help`);
}

/** What an action does not look at must not seem to narrow what it does: refuses options other than `known`. */
export function refuseOthers(
  options: Options,
  command: string,
  action: string,
  known: readonly string[],
): void {
  const idle = Object.keys(options).find((name) => name !== words && !known.includes(name));
  if (idle === undefined) return;
  throw new AgentError('usage', `--${idle} means nothing for ${action}; see summit-agent ${command} --help`);
}
