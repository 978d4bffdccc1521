// SPDX-License-Identifier: Apache-2.0
// Runs inside the booted container (scripts/container-test): installs the package, drives its service, prints figures.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Results } from './results.js';
import { Service } from './service.js';

const { values, positionals } = parseArgs({
  options: { kills: { type: 'string', default: '50' } },
  allowPositionals: true,
});
const [first = '', second = ''] = positionals;
const profile = '/etc/summit-agent/sim-guider.yaml';
const rounds = 5;
/** Only ends what would hang. */
const deadlineMs = 60_000;
let failures = 0;

function check(what: string, good: boolean, seen: unknown): void {
  if (!good) failures++;
  console.log(`${good ? 'ok    ' : 'NOT OK'} ${what}${seen === undefined ? '' : `: ${seen}`}`);
}

/** Median and worst of some durations. A machine that does other work misses goals: said, and not a failure. */
function figure(what: string, seconds: readonly number[], goal: number): void {
  const sorted = [...seconds].sort((a, b) => a - b);
  const median = sorted[sorted.length >> 1] ?? Number.NaN;
  const worst = sorted.at(-1) ?? Number.NaN;
  const verdict =
    median <= goal ? '' : `, missed at a load of ${(loadavg()[0] ?? 0).toFixed(0)} on ${cpus().length} CPUs`;
  console.log(
    `figure ${what}: median ${median.toFixed(2)} s, worst ${worst.toFixed(2)} s of ${sorted.length} (goal ${goal} s${verdict})`,
  );
}

const since = (start: number) => (performance.now() - start) / 1000;

function dpkg(...args: readonly string[]): void {
  execFileSync('dpkg', [...args], { stdio: ['ignore', 'ignore', 'inherit'] });
}

async function repeat(times: number, once: () => Promise<number>): Promise<number[]> {
  const out: number[] = [];
  for (let i = 0; i < times; i++) out.push(await once());
  return out;
}

const service = new Service('summit-agent@sim-guider');
dpkg('--install', first);
check('installed, nothing is started', service.property('ActiveState') === 'inactive', undefined);
const verify = spawnSync('systemd-analyze', ['verify', '--man=no', `${service.unit}.service`], {
  encoding: 'utf8',
});
check('systemd-analyze verify', verify.status === 0 && verify.stderr === '', verify.stderr.trim() || 'clean');

// The simulator is no part of the package: it has CFITSIO from the machine outside.
const simulator = spawn(
  'node',
  [
    '/repo/dist/sim-hw/main.js',
    ...['--stamps', '1000000', '--exposures', '1', '--rate', '9', '--control', '127.0.0.1:5581'],
  ],
  { env: { ...process.env, LD_LIBRARY_PATH: '/hostlib' } },
);
const results = new Results('tcp://127.0.0.1:5570');
try {
  const starts = await repeat(rounds, async () => {
    if (service.property('ActiveState') === 'active') service.control('stop');
    return service.control('start');
  });
  figure('start -> READY', starts, 1);
  await results.ofAnotherAgent(deadlineMs);
  check(
    'its status line',
    /^ENABLED; DAQ link/.test(service.property('StatusText')),
    service.property('StatusText'),
  );
  check('no capabilities', service.statusOf('CapEff') === '0000000000000000', service.statusOf('CapEff'));
  check('not root', !service.statusOf('Uid').startsWith('0\t'), service.statusOf('Uid'));

  const security = execFileSync('systemd-analyze', ['security', '--no-pager', `${service.unit}.service`], {
    encoding: 'utf8',
  });
  const exposure = /exposure level for \S+: ([\d.]+)/.exec(security)?.[1];
  check('exposure <= 0.9 as it runs', Number(exposure) <= 0.9, exposure);
  const root = readdirSync(`/proc/${service.pid}/root`).sort();
  const hidden = ['boot', 'home', 'mnt', 'srv'].filter((name) => root.includes(name));
  check('sees programs and profiles only', hidden.length === 0, root.join(' '));
  const seen = readdirSync(`/proc/${service.pid}/root/etc`).sort();
  check('and of /etc what it needs', !seen.includes('shadow'), seen.join(' '));

  const killed = await repeat(rounds, async () => {
    const start = performance.now();
    await service.signal('SIGKILL', deadlineMs);
    await results.ofAnotherAgent(deadlineMs);
    return since(start);
  });
  figure('SIGKILL -> first result', killed, 1);

  const hung = await repeat(3, async () => {
    const start = performance.now();
    await service.signal('SIGSTOP', deadlineMs);
    await results.ofAnotherAgent(deadlineMs);
    return since(start);
  });
  figure('hang (SIGSTOP, watchdog 2 s) -> first result', hung, 3);

  const kills = Number(values.kills);
  const storm = performance.now();
  for (let i = 0; i < kills; i++) {
    const killed = await service.signal('SIGKILL', deadlineMs);
    await service.anotherPid(killed, deadlineMs);
  }
  await results.ofAnotherAgent(deadlineMs);
  check(
    `${kills} kills in a row, never failed`,
    !service.isFailed,
    `over and guiding again after ${since(storm).toFixed(1)} s`,
  );

  for (const verb of ['disable', 'standby', 'exitControl']) {
    execFileSync('summit-agent', ['send', verb], { stdio: ['ignore', 'ignore', 'inherit'] });
  }
  await service.inactive(deadlineMs);
  check(
    'exitControl is an orderly end',
    service.property('Result') === 'success',
    service.property('Result'),
  );
  // Longer than it takes to start again.
  await wait(1000);
  check(
    'and leaves it down until it is started',
    service.property('ActiveState') === 'inactive',
    service.property('ActiveState'),
  );
  service.control('start');
  await results.ofAnotherAgent(deadlineMs);

  const stops = await repeat(rounds, async () => {
    const seconds = service.control('stop');
    check('a stop is an orderly end', service.property('Result') === 'success', service.property('Result'));
    service.control('start');
    await results.ofAnotherAgent(deadlineMs);
    return seconds;
  });
  figure('stop', stops, 1);

  appendFileSync(profile, '# changed here\n');
  const before = service.pid;
  dpkg('--install', second);
  await results.ofAnotherAgent(deadlineMs);
  check(
    'an upgrade restarts the agent',
    service.pid !== before && !service.isFailed,
    service.property('ActiveState'),
  );
  check('and keeps the profile', readFileSync(profile, 'utf8').endsWith('# changed here\n'), undefined);

  dpkg('--remove', 'summit-agent');
  check(
    'removal stops the agent',
    service.property('ActiveState') !== 'active',
    service.property('ActiveState'),
  );
  check(
    'removal leaves no program',
    !existsSync('/opt/summit-agent') && !existsSync('/usr/bin/summit-agent'),
    undefined,
  );
  check('removal keeps the profile', existsSync(profile), undefined);
  dpkg('--purge', 'summit-agent');
  check('and no root folder of the simulator', !existsSync('/run/summit-agent.root'), undefined);
  check('purge leaves no profile', !existsSync('/etc/summit-agent'), undefined);
} catch (error) {
  failures++;
  console.log(`NOT OK ${error instanceof Error ? error.message : String(error)}`);
  spawnSync('journalctl', ['--no-pager', '-n', '40', '-u', service.unit], { stdio: 'inherit' });
} finally {
  simulator.kill('SIGKILL');
  results.close();
}
process.exitCode = failures === 0 ? 0 : 1;
