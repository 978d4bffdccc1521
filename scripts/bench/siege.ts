// SPDX-License-Identifier: Apache-2.0
// The siege as a bench: plain and encrypted endpoints and those of this machine alone, then an agent with few file
// descriptors.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { round, table } from './report.js';
import { besiege, type SiegeReport } from './siege/siege.js';

export interface SiegeCase {
  readonly name: string;
  readonly report: SiegeReport;
}

/** `connections`: fuzzed connections in all, at the two endpoints of three kinds. */
export async function measureSiege(
  connections: number,
  seconds: number,
  seed: number,
): Promise<readonly SiegeCase[]> {
  const directory = mkdtempSync(join(tmpdir(), 'summit-siege-'));
  const each = Math.ceil(connections / 6);
  try {
    const cases: SiegeCase[] = [];
    for (const [name, encrypted, transport, fileDescriptors] of [
      ['plain', false, 'tcp', null],
      ['CURVE', true, 'tcp', null],
      ['ipc', false, 'ipc', null],
      ['plain, 300 descriptors', false, 'tcp', 300],
      ['CURVE, 300 descriptors', true, 'tcp', 300],
      ['ipc, 300 descriptors', false, 'ipc', 300],
    ] as const) {
      const say = (line: string) => process.stderr.write(`siege ${name}: ${line}\n`);
      const options = { encrypted, transport, fileDescriptors, connections: each, seconds, seed, say };
      const one = { name, report: await besiege(options, directory) };
      console.log(`\n${siegeTable(one)}`);
      cases.push(one);
    }
    return cases;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function siegeTable({ name, report }: SiegeCase): string {
  const head = [
    name,
    'connections',
    'frames',
    's',
    'results',
    'p50 us',
    'p99',
    'p99.9',
    'max',
    'asked',
    'answered',
    'slowest ms',
  ];
  const rows = report.phases.map((p) => [
    p.name,
    ...[p.connections, p.frames, round(p.seconds), p.results].map(String),
    ...[p.p50, p.p99, p.p999, p.max].map((us) => String(Math.round(us))),
    ...[p.commands, p.answered, p.slowestMs].map(String),
  ]);
  const { alive, state, conserved, missing, endpoints, keys, commands } = report;
  return [
    table(head, rows),
    `agent ${alive ? 'alive' : 'DEAD'} in ${state}, stamps ${conserved ? 'conserved' : 'NOT CONSERVED'}, ${missing} results missing at the subscriber, RSS ${round(report.rssMb)} MB`,
    `commands ${JSON.stringify(commands)}`,
    `endpoints ${JSON.stringify(endpoints)}${keys === null ? '' : `, keys ${JSON.stringify(keys)}`}`,
  ].join('\n');
}
