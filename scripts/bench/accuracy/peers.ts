// SPDX-License-Identifier: Apache-2.0
// Peers in Python, in a virtual environment of the bench's own under build/. Without Python or PyPI there are none.
import { type ExecFileSyncOptions, execFileSync } from 'node:child_process';
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Answers } from './stamps.js';

export interface Peers {
  readonly versions: Readonly<Record<string, string>>;
  readonly answers: Readonly<Record<string, Answers>>;
  /** thread CPU time per stamp by size and peer, us, called from Python */
  readonly times: Readonly<Record<string, Readonly<Record<string, number>> | undefined>>;
}

const environment = join('build', 'peers-venv');

/** The interpreter that has the peers; throws when it cannot be made. */
function interpreter(): string {
  const python = join(environment, 'bin', 'python3');
  if (existsSync(python)) return python;
  process.stderr.write('accuracy: installing sep and photutils into build/peers-venv\n');
  const fresh = `${environment}.new`;
  rmSync(fresh, { recursive: true, force: true });
  const quiet: ExecFileSyncOptions = { stdio: ['ignore', 'ignore', 'pipe'], timeout: 300_000 };
  execFileSync('python3', ['-m', 'venv', fresh], quiet);
  execFileSync(
    join(fresh, 'bin', 'python3'),
    ['-m', 'pip', 'install', '-q', 'sep', 'photutils', 'numpy'],
    quiet,
  );
  renameSync(fresh, environment);
  return python;
}

/** The interpreter, or null when it cannot be had. */
export function interpreterOrNull(): string | null {
  try {
    return interpreter();
  } catch {
    return null;
  }
}

/** Null, with a sentence on stderr, when the peers cannot be had. */
export function measurePeers(directory: string, out: string, mostPerClass: number): Peers | null {
  try {
    execFileSync(
      interpreter(),
      [join('scripts', 'bench', 'accuracy', 'peers.py'), directory, out, String(mostPerClass)],
      {
        stdio: ['ignore', 'inherit', 'inherit'],
      },
    );
  } catch (error) {
    const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    process.stderr.write(`accuracy: goes on without peers: ${why}\n`);
    return null;
  }
  return parsePeers(readFileSync(out, 'utf8'));
}

/** A peer's "skip" is a stamp it was not given. */
export function parsePeers(text: string): Peers {
  return JSON.parse(text, (_, value: unknown) => (value === 'skip' ? undefined : value)) as Peers;
}
