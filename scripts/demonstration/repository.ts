// SPDX-License-Identifier: Apache-2.0
// scripts/demo --repo: a Butler repository with the simulator's calibrations that the role works with and fills, and what is
// in it at the end.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const command = 'dist/agent/main.js';
/** What the simulator's images say stands in the light. */
const filters = { aos: ['i_39'], auxtel: ['empty~empty', 'empty~holo4_003'] } as const;

async function agentCommand(...args: readonly string[]): Promise<Record<string, unknown>> {
  const most = 256 * 1024 * 1024;
  const { stdout } = await promisify(execFile)(process.execPath, [command, ...args, '--json'], {
    maxBuffer: most,
  });
  return JSON.parse(stdout) as Record<string, unknown>;
}

/** The same images come with each demonstration: a repository that has them would refuse them. */
export function checkNewRepository(root: string): void {
  if (existsSync(join(root, 'butler.yaml')))
    throw new Error(`--repo: expected a folder for a new repository, got ${root}, which is one`);
}

export async function makeRepository(root: string, role: 'aos' | 'auxtel', calib: string): Promise<void> {
  await agentCommand('butler', 'create', root);
  const flats = filters[role].flatMap((filter) => ['--filter', filter]);
  await agentCommand('calibs', 'sync', calib, '--repo', root, ...flats, '--label', 'demo');
}

/** Of the announced datasets those that the repository has. */
export async function foundIn(root: string, announced: readonly string[]): Promise<number> {
  const { datasets } = await agentCommand('butler', 'ls', root, '--type', 'raw', '--limit', '1000000');
  const there = new Set((datasets as { uuid: string }[]).map(({ uuid }) => uuid));
  return announced.filter((uuid) => there.has(uuid)).length;
}
