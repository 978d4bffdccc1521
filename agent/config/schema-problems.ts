// SPDX-License-Identifier: Apache-2.0
// Turns JSON Schema errors into sentences `key.path: expected ..., got ...`.

import type { ErrorObject } from 'ajv';
import { nearest } from '../model/nearest.js';
import { show } from '../model/show.js';

function pathOf(pointer: string): string {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .join('.');
}

function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

type Params = Readonly<Record<string, unknown>>;

function expectation(error: ErrorObject): string {
  const params = error.params as Params;
  switch (error.keyword) {
    case 'type':
      return [params.type].flat().join(' or ');
    case 'enum':
      return [params.allowedValues].flat().map(show).join(', ');
    case 'const':
      return show(params.allowedValue);
    case 'minimum':
      return `at least ${params.limit}`;
    case 'maximum':
      return `at most ${params.limit}`;
    case 'exclusiveMinimum':
      return `more than ${params.limit}`;
    case 'minItems':
      return `at least ${params.limit} entries`;
    case 'maxItems':
      return `at most ${params.limit} entries`;
    case 'minLength':
      return `at least ${params.limit} characters`;
    case 'maxLength':
      return `at most ${params.limit} characters`;
    case 'pattern':
      return `text of the form ${params.pattern}`;
    default:
      return error.message ?? error.keyword;
  }
}

function keysAt(error: ErrorObject): readonly string[] {
  const { properties } = (error.parentSchema ?? {}) as { properties?: Params };
  return Object.keys(properties ?? {});
}

function sentence(error: ErrorObject): string {
  const path = pathOf(error.instancePath);
  const params = error.params as Params;
  if (error.keyword === 'required') {
    const key = String(params.missingProperty);
    const property = (error.parentSchema?.properties as Params | undefined)?.[key] as Params | undefined;
    return `${join(path, key)}: expected ${String(property?.description ?? 'a value')}, got nothing`;
  }
  if (error.keyword === 'additionalProperties') {
    const key = String(params.additionalProperty);
    const known = keysAt(error);
    const near = nearest(key, known);
    const hint = near === null ? known.join(', ') : `${near} (one of ${known.join(', ')})`;
    return `${join(path, key)}: expected a known key, such as ${hint}, got ${show(key)}`;
  }
  return `${path === '' ? 'profile' : path}: expected ${expectation(error)}, got ${show(error.data)}`;
}

/** One sentence per problem. Alternatives (anyOf) are told once, by their description. */
export function problemsOf(errors: readonly ErrorObject[]): string[] {
  const choices = errors.filter((e) => e.keyword === 'anyOf');
  const inChoice = (e: ErrorObject) => choices.some((c) => e !== c && e.instancePath === c.instancePath);
  return errors
    .filter((e) => !inChoice(e))
    .map((e) => {
      if (e.keyword !== 'anyOf') return sentence(e);
      const { description } = (e.parentSchema ?? {}) as { description?: string };
      return `${pathOf(e.instancePath)}: expected ${description ?? 'another form'}, got ${show(e.data)}`;
    });
}
