// SPDX-License-Identifier: Apache-2.0
// What `summit-agent process` makes of raw files.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** The contents of <stem>.json, in the order of the files. */
export function processed(
  files: readonly string[],
  out: string,
  args: readonly string[],
): readonly Readonly<Record<string, unknown>>[] {
  execFileSync(process.execPath, ['dist/agent/main.js', 'process', ...files, '--out', out, ...args], {
    stdio: 'pipe',
  });
  return files.map((file) => {
    const json = join(out, basename(file).replace(/\.fits$/, '.json'));
    return JSON.parse(readFileSync(json, 'utf8')) as Readonly<Record<string, unknown>>;
  });
}
