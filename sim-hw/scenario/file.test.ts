// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { simHelp } from '../help.js';
import { parseSimOptions } from '../options.js';
import { readScenarioFile, schemaPath } from './file.js';

interface Schema {
  readonly properties: Readonly<Record<string, unknown>>;
  readonly $defs: { readonly happening: { readonly oneOf: readonly Readonly<Record<string, unknown>>[] } };
}
const schema = JSON.parse(readFileSync(schemaPath(), 'utf8')) as Schema;

function read(t: Test, text: string) {
  const path = join(t.testdir(), 'scenario.yaml');
  writeFileSync(path, text);
  const problems: string[] = [];
  const file = readScenarioFile(path, problems);
  return { ...file, problems: problems.map((problem) => problem.replace(`${path}: `, '')) };
}

t.test('reads plan, sensors, happenings, events, and the rest as options', async (t) => {
  const { parts, options, problems } = read(
    t,
    `
rate: 20
fault: [drop:p=0.05]
sensors: { R00_SG0: { snr: 20, at: [10, 12.5] } }
plan:
  - { exposures: [{ stamps: 5, obsid: MC_O_20260714_000001 }, { repeat: 2 }], ends: running }
  - roi: { common: { rows: 60, cols: 60, integrationTimeMillis: 50 }, R00SG0: { segment: 3, startRow: 1, startCol: 2 } }
happenings:
  - { what: clouds, sensors: [R00_SG0], curve: [[0, 1], [10, 0.1]] }
  - { what: wind, lines: [{ hz: 2.1, arcsec: 0.1 }] }
events: [{ event: START, fate: lost, series: 2 }]
`,
  );
  t.same(problems, []);
  t.same(options, { rate: 20, fault: ['drop:p=0.05'] });
  t.equal(parts.plan?.length, 2);
  t.match(parts.happenings, [{ what: 'clouds' }, { what: 'wind', lines: [{ hz: 2.1 }] }]);
  t.match(parts, { sensors: { R00_SG0: { snr: 20, at: [10, 12.5] } }, events: [{ fate: 'lost' }] });
});

t.test('one error lists every bad key with its path and what is expected', async (t) => {
  const { problems } = read(
    t,
    `
rows: 5
snrr: 3
plan:
  - { ends: soon, exposures: [{ stamps: 0 }] }
  - roi: { common: { rows: 60, cols: 60, integrationTimeMillis: 50 }, R00SG0: { segment: 3, startRow: 1 } }
sensors: { R00: { snr: 3 } }
happenings:
  - { what: earthquake }
  - { what: clouds, form: 3, sensors: R99_SG9 }
  - { what: wind }
events: [{ event: WAKE, fate: lost }]
`,
  );
  const expected: readonly (readonly [string, RegExp])[] = [
    ['rows', /at least 10, got 5$/],
    ['snrr', /expected a known key, such as snr .* got "snrr"$/],
    ['plan.0.ends', /expected "stop", "pause", "running", got "soon"$/],
    ['plan.0.exposures', /expected their number, or a list/],
    ['plan.1.roi.R00SG0.startCol', /expected .* got nothing$/],
    ['sensors.R00', /expected a known key/],
    ['happenings.0.what', /expected one of dead, late-start, .* got "earthquake"$/],
    ['happenings.1.form', /expected a known key, such as from/],
    ['happenings.1.sensors', /expected a guide sensor such as R00_SG0.* got "R99_SG9"$/],
    ['happenings.2.lines', /expected spectral lines, got nothing$/],
    ['events.0.event', /expected "START", "RESUME", "PAUSE", "STOP", got "WAKE"$/],
  ];
  for (const [path, sentence] of expected)
    t.ok(
      problems.some((problem) => problem.startsWith(`${path}: `) && sentence.test(problem)),
      `${path}: ${problems.filter((problem) => problem.startsWith(path)).join(' | ') || problems.join('\n')}`,
    );
});

t.test('an ROI outside its amplifier is refused with its place in the plan', async (t) => {
  const roi =
    '{ common: { rows: 400, cols: 400, integrationTimeMillis: 50 }, R00SG0: { segment: 8, startRow: 1700, startCol: 2 } }';
  const { problems } = read(t, `plan: [{ roi: ${roi} }]`);
  t.match(problems, [
    /^plan\.0\.roi\.R00SG0\.segment: expected an amplifier label/,
    /^plan\.0\.roi\.R00SG0\.startRow: /,
  ]);
});

t.test('the schema has every option, and help names every happening', async (t) => {
  const structure = ['plan', 'sensors', 'happenings', 'events', 'start-delays-ms'];
  const options = Object.keys(schema.properties).filter((key) => !structure.includes(key));
  const shown = new Set([...simHelp.matchAll(/--([a-z][a-z-]+)/g)].map(([, name = '']) => name));
  for (const option of options) t.ok(shown.has(option), `help shows --${option}`);
  // A scenario tells what the guide sensors do; the image store is set up on the command line.
  const commandLineOnly = (option: string) =>
    /^(help|scenario|images|image-.*|first-image|readout-s)$/.test(option);
  for (const option of shown) t.ok(commandLineOnly(option) || option in schema.properties, option);
  for (const { properties } of schema.$defs.happening.oneOf) {
    const { what } = properties as { what: { const: string } };
    t.match(simHelp, new RegExp(`\\b${what.const}\\b`), what.const);
  }
});

t.test('every example of sim-hw/scenarios is right', async (t) => {
  const folder = 'sim-hw/scenarios';
  const examples = readdirSync(folder);
  t.ok(examples.length > 5);
  for (const name of examples) t.ok(parseSimOptions(['--scenario', join(folder, name)]), name);
});
