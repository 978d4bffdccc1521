// SPDX-License-Identifier: Apache-2.0
// Peers in Python, in a virtual environment of the bench's own under build/. Without Python or PyPI there are none.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { peersPython } from '../../processes/python.js';
import type { Answers } from './stamps.js';

export interface Peers {
  readonly versions: Readonly<Record<string, string>>;
  readonly answers: Readonly<Record<string, Answers>>;
  /** thread CPU time per stamp by size and peer, us, called from Python */
  readonly times: Readonly<Record<string, Readonly<Record<string, number>> | undefined>>;
}

/** Null, with a sentence on stderr, when the peers cannot be had. */
export function measurePeers(directory: string, out: string, mostPerClass: number): Peers | null {
  const python = peersPython();
  if (python.path === null) {
    process.stderr.write(`accuracy: goes on without peers: ${python.problem}\n`);
    return null;
  }
  const script = join('scripts', 'bench', 'accuracy', 'peers.py');
  execFileSync(python.path, [script, directory, out, String(mostPerClass)], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return parsePeers(readFileSync(out, 'utf8'));
}

/** A peer's "skip" is a stamp it was not given. */
export function parsePeers(text: string): Peers {
  return JSON.parse(text, (_, value: unknown) => (value === 'skip' ? undefined : value)) as Peers;
}
