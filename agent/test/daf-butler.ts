// SPDX-License-Identifier: Apache-2.0
// A Python with lsst.daf.butler for tests that let the observatory's own software at our repositories: an environment of
// its own under build/, made once.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

export type ButlerPython =
  | { readonly path: string; readonly problem: null }
  | { readonly path: null; readonly problem: string };

const folder = join('build', 'python-daf-butler');
const limitMs = 240_000;
const requirement = 'lsst-daf-butler==30.2026.4300';

function works(python: string): boolean {
  try {
    execFileSync(python, ['-c', 'import lsst.daf.butler'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Makes the environment; one test at a time does, and the others wait and find it made. */
const make = `set -e
if "$1/bin/python" -c 'import lsst.daf.butler' 2> /dev/null; then exit 0; fi
rm -rf "$1"
python3 -m venv "$1"
"$1/bin/python" -m pip install --quiet "$2"`;

/** The interpreter, or why there is none. */
export function butlerPython(): ButlerPython {
  const path = join(folder, 'bin', 'python');
  if (existsSync(path) && works(path)) return { path, problem: null };
  try {
    const options = { stdio: 'pipe', timeout: limitMs } as const;
    execFileSync('flock', [`${folder}.lock`, 'sh', '-c', make, 'make', folder, requirement], options);
    if (works(path)) return { path, problem: null };
    throw new Error('it is installed and cannot be imported');
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
    return { path: null, problem: `lsst-daf-butler cannot be installed: ${reason}` };
  }
}
