// SPDX-License-Identifier: Apache-2.0
// Values that a shipped profile leaves to the site: "<fill in: what belongs here>".

/** Also where somebody wrote beside it, or took a part of it away. */
const mark = /<fill in:?\s*([^>]*)/i;

/** One problem for each that is left, with its path. */
export function unfilled(value: unknown, path = ''): string[] {
  if (typeof value === 'string') {
    const what = mark.exec(value)?.[1];
    return what === undefined ? [] : [`${path}: to be filled in: ${what}`];
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, own]) => unfilled(own, path === '' ? key : `${path}.${key}`));
}
