// SPDX-License-Identifier: Apache-2.0
// npm run campaign: argv, table, exit code.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { campaignTable, runCampaign } from './campaign.js';
import { imageKinds } from './images.js';
import { kinds } from './kinds.js';

const names = [...kinds.map(({ name }) => name), ...imageKinds];

const help = `npm run campaign [-- options]

Injects every kind of fault that comes over the wire into an agent that runs, again and again, and checks each time: every
stamp is accounted for, the right counter moved, the right flag or alarm was told, the next exposure is good within a second,
and nothing wrong was published unflagged; of full frames (kinds that begin with "image") that each is a file or told as failed
with its reason, and the next one a file. Prints kind x outcome. Exit code 0: all of them hold.

  --repetitions N   injections of each kind (default 25)
  --kind NAME       one kind only
  --seed N          of the first repetition (default 1)
  --out FILE        the outcomes as JSON
  --list            the kinds

kinds: ${names.join(', ')}
`;

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h' },
    list: { type: 'boolean' },
    repetitions: { type: 'string', default: '25' },
    kind: { type: 'string' },
    seed: { type: 'string', default: '1' },
    out: { type: 'string' },
  },
});

function problemOf(): string | null {
  const { repetitions, seed, kind } = values;
  if (!/^[1-9]\d{0,5}$/.test(repetitions))
    return `--repetitions: expected a whole number from 1, got "${repetitions}"`;
  if (!/^\d{1,9}$/.test(seed)) return `--seed: expected a whole number, got "${seed}"`;
  if (kind !== undefined && !names.includes(kind)) return `--kind: expected a kind of --list, got "${kind}"`;
  return null;
}

const problem = problemOf();
if (values.help) process.stdout.write(help);
else if (values.list) process.stdout.write(`${names.join('\n')}\n`);
else if (problem !== null) {
  process.stderr.write(`campaign: ${problem}\n`);
  process.exitCode = 2;
} else {
  const { outcomes, seconds } = await runCampaign({
    repetitions: Number(values.repetitions),
    seed: Number(values.seed),
    only: values.kind ?? null,
    recoveryWithinMs: 1000,
    onOutcome: ({ kind, seed, problems }) => {
      if (problems.length > 0) process.stderr.write(`${kind}, seed ${seed}: ${problems.join('; ')}\n`);
    },
  });
  console.log(campaignTable(outcomes));
  console.log(`${seconds.toFixed(0)} s`);
  if (values.out !== undefined) writeFileSync(values.out, `${JSON.stringify(outcomes, null, 2)}\n`);
  process.exitCode = outcomes.length > 0 && outcomes.every(({ problems }) => problems.length === 0) ? 0 : 1;
}
