// SPDX-License-Identifier: Apache-2.0
// The profile's part about the Butler repository.

import { resolve } from 'node:path';
import {
  type ButlerSettings,
  currentCalibrations,
  imageCalibrations,
  type RoleCalibrations,
  stampCalibrations,
} from '../model/butler.js';
import { guideSensorNamed } from '../model/location.js';
import { show } from '../model/show.js';
import { wantedBoards } from './image.js';
import { defaults, instrumentOf, type ProfileFile } from './profile.js';

type Section = Readonly<Record<string, unknown>>;

/** What stays is less than what is allowed; calibrations come from one place. */
export function checkButler(butler: unknown, guider: Section, image: Section, out: string[]): void {
  if (typeof butler !== 'object' || butler === null) return;
  const { calibrations, diskShare, keepShare } = butler as Section;
  if (typeof keepShare === 'number' && !(typeof diskShare === 'number' && keepShare < diskShare))
    out.push(`butler.keepShare: expected less than butler.diskShare (${show(diskShare)}), got ${keepShare}`);
  if (typeof calibrations !== 'object' || calibrations === null) return;
  for (const [key, value] of [
    ['guider.calibrations', guider.calibrations],
    ['image.calibrations', image.calibrations],
  ] as const)
    if (value !== undefined && value !== null)
      out.push(`${key}: expected nothing beside butler.calibrations, got ${show(value)}`);
}

/** Folder of the calibrations that the repository keeps for the roles; null: it does not. */
export function butlerCalibrations({ butler }: ProfileFile, folder: string): string | null {
  return butler?.calibrations ? currentCalibrations(resolve(folder, butler.repository)) : null;
}

function roleCalibrations(file: ProfileFile): RoleCalibrations | null {
  const given = file.butler?.calibrations;
  if (!given) return null;
  const sensors = (file.guider?.sensors ?? []).flatMap((name) => {
    const sensor = guideSensorNamed(name);
    const types = stampCalibrations;
    return sensor ? [{ folder: sensor.detectorName, detector: sensor.detector, types }] : [];
  });
  const images = wantedBoards(file).flatMap(({ detectors }) =>
    detectors.map(({ calibration, detector }) => ({
      folder: calibration,
      detector,
      types: imageCalibrations,
    })),
  );
  return {
    instrument: instrumentOf(file),
    detectors: [...sensors, ...images],
    filter: given.filter ?? null,
    refreshS: given.refreshS ?? defaults.butler.refreshS,
    warnHours: given.warnHours ?? defaults.butler.warnHours,
  };
}

/** null: files stay files. `spools` are where the agent writes them. */
export function butlerProfile(
  file: ProfileFile,
  folder: string,
  spools: readonly string[],
): ButlerSettings | null {
  const { butler } = file;
  if (!butler) return null;
  return {
    repository: resolve(folder, butler.repository),
    instrument: instrumentOf(file),
    create: butler.create ?? defaults.butler.create,
    shared: butler.shared ?? defaults.butler.shared,
    keepHours: butler.keepHours ?? null,
    diskShare: butler.diskShare ?? null,
    keepShare: butler.keepShare ?? null,
    expireEveryS: butler.expireEveryS ?? defaults.butler.expireEveryS,
    retryS: butler.retryS ?? defaults.butler.retryS,
    handover: butler.handover
      ? {
          incoming: butler.handover.incoming ? resolve(folder, butler.handover.incoming) : null,
          outgoing: butler.handover.outgoing ? resolve(folder, butler.handover.outgoing) : null,
          everyS: butler.handover.everyS ?? defaults.butler.handoverS,
        }
      : null,
    calibrations: roleCalibrations(file),
    spools,
  };
}
