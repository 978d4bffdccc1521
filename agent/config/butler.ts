// SPDX-License-Identifier: Apache-2.0
// The profile's part about the Butler repository.

import { resolve } from 'node:path';
import type { ButlerSettings } from '../model/butler.js';
import { defaults, type ProfileFile } from './profile.js';

/** null: files stay files. `spools` are where the agent writes them. */
export function butlerProfile(
  { butler }: ProfileFile,
  folder: string,
  spools: readonly string[],
): ButlerSettings | null {
  if (!butler) return null;
  return {
    repository: resolve(folder, butler.repository),
    create: butler.create ?? defaults.butler.create,
    shared: butler.shared ?? defaults.butler.shared,
    keepHours: butler.keepHours ?? null,
    diskShare: butler.diskShare ?? null,
    expireEveryS: butler.expireEveryS ?? defaults.butler.expireEveryS,
    spools,
  };
}
