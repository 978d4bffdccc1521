// SPDX-License-Identifier: Apache-2.0
// What is in packages: node scripts/packaging/check.mjs FILE.deb FILE.rpm ... Exit code 1 when something is missing, too
// large, or belongs to a developer or another machine.
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { basename } from 'node:path';

const most = 60e6;
const needed = [
  '/opt/summit-agent/dist/agent/main.js',
  ...readdirSync('dist/agent', { recursive: true })
    .filter((path) => path.endsWith('worker.js'))
    .map((path) => `/opt/summit-agent/dist/agent/${basename(path)}`),
  '/opt/summit-agent/dist/profile-validator.cjs',
  '/opt/summit-agent/build/Release/summit_agent.node',
  '/opt/summit-agent/hw-profiles/schema.json',
  '/opt/summit-agent/package.json',
  '/etc/summit-agent/sim-guider.yaml',
  '/usr/bin/summit-agent',
  '/usr/lib/systemd/system/summit-agent@.service',
  '/usr/lib/systemd/system/summit-agent@sim-guider.service.d/simulator.conf',
  '/usr/lib/sysctl.d/60-summit-agent.conf',
  '/usr/lib/udev/rules.d/60-summit-agent.rules',
  '/usr/lib/sysusers.d/summit-agent.conf',
  '/usr/lib/tmpfiles.d/summit-agent.conf',
  '/usr/share/man/man1/summit-agent.1.gz',
];
/** Loaded by name when an agent runs: the bundle does not have them. */
const libraries = [
  'zeromq',
  'cmake-ts',
  'serialport',
  'prom-client',
  'ajv',
  'better-sqlite3',
  'bindings',
  'file-uri-to-path',
];
/** Of developers, of tests, of other machines. */
const unwanted =
  /\.test\.[cm]?js$|\.map$|\.d\.[mc]?ts$|\/agent\/test\/|\.cc$|\.gyp$|\/\.bin\/|musl|\/(?:darwin|win32|android)[^/]*\//;

const run = (tool, ...args) => execFileSync(tool, args, { encoding: 'utf8', maxBuffer: 1 << 26 });
const packageOf = (path) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1];

const production = new Set(
  run('npm', 'ls', '--omit=dev', '--all', '--parseable')
    .split('\n')
    .map((path) => packageOf(`${path}/`)),
);

/** Path and size of every file. */
function filesOf(file) {
  const rows = file.endsWith('.deb')
    ? [...run('dpkg-deb', '--contents', file).matchAll(/^-\S+ \S+ +(\d+) \S+ \S+ \.(.+)$/gm)]
    : [
        ...run('rpm', '-qp', '--qf', '[%{FILEMODES:perms} %{FILESIZES} %{FILENAMES}\\n]', file).matchAll(
          /^-\S+ (\d+) (.+)$/gm,
        ),
      ];
  return rows.map(([, size, path]) => ({ path, size: Number(size) }));
}

function problemsOf(file) {
  const files = filesOf(file);
  const paths = new Set(files.map(({ path }) => path));
  const packages = new Set([...paths].map(packageOf).filter((name) => name !== undefined));
  const total = files.reduce((sum, { size }) => sum + size, 0);
  const addons = [...paths]
    .filter((path) => path.endsWith('.node'))
    .map((path) => packageOf(path) ?? 'agent');
  console.error(`${file}: ${paths.size} files, ${(total / 1e6).toFixed(1)} MB, ${packages.size} libraries`);
  return [
    ...needed.filter((path) => !paths.has(path)).map((path) => `${path} is missing`),
    ...libraries.filter((name) => !packages.has(name)).map((name) => `${name} is missing`),
    ...[...packages].filter((name) => !production.has(name)).map((name) => `${name} is for developers`),
    ...[...paths].filter((path) => unwanted.test(path)).map((path) => `${path} is not for this machine`),
    // ZeroMQ has one for each generation of Node.js.
    ...['agent', 'zeromq', '@serialport/bindings-cpp', 'better-sqlite3']
      .filter((name) => !addons.includes(name))
      .map((name) => `the native addon of ${name} is missing`),
    ...(total <= most ? [] : [`${(total / 1e6).toFixed(1)} MB is more than ${most / 1e6} MB`]),
  ].map((problem) => `${file}: ${problem}`);
}

const problems = process.argv.slice(2).flatMap(problemsOf);
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
