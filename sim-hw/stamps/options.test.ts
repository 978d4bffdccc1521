// SPDX-License-Identifier: Apache-2.0
// The command line of sim-stamps.
import t from 'tap';
import { parseStampsOptions, stampsHelp } from './options.js';

t.test('--help needs nothing else', async (t) => {
  t.equal(parseStampsOptions(['--help']), null);
  for (const name of ['--seed', '--cell', '--class', '--groups', '--psf']) t.match(stampsHelp, name);
});

t.test('one error lists all wrong options', async (t) => {
  t.throws(() => parseStampsOptions(['--cell', '0', '--seed', 'x', '--psf', 'disc']), {
    code: 'usage',
    problems: [/^--out/, /^--seed/, /^--cell/, /^--psf/],
  });
  t.throws(() => parseStampsOptions(['--out', 'd', '--groups', 'acc_raw50,nothing']), {
    code: 'usage',
    message: /got "nothing"/,
  });
  t.throws(() => parseStampsOptions(['--nonsense']), { code: 'usage', message: /sim-stamps --help/ });
});

t.test('groups are chosen by name or kind', async (t) => {
  const names = (list: string) =>
    parseStampsOptions(['--out', 'd', '--groups', list])?.plans.map((plan) => plan.name) ?? [];
  t.same(names('nuisance400,acc_raw50'), ['acc_raw50', 'nuisance400']);
  t.equal(names('series').length, 8);
  t.same(names('nuisance'), ['nuisance50', 'nuisance400']);
});

t.test('cells have the size asked for, large stamps a share of it', async (t) => {
  const count = (name: string) =>
    parseStampsOptions(['--out', 'd', '--cell', '30', '--class', '10', '--groups', name])?.plans[0]?.count;
  t.equal(count('acc_raw50'), 11 * 30);
  t.equal(count('acc_phase50'), 2 * 20 * 5);
  t.equal(count('acc_raw400'), 6 * 6);
  t.equal(count('nuisance50'), 18 * 10 + 500);
  t.equal(count('nuisance400'), 3 * 3);
});
