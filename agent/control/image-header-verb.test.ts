// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { type ImageHeader, imageHeaderVerb, parseImageHeader } from './image-header-verb.js';

const obsid = 'MC_O_20260714_000123';

t.test('a header document is handed on as it is', async (t) => {
  const got: ImageHeader[] = [];
  const verb = imageHeaderVerb({
    onHeader: (header) => {
      got.push(header);
      return 'early';
    },
  });
  const detectors = { R44_SW0: { CCD_SERN: '21841' } };
  const args = { obsid, keywords: { RA: 1.5, OBJECT: null }, detectors, reb_cond: { ODP: 27 } };
  t.same(await verb(args), { obsid, taken: 'early' });
  t.same(got, [{ obsid, keywords: args.keywords, detectors, rebCond: { ODP: 27 }, configCond: {} }]);
});

t.test('everything wrong is told, and a role without images refuses', async (t) => {
  t.throws(() => parseImageHeader({ keywords: { RA: [1] }, detectors: { R44_SW0: 3 }, reb_cond: 'x' }), {
    code: 'command',
    problems: [
      /^obsid: expected text/,
      /^detectors\.R44_SW0: expected a map/,
      /^reb_cond: expected a map/,
      /^keywords\.RA: expected text, a number/,
    ],
  });
  t.throws(
    () => parseImageHeader({ obsid, keywords: { 'date-obs': 'x', TOOLONGNAME: 1 }, reb_cond: { 'A B': 1 } }),
    {
      code: 'command',
      problems: [
        /^keywords\.date-obs: expected a FITS keyword such as RA or HIERARCH\.STUTTER\.ROWS/,
        /^keywords\.TOOLONGNAME: expected a FITS keyword/,
        /^rebCond\.A B: expected a FITS keyword/,
      ],
    },
  );
  await t.rejects(imageHeaderVerb({ onHeader: null })({ obsid }), /this agent takes no images/);
});
