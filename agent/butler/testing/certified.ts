// SPDX-License-Identifier: Apache-2.0
// Calibrations into a repository, file by file, for tests of what finds them.

import { type Calibration, certifyPlaced, placeCalibration, planCalibration } from '../certify.js';
import { checksum, Folders } from '../datastore.js';
import type { Repository } from '../repository.js';

/** All of them or none; their UUIDs, without dashes. */
export function certify(
  repository: Repository,
  calibrations: readonly Omit<Calibration, 'sha256'>[],
  { run, ...settings }: { run: string; collection: string; nowMs: number; taiNs: bigint },
): string[] {
  const folders = new Folders();
  const placed = calibrations.map((one) =>
    planCalibration(repository, { ...one, sha256: checksum(one.file) }, run),
  );
  for (const one of placed) placeCalibration(repository, one, folders);
  folders.sync();
  try {
    return repository.db.write(() => certifyPlaced(repository, placed, settings));
  } catch (error) {
    repository.registry.forget();
    throw error;
  }
}
