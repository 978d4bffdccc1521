// SPDX-License-Identifier: Apache-2.0
// How a DAQ stream is recorded, by `record` and by `run --record`.

import { existsSync } from 'node:fs';
import { parse } from 'node:path';
import type { Profile } from '../config/profile.js';
import type { StreamSettings } from '../model/daq.js';
import { packageVersion } from './version.js';

export const defaultQueue = 256;

export function streamSettings(
  profile: Profile,
  path: string,
  { compress = false, guided = false, queueStamps = defaultQueue } = {},
): StreamSettings {
  const header = {
    agent: profile.agent.name,
    version: packageVersion(),
    driver: profile.link.driver,
    partition: profile.partition,
    sensors: profile.guider.sensors.map((s) => s.detectorName),
    started: new Date().toISOString(),
  };
  return { path, compress, guided, queueStamps, header };
}

/** The first name after this one that is free: night-2.smtrec, night-3.smtrec, ... */
export function nextFile(path: string): string {
  const { ext } = parse(path);
  const stem = path.slice(0, path.length - ext.length);
  let n = 2;
  while (existsSync(`${stem}-${n}${ext}`)) n++;
  return `${stem}-${n}${ext}`;
}
