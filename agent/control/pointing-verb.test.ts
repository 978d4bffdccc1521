// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { AgentError } from '../model/errors.js';
import { type PointingHolder, pointingVerb } from './pointing-verb.js';

t.test('the verb sets, tells, refuses and clears a pointing', async (t) => {
  const holder: PointingHolder = { pointing: null };
  const verb = pointingVerb(holder);
  t.same(await verb({}), { pointing: null });
  t.match(await verb({ alt_deg: 70, az_deg: 180, rotator_deg: -90 }), {
    pointing: { alt_deg: 70, az_deg: 180, rotator_deg: -90 },
  });
  await t.rejects(verb({ alt_deg: 40 }), AgentError);
  await t.rejects(verb({ clear: 1 }), { code: 'command' });
  await t.rejects(verb({ clear: true, alt_deg: 3 }), { code: 'command' });
  t.match(await verb({}), { pointing: { alt_deg: 70 } }, 'a refusal changes nothing');
  t.match(await verb({ alt_deg: 40, az_deg: 12, camera_rotation_deg: 5 }), {
    pointing: { alt_deg: 40, camera_rotation_deg: 5 },
  });
  t.same(await verb({ clear: true }), { pointing: null });
});
