// SPDX-License-Identifier: Apache-2.0
// Recorded guider files against what the agent counted: their number, stamps, checksums, and what fitsverify says.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Body } from '../../processes/subscription.js';

export interface FileReport {
  readonly files: number;
  readonly stamps: number;
  /** one sentence each */
  readonly problems: readonly string[];
}

/** `announced`: bodies of image.available; `complete`: stamps that arrived whole, by the agent's counters. */
export function checkGuiderFiles(
  announced: readonly Body[],
  expectedFiles: number,
  complete: number,
): FileReport {
  const problems: string[] = [];
  if (announced.length !== expectedFiles)
    problems.push(`${announced.length} files announced, ${expectedFiles} expected`);
  let stamps = 0;
  for (const body of announced) {
    const name = String(body.path);
    stamps += Number(body.n_stamps);
    if (Number(body.n_stamps) !== Number(body.n_complete))
      problems.push(`${name}: ${Number(body.n_stamps)} of ${Number(body.n_complete)} stamps`);
    const sha256 = createHash('sha256').update(readFileSync(name)).digest('hex');
    if (sha256 !== body.sha256) problems.push(`${name}: is not the file that was announced`);
  }
  if (stamps !== complete) problems.push(`${stamps} stamps in files, ${complete} arrived whole`);
  problems.push(...verify(announced.map(({ path }) => String(path))));
  return { files: announced.length, stamps, problems };
}

/** What fitsverify finds: one line for each file that is not in order. */
function verify(paths: readonly string[]): string[] {
  if (paths.length === 0) return [];
  try {
    const said = execFileSync('fitsverify', ['-q', ...paths], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const wrong = said.split('\n').filter((line) => line.trim() !== '' && !/verification OK/.test(line));
    return wrong.map((line) => `fitsverify: ${line.trim()}`);
  } catch (error) {
    const { stdout, message } = error as { stdout?: string; message: string };
    const lines = (stdout ?? message)
      .split('\n')
      .filter((line) => line.trim() !== '' && !/verification OK/.test(line));
    return (lines.length > 0 ? lines : [message]).map((line) => `fitsverify: ${line.trim()}`);
  }
}
