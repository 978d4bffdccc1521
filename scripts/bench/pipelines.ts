// SPDX-License-Identifier: Apache-2.0
// The two pipelines under measurement, behind one shape: listens for DAQ datagrams on a UDP port and publishes
// on a ZeroMQ endpoint. Plus the subscriber and the simulated DAQ that both get.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { Child, type JsonLine } from '../processes/child.js';
import { simGuiderProfile } from '../processes/profile.js';

export interface Pipeline {
  readonly name: 'agent' | 'plain C';
  start(udpPort: number, endpoint: string, directory: string): Promise<Child>;
}

const readyDeadlineMs = 20_000;

/** Compiles the C programs of the bench into `directory`. */
export function compilePlainC(directory: string): void {
  mkdirSync(directory, { recursive: true });
  for (const name of ['pipeline', 'subscriber']) {
    const source = join('scripts', 'bench', 'plain-c', `${name}.c`);
    const flags = ['-std=gnu17', '-O3', '-Wall', '-Wextra', '-Werror'];
    execFileSync('gcc', [...flags, '-o', join(directory, name), source, '-lzmq', '-lm'], {
      stdio: 'inherit',
    });
  }
}

export function plainC(directory: string): Pipeline {
  return {
    name: 'plain C',
    async start(udpPort, endpoint) {
      const child = new Child({
        name: 'plain C pipeline',
        command: join(directory, 'pipeline'),
        args: [String(udpPort), endpoint],
      });
      await child.event('ready', (event) => event.event === 'ready', readyDeadlineMs);
      return child;
    },
  };
}

/** An agent on the simulator's profile, with `edit` applied to it. */
export function agentWith(edit: (profile: JsonLine) => JsonLine): Pipeline {
  return {
    name: 'agent',
    async start(udpPort, endpoint, directory) {
      const profile = simGuiderProfile({
        udpPort,
        daqControl: null,
        data: endpoint,
        control: 'tcp://127.0.0.1:0',
      });
      const path = join(directory, 'profile.yaml');
      writeFileSync(path, stringify(edit(profile)));
      const child = new Child({
        name: 'agent',
        // As the service unit starts it.
        command: process.execPath,
        args: ['--min-semi-space-size=16', 'dist/agent/main.js', 'run', '--profile', path],
      });
      await child.event('ready', (event) => event.event === 'ready', readyDeadlineMs);
      return child;
    },
  };
}

export const agent = agentWith((profile) => profile);

export async function startSubscriber(
  directory: string,
  endpoint: string,
  skipSeconds: number,
  topics: readonly string[],
): Promise<Child> {
  const child = new Child({
    name: 'subscriber',
    command: join(directory, 'subscriber'),
    args: [endpoint, String(skipSeconds), ...topics],
  });
  await child.event('ready', (event) => event.event === 'ready', readyDeadlineMs);
  return child;
}

/** Runs the simulated DAQ to the end of its scenario and returns its closing line. */
export async function runSimulator(
  udpPort: number,
  args: readonly string[],
  deadlineMs: number,
): Promise<JsonLine> {
  const child = new Child({
    name: 'sim-daq',
    script: 'dist/sim-hw/main.js',
    args: ['--control', '127.0.0.1:0', '--to', `127.0.0.1:${udpPort}`, ...args],
  });
  try {
    return await child.event('end', (event) => event.event === 'end', deadlineMs);
  } finally {
    await child.stop(2000);
  }
}
