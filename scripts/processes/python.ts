// SPDX-License-Identifier: Apache-2.0
// Pythons with somebody else's software, for tests and benches that let it look at what we do: environments of their own
// under build/, each made once.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

export type Python =
  | { readonly path: string; readonly problem: null }
  | { readonly path: null; readonly problem: string };

interface Environment {
  readonly name: string;
  /** what can be imported when it is whole */
  readonly modules: string;
  readonly requirements: readonly string[];
}

/** With wheels, from PyPI. */
const limitMs = 300_000;

/** One process at a time makes it; the others wait, and find it made. */
const make = `set -e
folder=$1 modules=$2
shift 2
if "$folder/bin/python" -c "import $modules" 2> /dev/null; then exit 0; fi
rm -rf "$folder"
python3 -m venv "$folder"
"$folder/bin/python" -m pip install --quiet "$@"
"$folder/bin/python" -c "import $modules"`;

/** The interpreter, or why there is none. */
function pythonWith({ name, modules, requirements }: Environment): Python {
  const folder = join('build', name);
  const path = join(folder, 'bin', 'python');
  try {
    const args = [`${folder}.lock`, 'sh', '-c', make, 'make', folder, modules, ...requirements];
    if (!existsSync(folder)) process.stderr.write(`installing ${requirements.join(', ')} into ${folder}\n`);
    execFileSync('flock', args, { stdio: 'pipe', timeout: limitMs });
    return { path, problem: null };
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
    return { path: null, problem: `${requirements.join(', ')} cannot be installed: ${reason}` };
  }
}

export function astropyPython(): Python {
  return pythonWith({
    name: 'python-astropy',
    modules: 'astropy.io.fits',
    requirements: ['astropy==8.0.2'],
  });
}

export function butlerPython(): Python {
  return pythonWith({
    name: 'python-daf-butler',
    modules: 'lsst.daf.butler',
    requirements: ['lsst-daf-butler==30.2026.4300'],
  });
}

/** Peers of the kernel. */
export function peersPython(): Python {
  return pythonWith({
    name: 'python-peers',
    modules: 'sep, photutils, numpy',
    requirements: ['sep', 'photutils', 'numpy'],
  });
}

/** With what the observatory's translators of headers stand on; they themselves are in a checkout of obs_lsst. */
export function translatorPython(): Python {
  return pythonWith({
    name: 'python-translator',
    modules: 'astro_metadata_translator, lsst.resources, pytz, yaml',
    requirements: ['astro-metadata-translator', 'lsst-resources', 'pytz', 'pyyaml'],
  });
}
