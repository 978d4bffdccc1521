// SPDX-License-Identifier: Apache-2.0
// scripts/rig: argv, places one after the other, report, exit code.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { htmlReport } from './html.js';
import { parseRigOptions, type RigOptions, rigHelp } from './options.js';
import { loopback, type Place, virtualPair } from './place.js';
import { ofProfile } from './profile-place.js';
import { type RigReport, runSuite } from './suite.js';

// What a place has made goes at 'exit'; its processes end when nobody holds their stdin any more.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => process.exit(128 + constants.signals[signal]));

const sorts: Readonly<Record<'loopback' | 'veth', typeof loopback>> = { loopback, veth: virtualPair };

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  let options: RigOptions | null;
  let site: Place | null = null;
  try {
    options = parseRigOptions(args);
    if (options === null) {
      process.stdout.write(rigHelp);
      return 0;
    }
    mkdirSync(options.out, { recursive: true });
    if (options.profile !== null) site = ofProfile(options.profile, options.key, options.size);
  } catch (error) {
    process.stderr.write(`scripts/rig: ${sentenceOf(error)}\nscripts/rig --help explains\n`);
    return 2;
  }
  const { only, out } = options;
  const reports: RigReport[] = [];
  try {
    if (site !== null) reports.push(await reportOf(site, options));
    else
      for (const [name, make] of Object.entries(sorts))
        if (only === null || name === only) reports.push(await simulated(make, options));
  } catch (error) {
    // A place that cannot be made: what was tried before it is worth a report.
    process.stderr.write(`scripts/rig: ${sentenceOf(error)}\n`);
    if (reports.length > 0) write(reports, out);
    return 1;
  }
  write(reports, out);
  return reports.every(({ pass }) => pass) ? 0 : 1;
}

function write(reports: readonly RigReport[], out: string): void {
  writeFileSync(join(out, 'rig.json'), `${JSON.stringify(reports, null, 2)}\n`);
  writeFileSync(join(out, 'rig.html'), htmlReport(reports));
  console.log(`\nwritten to ${join(out, 'rig.json')} and rig.html`);
}

async function simulated(make: typeof loopback, options: RigOptions): Promise<RigReport> {
  const folder = mkdtempSync(join(tmpdir(), 'summit-rig-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove);
  try {
    return await reportOf(await make({ rate: options.rate, size: options.size, folder }), options);
  } finally {
    process.off('exit', remove);
    remove();
  }
}

async function reportOf(place: Place, { seconds }: RigOptions): Promise<RigReport> {
  try {
    const report = await runSuite(place, { seconds });
    console.log(`\n${report.place}: ${report.pass ? 'pass' : 'FAIL'}`);
    for (const { verdict, name, detail, seconds } of report.cases)
      console.log(`  ${verdict.padEnd(8)} ${name} (${seconds} s): ${detail}`);
    return report;
  } finally {
    await place.close();
  }
}

function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
