// SPDX-License-Identifier: Apache-2.0
// scripts/rig: argv, places one after the other, report, exit code.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { htmlReport } from './html.js';
import { loopback, ofProfile, type Place, virtualPair } from './place.js';
import { type RigReport, runSuite } from './suite.js';

const help = `scripts/rig [options]

Runs the contract of a whole agent against the simulated DAQ on loopback, then across a pair of virtual interfaces in two
network namespaces (MTU 9000, loss, rate limit, cable pulled; needs root), or against what a profile points at. Writes rig.json
and rig.html. Exit code 0: everything passed.

  --profile FILE    what this profile points at, such as a real partition, instead of the simulated DAQ: its guider is started,
                    resumed, paused and stopped; nothing wrong is done to it
  --only NAME       loopback or veth
  --seconds N       of an exposure (default 5)
  --rate HZ         of the simulated DAQ (default 9)
  --size N          rows and columns of its ROIs (default 50)
  --out DIR         where the reports go (default build/rig)
`;

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h' },
    profile: { type: 'string' },
    only: { type: 'string' },
    seconds: { type: 'string', default: '5' },
    rate: { type: 'string', default: '9' },
    size: { type: 'string', default: '50' },
    out: { type: 'string', default: 'build/rig' },
  },
});

const sorts: Readonly<Record<string, typeof loopback>> = { loopback, veth: virtualPair };

if (values.help) process.stdout.write(help);
else if (values.only !== undefined && sorts[values.only] === undefined) {
  process.stderr.write(
    `scripts/rig: --only: expected ${Object.keys(sorts).join(' or ')}, got "${values.only}"\n`,
  );
  process.exitCode = 2;
} else process.exitCode = await main();

async function main(): Promise<number> {
  const reports: RigReport[] = [];
  const makers = Object.entries(sorts).filter(([name]) => values.only === undefined || name === values.only);
  if (values.profile !== undefined) reports.push(await reportOf(ofProfile(values.profile)));
  else for (const [, make] of makers) reports.push(await simulated(make));
  mkdirSync(values.out, { recursive: true });
  writeFileSync(join(values.out, 'rig.json'), `${JSON.stringify(reports, null, 2)}\n`);
  writeFileSync(join(values.out, 'rig.html'), htmlReport(reports));
  console.log(`\nwritten to ${join(values.out, 'rig.json')} and rig.html`);
  return reports.every(({ pass }) => pass) ? 0 : 1;
}

async function simulated(make: typeof loopback): Promise<RigReport> {
  const folder = mkdtempSync(join(tmpdir(), 'summit-rig-'));
  try {
    return await reportOf(await make({ rate: Number(values.rate), size: Number(values.size), folder }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function reportOf(place: Place): Promise<RigReport> {
  try {
    const report = await runSuite(place, { seconds: Number(values.seconds) });
    console.log(`\n${report.place}: ${report.pass ? 'pass' : 'FAIL'}`);
    for (const { verdict, name, detail, seconds } of report.cases)
      console.log(`  ${verdict.padEnd(8)} ${name} (${seconds} s): ${detail}`);
    return report;
  } finally {
    await place.close();
  }
}
