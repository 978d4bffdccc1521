// SPDX-License-Identifier: Apache-2.0
// summit-agent doctor

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { completeHealth } from '../config/health.js';
import { loadProfile } from '../config/load.js';
import { defaults, type Profile, type WireOptions } from '../config/profile.js';
import { loadNative, nativePath } from '../daq/native.js';
import { checks, examine } from '../doctor/examine.js';
import type { Finding, Folder, Needs, Port } from '../doctor/finding.js';
import { thisMachine } from '../doctor/machine.js';
import type { LinkSettings } from '../model/daq.js';
import { imageSetBytes } from '../model/image.js';
import type { Command } from './command.js';

/** Where the service may write. */
const stateFolder = '/var/lib/summit-agent';

export const doctor: Command = {
  summary: 'checks this machine for what an agent needs, with a remedy for each thing missing',
  help: `usage: summit-agent doctor [--profile FILE] [--interface NAME] [--json]

Looks at Node.js, clock and TAI offset, socket buffers, the DAQ network's interface, limits for real-time scheduling and
locked memory, huge pages, memory for images, CPU governor, isolation and interrupts of the link thread's CPU, devices,
disk and ports (those of an agent that runs this profile are its own). Changes nothing; in the folders of recordings and
images it writes a file of 1 MB, brings it to the disk and removes it.
Prints each thing that is missing with what to do; one line when nothing is. Exit code 0: nothing is missing;
1: something is; 2: the profile or the command line is wrong.

  --profile FILE     checks what this profile needs; without one, what a guider with real-time scheduling and locked
                     memory on the default ports needs
  --interface NAME   network interface of the DAQ (default: daq.wire.interface or health.host.interface of the
                     profile, where it is a name)
  --json             one JSON object: ok, checks, findings

example: sudo -u summit-agent summit-agent doctor --profile /etc/summit-agent/guider-1.yaml --interface lsst-daq
`,
  options: { profile: { type: 'string' }, interface: { type: 'string' }, json: { type: 'boolean' } },
  async run(options, { stdout }) {
    const { profile, interface: named, json } = options;
    const needs = typeof profile === 'string' ? needsOf(loadProfile(profile), profile) : usualNeeds;
    const kernelTai = existsSync(nativePath()) ? loadNative().clockTaiMinusUtc() : null;
    const wanted = typeof named === 'string' ? { ...needs, interfaces: [named] } : needs;
    const findings = examine(thisMachine(kernelTai), wanted);
    stdout.write(json === true ? asJson(findings) : asText(findings));
    return findings.length === 0 ? 0 : 1;
  },
};

function asJson(findings: readonly Finding[]): string {
  return `${JSON.stringify({ ok: findings.length === 0, checks: Object.keys(checks), findings })}\n`;
}

export function asText(findings: readonly Finding[]): string {
  if (findings.length === 0) return `OK: ${Object.keys(checks).length} checks, nothing is missing\n`;
  const lines = findings.flatMap(({ check, severity, found, remedy }) => [
    `${severity === 'serious' ? 'SERIOUS' : 'warning'} ${check}: ${found}`,
    `        ${remedy}`,
  ]);
  return `${lines.join('\n')}\n`;
}

const usualNeeds: Needs = {
  receiveBufferBytes: defaults.wire.receiveBufferBytes,
  schedFifo: 50,
  lockBytes: defaults.slots * defaults.slotBytes,
  hugeBytes: null,
  cpus: [],
  devices: [],
  folders: [{ path: stateFolder, key: null }],
  imageBytes: 0,
  imageHugePages: false,
  profile: null,
  ports: [
    ...tcpPort('publish.data', defaults.data),
    ...tcpPort('publish.control', defaults.control),
    { protocol: 'udp', host: defaults.wire.address, port: defaults.wire.port, key: 'daq.wire.port' },
    ...prometheusPort(completeHealth(undefined, '/', null)),
  ],
  interfaces: [],
};

function needsOf({ links, publish, health }: Profile, path: string): Needs {
  const [first] = links;
  const wires = links.filter(({ driver }) => driver === 'wire').map(wireOf);
  const daqPorts = wires.map(
    ({ address, port }, i): Port => ({
      protocol: 'udp',
      host: address,
      port,
      key: links.length > 1 ? `daq.links.${i}.wire.port` : 'daq.wire.port',
    }),
  );
  const interfaces = new Set(wires.map((wire) => wire.interface ?? health.host?.interface ?? null));
  const bytes = (wanted: (link: LinkSettings) => boolean) => {
    const pools = links.filter(wanted).map(({ slots, slotBytes }) => slots * slotBytes);
    return pools.length === 0 ? null : pools.reduce((sum, pool) => sum + pool, 0);
  };
  const priorities = links.flatMap(({ schedFifo }) => schedFifo ?? []);
  return {
    receiveBufferBytes: Math.max(0, ...wires.map(({ receiveBufferBytes }) => receiveBufferBytes)),
    schedFifo: priorities.length === 0 ? null : Math.max(...priorities),
    lockBytes: bytes(({ lockMemory }) => lockMemory),
    hugeBytes: bytes(({ hugePages }) => hugePages),
    cpus: links.flatMap(({ cpu }) => cpu ?? []),
    devices: [
      ...health.sensors.map(({ path }) => path),
      ...links.filter(({ driver }) => driver === 'datadev').map(({ options }) => String(options.device)),
    ],
    folders: foldersOf(first),
    imageBytes: (first.images?.sets ?? 0) * imageSetBytes,
    imageHugePages: first.images?.hugePages ?? false,
    profile: resolve(path),
    ports: [
      ...tcpPort('publish.data', publish.data),
      ...tcpPort('publish.control', publish.control),
      ...(publish.query === null ? [] : tcpPort('publish.query', publish.query)),
      ...daqPorts.filter((wanted) => wanted.port !== 0),
      ...prometheusPort(health),
    ],
    interfaces: [...interfaces].filter((name) => name !== null && !/^[\d.]+$/.test(name)) as string[],
  };
}

function wireOf({ options }: LinkSettings): WireOptions {
  return { ...defaults.wire, subscribe: false, ...(options as Partial<WireOptions>) };
}

function foldersOf({ recorder, imageWriter }: LinkSettings): Folder[] {
  const named = [
    ...(recorder ? [{ path: recorder.folder, key: 'guider.recording.directory' }] : []),
    ...(imageWriter ? [{ path: imageWriter.folder, key: 'image.directory' }] : []),
  ];
  return named.length > 0 ? named : [{ path: stateFolder, key: null }];
}

function prometheusPort({ prometheus }: Profile['health']): Port[] {
  return prometheus === null
    ? []
    : tcpPort('health.prometheus', `tcp://${prometheus.host}:${prometheus.port}`);
}

/** None for ipc, and for a port that is any free one. */
function tcpPort(key: string, endpoint: string): Port[] {
  const [, host, port] = /^tcp:\/\/([^:]+):(\d+)$/.exec(endpoint) ?? [];
  if (host === undefined || port === '0') return [];
  return [{ protocol: 'tcp', host: host === 'localhost' ? '127.0.0.1' : host, port: Number(port), key }];
}
