// SPDX-License-Identifier: Apache-2.0
// What became of every stamp, by every counter of the link and of the role.

import { checkConservation } from './guider/accounting.js';
import type { LinkCounters, NamedLinkCounters } from './model/daq.js';
import { type GuideSensor, nameOfLocation } from './model/location.js';
import type { SensorAccount } from './model/messages.js';
import { toWire } from './model/names.js';
import { accountsToWire } from './publish/bodies.js';

export function stampStats(
  counters: LinkCounters,
  accounts: Readonly<Record<string, SensorAccount>>,
  sensors: readonly GuideSensor[],
): Record<string, unknown> {
  const { link, pool, outcomes, driver, driverVersion, linkUp, heartbeat, recording } = counters;
  const each = (counters.links ?? []).map(linkStats);
  const laws = Object.entries(accounts).map(([name, a]) => [name, checkConservation(a)] as const);
  return {
    driver,
    driver_version: driverVersion,
    link_up: linkUp,
    native_heartbeat: heartbeat,
    conserved: laws.every(([, law]) => law.conserved) && each.every(({ conserved }) => conserved),
    conservation: Object.fromEntries(laws.map(([name, law]) => [name, toWire(law)])),
    sensors: accountsToWire(accounts),
    sensor_errors: sensorErrors(counters, sensors),
    link,
    pool,
    recording,
    outcomes,
    ...(each.length > 0 && { links: Object.fromEntries(each.map(({ name, ...rest }) => [name, rest])) }),
  };
}

const stampKeys = [
  'seen',
  'complete',
  'incomplete',
  'bad',
  'duplicate',
  'dropped',
  'lost',
  'superseded',
] as const;

/** One of several links: what became of its stamps until they were one stream, and everything of its own. */
function linkStats(link: NamedLinkCounters) {
  const { name, driver, own, used, spare, foreign } = link;
  const stamps = Object.fromEntries(
    stampKeys.map((key) => [key, link.sensors.reduce((sum, sensor) => sum + sensor[key], 0n)]),
  ) as Record<(typeof stampKeys)[number], bigint>;
  const { seen, complete, incomplete, bad, duplicate, dropped, superseded } = stamps;
  const inFlight = complete + incomplete + dropped - superseded - used - spare - foreign;
  const problems: string[] = [];
  const arrived = complete + incomplete + bad + duplicate + dropped;
  if (seen !== arrived) problems.push(`seen ${seen} != ${arrived} accounted`);
  if (inFlight < 0n) problems.push(`${-inFlight} more handed on than arrived`);
  return {
    name,
    driver,
    driver_version: link.driverVersion,
    driver_error: link.driverError,
    up: link.linkUp,
    in_step: link.inStep,
    native_heartbeat: link.heartbeat,
    sensors: own.map(nameOfLocation),
    conserved: problems.length === 0,
    problem: problems.join('; '),
    stamps: { ...stamps, used, spare, foreign, in_flight: inFlight },
    link: link.link,
    pool: link.pool,
    recording: link.recording,
    outcomes: link.outcomes,
  };
}

/** What the DAQ and the kernel refused, by sensor. */
function sensorErrors(counters: LinkCounters, sensors: readonly GuideSensor[]): Record<string, unknown> {
  const names = new Map(sensors.map((s) => [s.location, s.detectorName]));
  return Object.fromEntries(
    counters.sensors.map((c) => {
      const { refused, errXfer, errSize, errMissBeg, errMissEnd, unsettled } = c;
      const name = names.get(c.location) ?? String(c.location);
      return [name, toWire({ refused, errXfer, errSize, errMissBeg, errMissEnd, unsettled })];
    }),
  );
}
