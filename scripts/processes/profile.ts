// SPDX-License-Identifier: Apache-2.0
// The simulator's guider profile on other addresses: hw-profiles/sim-guider.yaml as it is, with ports put in.
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

export interface SimGuiderPorts {
  readonly udpPort: number;
  /** host:port of the DAQ's control channel, to subscribe there; null: stamps come by themselves */
  readonly daqControl: string | null;
  readonly data: string;
  readonly control: string;
}

type Section = Record<string, unknown>;

export function simGuiderProfile(ports: SimGuiderPorts): Section {
  const profile = parse(readFileSync('hw-profiles/sim-guider.yaml', 'utf8')) as {
    daq: Section;
    publish: Section;
  } & Section;
  const wire = { address: '127.0.0.1', port: ports.udpPort, control: ports.daqControl };
  return {
    ...profile,
    daq: { ...profile.daq, wire: { ...wire, subscribe: ports.daqControl !== null } },
    health: { prometheus: '127.0.0.1:0' },
    publish: { ...profile.publish, data: ports.data, control: ports.control },
  };
}
