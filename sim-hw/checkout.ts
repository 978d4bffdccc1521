// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Where a file of the checkout is, by its path from the root, whether this runs from the sources or from a
 * build in some folder of them. Throws when no folder above has it; `remedy` says what to do about that.
 */
export function inCheckout(path: string, remedy: string): string {
  const start = dirname(fileURLToPath(import.meta.url));
  for (let folder = start; ; folder = dirname(folder)) {
    const candidate = join(folder, path);
    if (existsSync(candidate)) return candidate;
    if (folder === dirname(folder)) throw new Error(`no ${path} above ${start}; ${remedy}`);
  }
}
