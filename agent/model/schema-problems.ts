// SPDX-License-Identifier: Apache-2.0
// Turns JSON Schema errors into sentences `key.path: expected ..., got ...`.

import { nearest } from './nearest.js';
import { show } from './show.js';

/** What a validator (ajv with `allErrors` and `verbose`) says of one problem. */
export interface SchemaError {
  readonly keyword: string;
  /** JSON pointer of the value */
  readonly instancePath: string;
  readonly params: object;
  readonly message?: string;
  readonly parentSchema?: object;
  readonly data?: unknown;
}

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

/** A key of an object, as another object. */
function part(of: object | undefined, key: string): Params {
  return ((of as Params | undefined)?.[key] ?? {}) as Params;
}

function expectation(error: SchemaError): string {
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

function keysAt(error: SchemaError): readonly string[] {
  return Object.keys(part(error.parentSchema, 'properties'));
}

/** Values of the key that tells the alternatives of an object apart. */
function choicesOf(error: SchemaError, tag: string): string[] {
  const { oneOf } = (error.parentSchema ?? {}) as { oneOf?: readonly object[] };
  return (oneOf ?? []).map((one) => String(part(part(one, 'properties'), tag).const));
}

function sentence(error: SchemaError, whole: string): string {
  const path = pathOf(error.instancePath);
  const params = error.params as Params;
  if (error.keyword === 'required') {
    const key = String(params.missingProperty);
    const { description } = part(part(error.parentSchema, 'properties'), key);
    return `${join(path, key)}: expected ${String(description ?? 'a value')}, got nothing`;
  }
  if (error.keyword === 'additionalProperties') {
    const key = String(params.additionalProperty);
    const known = keysAt(error);
    const near = nearest(key, known);
    const hint = near === null ? known.join(', ') : `${near} (one of ${known.join(', ')})`;
    return `${join(path, key)}: expected a known key, such as ${hint}, got ${show(key)}`;
  }
  if (error.keyword === 'discriminator') {
    const { tag, tagValue } = params;
    const names = choicesOf(error, String(tag)).join(', ');
    return `${join(path, String(tag))}: expected one of ${names}, got ${show(tagValue)}`;
  }
  return `${path === '' ? whole : path}: expected ${expectation(error)}, got ${show(error.data)}`;
}

/** One sentence per problem of a `whole`. Alternatives (anyOf) are told once, by their description. */
export function problemsOf(errors: readonly SchemaError[], whole: string): string[] {
  const choices = errors.filter((e) => e.keyword === 'anyOf');
  const inChoice = (e: SchemaError) => choices.some((c) => e !== c && e.instancePath === c.instancePath);
  return errors
    .filter((e) => !inChoice(e))
    .map((e) => {
      if (e.keyword !== 'anyOf') return sentence(e, whole);
      const { description } = (e.parentSchema ?? {}) as { description?: string };
      return `${pathOf(e.instancePath)}: expected ${description ?? 'another form'}, got ${show(e.data)}`;
    });
}
