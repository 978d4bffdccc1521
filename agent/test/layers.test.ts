// SPDX-License-Identifier: Apache-2.0
// Who may import whom. A new arrow between rooms fails here, so that it is a visible decision.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import t from 'tap';

const root = process.cwd();

interface Arrow {
  readonly from: string;
  /** path from the root, or a package or header as written */
  readonly to: string;
  readonly local: boolean;
}

function filesUnder(folder: string, endings: readonly string[]): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && endings.some((ending) => entry.name.endsWith(ending)))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

/** Static, dynamic and re-exporting imports of a TypeScript source. */
export function importsOf(file: string, text: string): Arrow[] {
  const specifiers = [
    ...text.matchAll(/^\s*(?:import|export)\s[^'"`;]*?from\s*['"]([^'"]+)['"]/gm),
    ...text.matchAll(/^\s*import\s*['"]([^'"]+)['"]/gm),
    ...text.matchAll(/\b(?:import|require)\(\s*['"]([^'"]+)['"]/g),
  ].map((match) => match[1] ?? '');
  return specifiers.map((specifier) =>
    specifier.startsWith('.')
      ? { from: file, to: normalize(join(dirname(file), specifier)), local: true }
      : { from: file, to: specifier, local: false },
  );
}

/** Includes of a C or C++ source; quoted ones count from the root. */
export function includesOf(file: string, text: string): Arrow[] {
  return [...text.matchAll(/^\s*#\s*include\s*(["<])([^">]+)[">]/gm)].map((match) => ({
    from: file,
    to: match[2] ?? '',
    local: match[1] === '"',
  }));
}

function arrows(folder: string, endings: readonly string[], read: typeof importsOf): Arrow[] {
  return filesUnder(folder, endings).flatMap((file) => read(file, readFileSync(join(root, file), 'utf8')));
}

const isTest = (file: string) => file.endsWith('.test.ts') || file.includes('/testing');

/** The room of a file of agent/: its folder, or `top` for main.ts and agent.ts. */
function roomOf(file: string): string {
  const [, room, ...rest] = file.split('/');
  return rest.length === 0 ? 'top' : (room ?? '');
}

/** Why an import of agent/ is not allowed; null when it is. */
export function agentProblem({ from, to, local }: Arrow): string | null {
  const room = roomOf(from);
  if (room === 'test') return null;
  if (!local) {
    const ownTool = isTest(from) && (to === 'tap' || to.startsWith('node:'));
    return room === 'model' && !ownTool ? 'model imports nothing' : null;
  }
  if (!to.startsWith('agent/')) {
    return to.startsWith('sim-hw/') ? 'nothing in agent/ knows sim-hw' : 'agent/ imports only itself';
  }
  const target = roomOf(to);
  if (target === room || room === 'top') return null;
  if (room === 'cli') return target === 'test' ? 'cli/ knows no tests' : null;
  if (target === 'model') return null;
  return room === 'model' ? 'model imports nothing' : 'siblings import only model; they meet in agent.ts';
}

/** Why an import of sim-hw/ is not allowed. */
export function simulatorProblem({ from, to, local }: Arrow): string | null {
  if (!local || to.startsWith('sim-hw/') || to.startsWith('agent/model/')) return null;
  // Its tests may use what starts processes.
  if (isTest(from) && to.startsWith('scripts/processes/')) return null;
  return 'sim-hw/ imports itself and agent/model only';
}

const mayInclude: Readonly<Record<string, readonly string[]>> = {
  pixels: ['pixels'],
  image: ['image', 'pixels'],
  fits: ['fits', 'image'],
  daq: ['daq', 'image', 'pixels'],
  recorder: ['recorder', 'daq', 'fits', 'image', 'pixels'],
  looks: ['looks', 'daq', 'fits', 'image', 'pixels'],
  binding: ['binding', 'looks', 'recorder', 'daq', 'fits', 'image', 'pixels'],
  plugins: ['plugins'],
};

/** Why an include of addons/ is not allowed. */
export function nativeProblem({ from, to, local }: Arrow): string | null {
  const room = from.split('/')[1] ?? '';
  if (/^(napi|node_api|js_native_api)/.test(to)) {
    return room === 'binding' ? null : 'only addons/binding includes napi.h';
  }
  if (to.includes('sim-hw')) return 'nothing in addons/ knows sim-hw';
  if (/^(cfitsio\/)?fitsio/.test(to)) return room === 'fits' ? null : 'CFITSIO is used in addons/fits only';
  if (!local) return null;
  if (!to.startsWith('addons/')) return 'includes count from the repository root';
  const target = to.split('/')[1] ?? '';
  if (room === 'plugins' && to === 'addons/daq/driver.h') return null;
  const replay = room === 'daq' && (from.split('/')[2] ?? '').startsWith('replay');
  if (replay && target === 'fits') return null;
  return (mayInclude[room] ?? []).includes(target) ? null : `addons/${room} may not include addons/${target}`;
}

function complaints(all: readonly Arrow[], judge: (arrow: Arrow) => string | null): string[] {
  return all.flatMap((arrow) => {
    const problem = judge(arrow);
    return problem === null ? [] : [`${arrow.from} -> ${arrow.to}: ${problem}`];
  });
}

t.test('agent/: model imports nothing, siblings import only model', async (t) => {
  const all = arrows('agent', ['.ts'], importsOf);
  t.ok(all.length > 50, `${all.length} imports read`);
  t.same(complaints(all, agentProblem), []);
});

t.test('agent/: one file loads the native addon', async (t) => {
  const loaders = filesUnder('agent', ['.ts']).filter(
    (file) => !isTest(file) && /\.node['"]/.test(readFileSync(join(root, file), 'utf8')),
  );
  t.same(loaders, ['agent/daq/native.ts']);
});

t.test('sim-hw/ is another machine: it shares only the words of the domain', async (t) => {
  t.same(complaints(arrows('sim-hw', ['.ts'], importsOf), simulatorProblem), []);
  const native = arrows('sim-hw', ['.cc', '.h'], includesOf);
  t.same(
    native
      .filter(({ to, local }) => local && !to.startsWith('sim-hw/'))
      .map(({ from, to }) => `${from} -> ${to}`),
    [],
  );
});

t.test('addons/: pixels <- daq <- binding, and only binding knows N-API', async (t) => {
  const all = arrows('addons', ['.cc', '.h', '.c'], includesOf);
  t.ok(all.length > 20, `${all.length} includes read`);
  t.same(complaints(all, nativeProblem), []);
});

t.test('the rules catch what they forbid', async (t) => {
  const agent = (from: string, specifier: string) =>
    importsOf(from, `import { x } from '${specifier}';`).map(agentProblem)[0];
  t.match(agent('agent/model/roi.ts', 'yaml'), /imports nothing/);
  t.match(agent('agent/model/roi.ts', 'node:fs'), /imports nothing/);
  t.match(agent('agent/guider/guider.ts', '../publish/publisher.js'), /siblings/);
  t.match(agent('agent/publish/bodies.ts', '../../sim-hw/sky.js'), /knows sim-hw/);
  t.equal(agent('agent/guider/guider.ts', '../model/roi.js'), null);
  t.equal(agent('agent/agent.ts', './publish/publisher.js'), null);
  t.equal(importsOf('a/b.ts', "export {\n  x,\n} from '../c.js';")[0]?.to, 'c.js');
  t.equal(importsOf('a/b.ts', "const { x } = await import('../c.js');")[0]?.to, 'c.js');
  const native = (from: string, line: string) => includesOf(from, line).map(nativeProblem)[0];
  t.match(native('addons/pixels/a.cc', '#include "addons/daq/link.h"'), /may not/);
  t.match(native('addons/daq/link.cc', '#include "addons/fits/reader.h"'), /may not/);
  t.match(native('addons/daq/link.cc', '#include <napi.h>'), /only addons\/binding/);
  t.match(native('addons/daq/link.cc', '#include <fitsio.h>'), /CFITSIO/);
  t.equal(native('addons/daq/replay_driver.cc', '#include "addons/fits/reader.h"'), null);
  t.match(simulatorProblem({ from: 'sim-hw/a.ts', to: 'agent/daq/link.js', local: true }), /agent\/model/);
});
