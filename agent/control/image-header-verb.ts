// SPDX-License-Identifier: Apache-2.0
// The command `imageHeader`: what a header service or the camera's events know of an image, for its files.

import { refuseAll } from '../model/errors.js';
import { isKeyword } from '../model/fits-keyword.js';
import { show } from '../model/show.js';
import type { Verb } from './verbs.js';

type Map = Readonly<Record<string, unknown>>;

/** Of one image; keys are FITS keywords. */
export interface ImageHeader {
  readonly obsid: string;
  readonly keywords: Map;
  /** by detector name */
  readonly detectors: Readonly<Record<string, Map>>;
  readonly rebCond: Map;
  readonly configCond: Map;
}

export interface ImageHeaderRole {
  /** null: this agent takes no images */
  onHeader: ((header: ImageHeader) => string) | null;
}

function isMap(value: unknown): value is Map {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function parseImageHeader(args: Map): ImageHeader {
  const problems: string[] = [];
  const { obsid } = args;
  if (typeof obsid !== 'string' || obsid === '')
    problems.push(`obsid: expected text such as MC_O_20260714_000123, got ${show(obsid)}`);
  const part = (key: string): Map => {
    const value = args[key] ?? {};
    if (isMap(value)) return value;
    problems.push(`${key}: expected a map of FITS keywords, got ${show(value)}`);
    return {};
  };
  const detectors: Record<string, Map> = {};
  for (const [name, value] of Object.entries(part('detectors')))
    if (isMap(value)) detectors[name] = value;
    else problems.push(`detectors.${name}: expected a map of FITS keywords, got ${show(value)}`);
  const header = { keywords: part('keywords'), rebCond: part('reb_cond'), configCond: part('config_cond') };
  for (const [where, values] of Object.entries({ ...header, ...detectors }))
    for (const [keyword, value] of Object.entries(values)) {
      if (!isKeyword(keyword))
        problems.push(
          `${where}.${keyword}: expected a FITS keyword such as RA or HIERARCH.STUTTER.ROWS (capitals, digits, - and _), got ${show(keyword)}`,
        );
      if (value !== null && !['string', 'number', 'boolean'].includes(typeof value))
        problems.push(
          `${where}.${keyword}: expected text, a number, true, false or null, got ${show(value)}`,
        );
    }
  if (problems.length > 0) throw refuseAll('command', 'imageHeader', problems);
  return { obsid: String(obsid), detectors, ...header };
}

export function imageHeaderVerb(role: ImageHeaderRole): Verb {
  return async (args) => {
    const header = parseImageHeader(args);
    if (role.onHeader === null)
      throw refuseAll('command', 'imageHeader', ['this agent takes no images: its role is another']);
    return { obsid: header.obsid, taken: role.onHeader(header) };
  };
}
