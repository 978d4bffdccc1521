// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { AgentError } from './errors.js';
import { guideSensors, roiKeyOf } from './location.js';
import { formatRoiSpec, parseRoiSpec, parseRoiSpecs, stampPeriodMs } from './roi.js';

const good = {
  common: { rows: 50, cols: 60, integrationTimeMillis: 100 },
  R44SG1: { segment: 17, startRow: 1950, startCol: 449 },
  R00SG0: { segment: 7, startRow: 0, startCol: 0 },
};

function problemsOf(input: unknown): readonly string[] {
  try {
    parseRoiSpec(input);
  } catch (error) {
    if (error instanceof AgentError && error.code === 'roi') return error.problems;
    throw error;
  }
  return [];
}

t.test('reads a roiSpec given as object or as JSON text, in location order', async (t) => {
  const spec = parseRoiSpec(good);
  t.same(spec.common, { rows: 50, cols: 60, integrationMs: 100 });
  t.same(
    spec.locations.map((l) => l.sensor.detectorName),
    ['R00_SG0', 'R44_SG1'],
  );
  t.same(parseRoiSpec(JSON.stringify(good)), spec);
  t.same(formatRoiSpec(spec), good);
});

t.test('names every mistake at once with its path and what was expected', async (t) => {
  const problems = problemsOf({
    common: { rows: 9, cols: 401, integrationTimeMillis: 4.5, binning: 2 },
    R00SG0: { segment: 8, startRow: -1, startCol: 509 },
    R00_SG1: { segment: 1, startRow: 0, startCol: 0 },
    R22S11: { segment: 1, startRow: 0, startCol: 0 },
    R44SG0: 7,
  });
  t.same(
    problems.map((p) => p.slice(0, p.indexOf(':'))),
    [
      'common.binning',
      'common.rows',
      'common.cols',
      'common.integrationTimeMillis',
      'R00SG0.segment',
      'R00SG0.startRow',
      'R00SG0.startCol',
      'R00_SG1',
      'R22S11',
      'R44SG0',
    ],
  );
  t.match(problems[4], /0\.\.7 or 10\.\.17, got 8/);
});

t.test('keeps the ROI inside the amplifier', async (t) => {
  const at = (startRow: number, startCol: number) => ({
    common: { rows: 400, cols: 400, integrationTimeMillis: 200 },
    R40SG0: { segment: 10, startRow, startCol },
  });
  t.same(problemsOf(at(1600, 109)), []);
  t.match(problemsOf(at(1601, 110)), [/at most 1600 .* got 1601/, /at most 109 .* got 110/]);
});

t.test('refuses what is not a roiSpec at all', async (t) => {
  t.match(problemsOf('{"common"'), [/expected JSON text/]);
  t.match(problemsOf([good]), [/one series at a time/]);
  t.match(problemsOf(null), [/expected an object/]);
  t.match(problemsOf({ common: good.common }), [/at least one sensor/]);
});

t.test('refuses a text that says a key twice, at any depth', async (t) => {
  const common = '"common": {"rows": 50, "cols": 50, "cols": 60, "integrationTimeMillis": 50}';
  const one = '{"segment": 3, "startRow": 800, "startCol": 56}';
  t.match(problemsOf(`{${common}, "R00SG0": ${one}, "R\\u00300SG0" : ${one}}`), [
    /^cols: expected this key once/,
    /^R00SG0: expected this key once/,
  ]);
  t.same(problemsOf(`{${common.replace('"cols": 50, ', '')}, "R00SG0": ${one}, "R00SG1": ${one}}`), []);
});

t.test(
  'refuses a list that no night needs, and tells so many problems that somebody can read them',
  async (t) => {
    t.throws(() => parseRoiSpecs(Array(20_000).fill({}), []), { message: /at most 1000 series, got 20000/ });
    const refused = t.throws(() => parseRoiSpecs(Array(1000).fill({}), [])) as Error;
    t.ok(
      refused.message.length < 10_000 && refused.message.endsWith('and 1900 more'),
      refused.message.slice(-40),
    );
  },
);

t.test('takes all eight guide sensors', async (t) => {
  const one = { segment: 3, startRow: 800, startCol: 56 };
  const spec = Object.fromEntries(guideSensors.map((s) => [roiKeyOf(s), one]));
  t.equal(parseRoiSpec({ common: good.common, ...spec }).locations.length, 8);
});

t.test('predicts the period within 10 % of the measured cadences', async (t) => {
  const near = (rows: number, cols: number, integrationMs: number, real: number) =>
    t.ok(Math.abs(stampPeriodMs({ rows, cols, integrationMs }) / real - 1) < 0.1, `${rows}x${cols}`);
  near(50, 50, 100, 162);
  near(100, 50, 50, 140);
  near(400, 400, 200, 600);
});
