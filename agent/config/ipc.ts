// SPDX-License-Identifier: Apache-2.0
// ipc endpoints: paths that a socket can have, and whether this machine lets this user put one there.

import { accessSync, constants, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { show } from '../model/show.js';

/** sockaddr_un.sun_path has 108 bytes, the last of them 0. */
const longestPath = 107;

/** What systemd makes when it starts the unit and takes away when that ends. */
const madeAtStart = '/run/summit-agent/';

export function ipcPath(endpoint: string): string | null {
  return /^ipc:\/\/(.+)/s.exec(endpoint)?.[1] ?? null;
}

/** What is wrong with the path by itself; null: nothing. */
export function pathProblem(path: string): string | null {
  const got = show(`ipc://${path}`);
  // A name that begins with @ has no file, and so nobody that its mode keeps out.
  if (!path.startsWith('/')) return `expected ipc:// with the absolute path of a file, got ${got}`;
  const bytes = Buffer.byteLength(path);
  if (bytes <= longestPath) return null;
  return `expected a path of at most ${longestPath} bytes (a socket has no room for more), got ${bytes}: ${got}`;
}

/**
 * Where the agent could not listen as things are now, each with what to do. `beforeStart`: the folder that systemd makes
 * for the unit may still be missing.
 */
export function ipcPlaceProblems(
  endpoints: Readonly<Record<string, string | null>>,
  { beforeStart }: { readonly beforeStart: boolean },
): string[] {
  return Object.entries(endpoints).flatMap(([key, endpoint]) => {
    const path = endpoint === null ? null : ipcPath(endpoint);
    const problem = path === null ? null : placeProblem(path, beforeStart);
    return problem === null ? [] : [`${key}: ${problem}`];
  });
}

function placeProblem(path: string, beforeStart: boolean): string | null {
  const folder = dirname(path);
  const found = lookAt(folder);
  if (typeof found === 'string') {
    if (beforeStart && `${folder}/`.startsWith(madeAtStart)) return null;
    const todo = `mkdir ${folder}, for the agent's user to write in (under systemd ${madeAtStart}NAME is there by itself)`;
    return `expected an existing folder for ${path}, got ${found} for ${folder}; ${todo}`;
  }
  if (!found.isDirectory())
    return `expected a folder for ${path}, got a file at ${folder}; name another path`;
  // A socket that an agent left behind is replaced; anything else would be lost.
  const there = lookAt(path);
  if (typeof there !== 'string' && !there.isSocket()) {
    const what = there.isDirectory() ? 'a folder' : 'a file that is no socket';
    return `expected no file, or the socket of an earlier agent, got ${what} at ${path}; remove it or name another path`;
  }
  if (mayWrite(folder)) return null;
  return `expected a folder that this user may write in, got ${folder}; chown it to the agent's user, or name another path`;
}

/** ENOENT, EACCES, ... where it cannot be looked at. */
function lookAt(path: string): Stats | string {
  try {
    return statSync(path);
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

function mayWrite(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
