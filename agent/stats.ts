// SPDX-License-Identifier: Apache-2.0
// What became of every stamp, by every counter of the link and of the role.

import { checkConservation } from './guider/accounting.js';
import type { LinkCounters } from './model/daq.js';
import type { GuideSensor } from './model/location.js';
import type { SensorAccount } from './model/messages.js';
import { toWire } from './model/names.js';
import { accountsToWire } from './publish/bodies.js';

export function stampStats(
  counters: LinkCounters,
  accounts: Readonly<Record<string, SensorAccount>>,
  sensors: readonly GuideSensor[],
): Record<string, unknown> {
  const { link, pool, outcomes, driver, driverVersion, linkUp, heartbeat, recording } = counters;
  const laws = Object.entries(accounts).map(([name, a]) => [name, checkConservation(a)] as const);
  return {
    driver,
    driver_version: driverVersion,
    link_up: linkUp,
    native_heartbeat: heartbeat,
    conserved: laws.every(([, law]) => law.conserved),
    conservation: Object.fromEntries(laws.map(([name, law]) => [name, toWire(law)])),
    sensors: accountsToWire(accounts),
    sensor_errors: sensorErrors(counters, sensors),
    link,
    pool,
    recording,
    outcomes,
  };
}

/** What the DAQ and the kernel refused, by sensor. */
function sensorErrors(counters: LinkCounters, sensors: readonly GuideSensor[]): Record<string, unknown> {
  const names = new Map(sensors.map((s) => [s.location, s.detectorName]));
  return Object.fromEntries(
    counters.sensors.map((c) => {
      const { refused, errXfer, errSize, errMissBeg, errMissEnd } = c;
      const name = names.get(c.location) ?? String(c.location);
      return [name, toWire({ refused, errXfer, errSize, errMissBeg, errMissEnd })];
    }),
  );
}
