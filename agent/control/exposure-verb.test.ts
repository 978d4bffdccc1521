// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import type { ExposureTimes } from '../model/exposure-times.js';
import { exposureVerb } from './exposure-verb.js';

t.test('an exposure reaches the role in its units', async (t) => {
  const taken: ExposureTimes[] = [];
  const verb = exposureVerb({ onExposureTimes: (times) => taken.push(times) });
  const obsid = 'MC_O_20260714_000123';
  const reply = await verb({ obsid, start_tai: 1_784_079_261.5, exposure_s: 30n, shutter_s: 1 });
  const startTaiNs = 1_784_079_261_500_000_000n;
  t.same(reply, { obsid, start_tai_ns: startTaiNs });
  t.same(taken, [{ obsid, startTaiNs, exposureS: 30, shutterS: 1 }]);
});

t.test('everything wrong is told at once and nothing reaches the role', async (t) => {
  const verb = exposureVerb({ onExposureTimes: () => t.fail('reached the role') });
  await t.rejects(verb({ start_tai: 1_784_079_261_500, exposure_s: -1, shutter_s: 'fast' }), {
    code: 'command',
    message:
      /4 problems[\s\S]*obsid: [\s\S]*start_tai: [\s\S]*exposure_s: [\s\S]*shutter_s: expected 0\.\.60 s, got/,
  });
});
