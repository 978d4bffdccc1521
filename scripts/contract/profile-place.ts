// SPDX-License-Identifier: Apache-2.0
// A real partition, or a rig of other machines: whatever a profile points at.
import { connectionOf } from '../../agent/cli/connection.js';
import { loadProfileToRun } from '../../agent/config/load.js';
import { type GuideSensor, roiKeyOf } from '../../agent/model/location.js';
import { Child } from '../processes/child.js';
import type { Place } from './place.js';

/** Refuses a profile that an agent would refuse, one of another role, and one with keys without ours. */
export function ofProfile(path: string, key: string | null, size: number): Place {
  const { agent, guider } = loadProfileToRun(path, { beforeStart: true });
  if (agent.role !== 'guider')
    throw new Error(`--profile: expected a profile of role guider, got role ${agent.role}`);
  return {
    name: path,
    about: `The agent ${agent.name} runs on this machine, against the DAQ that its profile names.`,
    profile: path,
    roiSpec: guider.roi === null ? defaultRois(guider.sensors, size) : null,
    keys: connectionOf({ profile: path, ...(key === null ? {} : { key }) }).keys,
    faults: null,
    start: (child) => new Child(child),
    close: () => Promise.resolve(),
  };
}

/** Where the observatory's scripts put them by default. */
function defaultRois(sensors: readonly GuideSensor[], size: number) {
  const rois = sensors.map((sensor) => {
    const segment = sensor.ccdSlot === 'SG0' ? 7 : 0;
    return [roiKeyOf(sensor), { segment, startRow: 800, startCol: 56 }] as const;
  });
  const integrationTimeMillis = size > 100 ? 200 : 100;
  return { common: { rows: size, cols: size, integrationTimeMillis }, ...Object.fromEntries(rois) };
}
