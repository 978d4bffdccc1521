// SPDX-License-Identifier: Apache-2.0
// What systemd itself says about the unit, installed and with the simulator's drop-in. Where there is no
// systemd-analyze the directives that the figures stand on are still looked for.
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';

const source = 'scripts/systemd/summit-agent@.service';
const hasAnalyze = spawnSync('systemd-analyze', ['--version']).status === 0;

/** A folder with one instance of the unit in it. */
function instance(simulator: boolean): string {
  const folder = mkdtempSync(join(tmpdir(), 'summit-unit-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const unit = join(folder, 'summit-agent@test.service');
  copyFileSync(source, unit);
  if (simulator) {
    mkdirSync(`${unit}.d`);
    copyFileSync('scripts/systemd/simulator.conf', join(`${unit}.d`, 'simulator.conf'));
  }
  return unit;
}

function exposure(unit: string): number {
  const text = execFileSync('systemd-analyze', ['security', '--offline=yes', '--no-pager', unit], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return Number(/exposure level for \S+: ([\d.]+)/.exec(text)?.[1]);
}

if (!hasAnalyze) t.comment('systemd-analyze is not installed: exposure and verify are not asked for');
else {
  for (const [simulator, most] of [
    [false, 1.4],
    [true, 0.9],
  ] as const) {
    t.test(
      `${simulator ? 'with the simulator drop-in' : 'as shipped'}: exposure <= ${most}, verify is clean`,
      async (t) => {
        const unit = instance(simulator);
        t.ok(exposure(unit) <= most, `exposure ${exposure(unit)}`);
        const verify = spawnSync('systemd-analyze', ['verify', '--man=no', unit], { encoding: 'utf8' });
        t.equal(verify.stderr, '');
        t.equal(verify.status, 0);
      },
    );
  }
}

t.test('the unit lets the agent crash as often as it likes, and gives it no privileges', async (t) => {
  const unit = readFileSync(source, 'utf8');
  for (const line of [
    'Type=notify',
    'StartLimitIntervalSec=0',
    'Restart=always',
    'WatchdogSec=2s',
    'User=summit-agent',
    'NoNewPrivileges=yes',
    'CapabilityBoundingSet=',
    'AmbientCapabilities=',
    'SystemCallErrorNumber=EPERM',
    'DevicePolicy=closed',
  ]) {
    t.ok(unit.split('\n').includes(line), line);
  }
});
