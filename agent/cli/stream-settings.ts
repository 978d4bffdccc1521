// SPDX-License-Identifier: Apache-2.0
// How a DAQ stream is recorded, by `record` and by `run --record`.

import { existsSync } from 'node:fs';
import { parse } from 'node:path';
import type { Profile } from '../config/profile.js';
import type { LinkSettings, StreamSettings } from '../model/daq.js';
import { nameOfLocation } from '../model/location.js';
import { packageVersion } from './version.js';

export const defaultQueue = 256;

export function streamSettings(
  profile: Profile,
  link: LinkSettings,
  path: string,
  { compress = false, guided = false, queueStamps = defaultQueue } = {},
): StreamSettings {
  const header = {
    agent: profile.agent.name,
    version: packageVersion(),
    driver: link.driver,
    partition: profile.partition,
    sensors: link.sensors.map(({ location }) => nameOfLocation(location)),
    started: new Date().toISOString(),
  };
  return { path, compress, guided, queueStamps, header };
}

/** night.smtrec of the link a is night-a.smtrec. */
export function fileOfLink(path: string, name: string): string {
  if (name === '') return path;
  const { ext } = parse(path);
  return `${path.slice(0, path.length - ext.length)}-${name}${ext}`;
}

/** The first name after this one that is free: night-2.smtrec, night-3.smtrec, ... */
export function nextFile(path: string): string {
  const { ext } = parse(path);
  const stem = path.slice(0, path.length - ext.length);
  let n = 2;
  while (existsSync(`${stem}-${n}${ext}`)) n++;
  return `${stem}-${n}${ext}`;
}
