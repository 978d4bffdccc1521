// SPDX-License-Identifier: Apache-2.0
// A Python with astropy for tests that let somebody else read our files: an environment of its own under build/, made
// once.
import { execFileSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';

export type AstropyPython =
  | { readonly path: string; readonly problem: null }
  | { readonly path: null; readonly problem: string };

const folder = join('build', 'python-astropy');
const limitMs = 300_000;

function works(python: string): boolean {
  try {
    execFileSync(python, ['-c', 'import astropy.io.fits'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** The interpreter, or why there is none. */
export function astropyPython(): AstropyPython {
  const path = join(folder, 'bin', 'python');
  if (existsSync(path) && works(path)) return { path, problem: null };
  rmSync(folder, { recursive: true, force: true });
  try {
    const options = { stdio: 'pipe', timeout: limitMs } as const;
    execFileSync('python3', ['-m', 'venv', folder], options);
    execFileSync(path, ['-m', 'pip', 'install', '--quiet', 'astropy==8.0.2'], options);
    return { path, problem: null };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
    return { path: null, problem: `astropy cannot be installed: ${reason}` };
  }
}
