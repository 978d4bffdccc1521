// SPDX-License-Identifier: Apache-2.0
// The events that say what this agent is: versions, simulation mode, configuration.

import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CscEvent } from '../model/csc-events.js';

export interface Identity {
  readonly version: string;
  readonly role: string;
  readonly driver: string;
  readonly driverVersion: string;
  readonly simulationMode: number;
  /** the text of the profile */
  readonly source: { readonly url: string; readonly version: string; readonly schemaVersion: string };
}

/** Of ts_xml, whose Guider interface gives names and units. */
const xmlVersion = '28.0.1';

/** What is told once, when the agent starts. */
export function identityEvents(self: Identity): readonly CscEvent[] {
  const { version, driver, driverVersion, simulationMode, source } = self;
  return [
    {
      event: 'softwareVersions',
      salVersion: '',
      xmlVersion,
      cscVersion: version,
      subsystemVersions: `node ${process.versions.node}, driver ${driver} ${driverVersion}`,
    },
    { event: 'simulationMode', mode: simulationMode },
    { event: 'configurationsAvailable', overrides: '', ...source },
  ];
}

export function configurationApplied({ role, driver, source }: Identity): CscEvent {
  return {
    event: 'configurationApplied',
    configurations: basename(fileURLToPath(source.url)),
    ...source,
    otherInfo: `role ${role}, driver ${driver}`,
  };
}
