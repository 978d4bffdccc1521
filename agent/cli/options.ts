// SPDX-License-Identifier: Apache-2.0
// Command-line options of one sub-command; an unknown one is refused with the nearest that exists.

import { parseArgs } from 'node:util';
import { AgentError } from '../model/errors.js';
import { nearest } from '../model/nearest.js';

export interface OptionSpec {
  readonly type: 'string' | 'boolean';
}

export type Options = Readonly<Record<string, string | boolean | undefined>>;

/** Reads `args`; refuses (`usage`) unknown options, missing values and stray words. */
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
  const out: Record<string, string | boolean> = {};
  const say = (problem: string) => new AgentError('usage', `${problem}; see summit-agent ${command} --help`);
  for (const token of tokens) {
    if (token.kind === 'positional') throw say(`expected only options, got ${token.value}`);
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
    out[token.name] = token.value ?? true;
  }
  return out;
}

export function requireText(options: Options, name: string, command: string): string {
  const value = options[name];
  if (typeof value === 'string' && value !== '') return value;
  throw new AgentError('usage', `expected --${name}; see summit-agent ${command} --help`);
}
