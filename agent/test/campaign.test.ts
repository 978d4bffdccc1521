// SPDX-License-Identifier: Apache-2.0
// The fault campaign's short form: every kind once, against one agent. `npm run campaign` is the long one.
import t from 'tap';
import { runCampaign } from '../../scripts/campaign/campaign.js';

t.setTimeout(180_000);

t.test('every kind of fault is accounted for, told, and over soon', async (t) => {
  const { outcomes } = await runCampaign({ repetitions: 1, seed: 1, only: null, recoveryWithinMs: 30_000 });
  t.ok(outcomes.length >= 40, `${outcomes.length} kinds`);
  for (const { kind, problems } of outcomes) t.same(problems, [], kind);
});
