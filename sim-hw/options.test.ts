// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { parseSimOptions, type SimOptions } from './options.js';

/** Options of arguments that ask for no help. */
function optionsOf(...args: readonly string[]): SimOptions {
  const options = parseSimOptions(args);
  if (options === null) throw new Error('help instead of options');
  return options;
}

/** The lines of the one Error that refuses these arguments. */
function problemsOf(...args: readonly string[]): readonly string[] {
  try {
    parseSimOptions(args);
  } catch (error) {
    return error instanceof Error ? error.message.split('\n') : [];
  }
  return [];
}

/** A scenario file in the test's own directory. */
function scenarioFile(t: Test, content: unknown): string {
  const path = join(t.testdir(), 'scenario.json');
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

t.test('without arguments gives the documented defaults', async (t) => {
  const options = optionsOf();
  t.same(options.control, { host: '127.0.0.1', port: 5581 });
  t.match(options, { to: [], mtu: 9000, idle: false, rows: 50, cols: 50, integrationMs: 50, rate: null });
  t.match(options, { series: 1, exposures: 1, stamps: 270, pixel: 'int32', firstSequence: 1, seed: 1 });
  t.match(options, { irregularStart: true, oneBased: false, taiMinusUtc: 37, truth: null, faults: [] });
});

t.test('reads every kind of option', async (t) => {
  const options = optionsOf(
    ...['--to', '127.0.0.1:5580', '--to', '239.1.2.3:5590', '--rate', 'max', '--drift=-0.5', '--idle'],
    ...['--no-irregular-start', '--pixel', 'raw18x16', '--seconds', '2.5', '--fault', 'drop:p=0.05'],
    ...['--fault', 'reorder:at=17,sensor=R00_SG0,unit=packet'],
  );
  t.same(options.to, [
    { host: '127.0.0.1', port: 5580 },
    { host: '239.1.2.3', port: 5590 },
  ]);
  t.equal(options.rate, Number.POSITIVE_INFINITY);
  t.match(options, { drift: -0.5, idle: true, irregularStart: false, pixel: 'raw18x16', seconds: 2.5 });
  t.same(options.faults, [
    { kind: 'drop', unit: 'stamp', probability: 0.05, at: null, sensor: null },
    { kind: 'reorder', unit: 'packet', probability: 0, at: 17, sensor: 'R00_SG0' },
  ]);
});

t.test('lists every mistake at once: the option, what was expected, what it got', async (t) => {
  const problems = problemsOf(
    ...['--rows', '9', '--cols', '10.5', '--rate', 'often', '--pixel', 'int8', '--gap-ms', ''],
    ...['--control', '127.0.0.1', '--to', '300.0.0.1:5580', '--to', '127.0.0.1:0', '--fault', 'explode:p=1'],
  );
  const expected: readonly (readonly [string, RegExp])[] = [
    ['--control', /expected IPv4:PORT .* got "127\.0\.0\.1"$/],
    ['--to', /expected IPv4:PORT .* got "300\.0\.0\.1:5580"$/],
    ['--to', /expected IPv4:PORT .* got "127\.0\.0\.1:0"$/],
    ['--rows', /expected a whole number 10\.\.400, got "9"$/],
    ['--cols', /expected a whole number 10\.\.400, got "10\.5"$/],
    ['--rate', /expected a number .* got "often"$/],
    ['--gap-ms', /expected a number .* got ""$/],
    ['--pixel', /expected one of int32, uint16, raw18x16, got "int8"$/],
    ['--fault explode:p=1', /expected one of drop, .* got "explode"$/],
  ];
  t.same(
    problems.map((problem) => problem.slice(0, problem.indexOf(': '))),
    expected.map(([option]) => option),
  );
  for (const [i, [option, sentence]] of expected.entries()) t.match(problems[i], sentence, option);
});

t.test('lists what is no option beside what is wrong in one', async (t) => {
  const problems = problemsOf('extra', '--bogus', '--idle=yes', '--mtu', '100', '--seed');
  t.match(problems, [
    /^expected only options, got "extra"$/,
    /^--bogus: expected an option of sim-daq --help/,
    /^--idle: expected no value, got "yes"$/,
    /^--seed: expected a value, got none$/,
    /^--mtu: expected a whole number 576\.\.9000, got "100"$/,
  ]);
  t.equal(problems.length, 5);
});

t.test('says what a fault lacks', async (t) => {
  t.match(problemsOf('--fault', 'drop'), [/^--fault drop: expected p=0\.\.1 or at=STAMP .* got neither$/]);
  t.match(problemsOf('--fault', 'drop:p=2'), [/expected p=0\.\.1.* got "p=2"$/]);
  t.match(problemsOf('--fault', 'truncate:p=1,unit=stamp'), [/got "unit=stamp"$/]);
  t.match(problemsOf('--fault', 'drop:at=1,sensor=R22'), [/got "sensor=R22"$/]);
});

t.test('a scenario file holds the same options', async (t) => {
  const path = scenarioFile(t, {
    rate: 9,
    'integration-ms': 100,
    pixel: 'uint16',
    'one-based': true,
    to: '127.0.0.1:5580',
    fault: ['drop:p=0.05', 'corrupt:at=3'],
  });
  const options = optionsOf('--scenario', path);
  t.match(options, { rate: 9, integrationMs: 100, pixel: 'uint16', oneBased: true });
  t.same(options.to, [{ host: '127.0.0.1', port: 5580 }]);
  t.same(
    options.faults.map(({ kind }) => kind),
    ['drop', 'corrupt'],
  );
});

t.test('the command line overrides the scenario file', async (t) => {
  const path = scenarioFile(t, { rate: 9, rows: 100, fault: ['drop:p=0.05', 'reorder:p=0.1'] });
  const options = optionsOf('--rate', '20', '--fault', 'duplicate:at=1', '--scenario', path);
  t.equal(options.rate, 20);
  t.equal(options.rows, 100);
  t.same(
    options.faults.map(({ kind }) => kind),
    ['duplicate'],
  );
});

t.test('refuses a scenario file that is missing, no YAML or no object', async (t) => {
  const missing = join(t.testdir(), 'missing.json');
  t.match(problemsOf('--scenario', missing), [/^--scenario .*missing\.json: ENOENT/]);
  t.match(problemsOf('--scenario', scenarioFile(t, '{"rows":')), [/^--scenario .*expected YAML or JSON/]);
  t.match(problemsOf('--scenario', scenarioFile(t, [1])), [/scenario: expected object, got \[1\]$/]);
});

t.test('tells what is wrong in the file and on the command line together', async (t) => {
  const path = scenarioFile(t, { rowz: 5, idle: 'yes' });
  const problems = problemsOf('--scenario', path, '--mtu', '1');
  t.match(problems, [/rowz: expected a known key/, /idle: expected boolean, got "yes"$/, /^--mtu: /]);
});

t.test('help is asked for, whatever else stands there', async (t) => {
  t.equal(parseSimOptions(['--help']), null);
  t.equal(parseSimOptions(['-h', '--rows', '1']), null);
});
