// SPDX-License-Identifier: Apache-2.0
// The profiles of real machines: refused as they are shipped, good once the site has said what is its own.
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parse, stringify } from 'yaml';
import { AgentError } from '../model/errors.js';
import { loadProfile, packageRoot, parseProfile } from './load.js';
import { unfilled } from './unfilled.js';

const folder = join(packageRoot(), 'hw-profiles');

function problemsOf(text: string, path: string): readonly string[] {
  try {
    parseProfile(text, path);
    return [];
  } catch (error) {
    if (error instanceof AgentError && error.code === 'profile') return error.problems;
    throw error;
  }
}

/** Puts in what a site might say, by what is asked for. */
function filled(value: unknown, site: Readonly<Record<string, unknown>>): unknown {
  if (typeof value === 'string' && value.startsWith('<fill in: ')) {
    const answer = Object.entries(site).find(([asked]) => value.includes(asked));
    if (answer === undefined) throw new Error(`nobody knows ${value}`);
    return answer[1];
  }
  if (Array.isArray(value)) return value.map((one) => filled(one, site));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, own]) => [key, filled(own, site)]));
}

t.test('every mark is told with its path and what belongs there, and nothing else about it', async (t) => {
  const problems = problemsOf(readFileSync(join(folder, 'rig.yaml'), 'utf8'), join(folder, 'rig.yaml'));
  t.same(problems, [
    'daq.wire.address: to be filled in: IPv4 address of this machine on the fibre',
    'daq.wire.control: to be filled in: HOST:5581 of the simulated DAQ',
    "daq.wire.interface: to be filled in: name of the fibre's interface, MTU 9000",
    'daq.cpu: to be filled in: number of a CPU kept free of other tasks; null: any',
    'health.host.interface: to be filled in: the same interface',
  ]);
});

t.test('a mark that is only partly filled in is still one', async (t) => {
  t.same(unfilled({ publish: { data: 'tcp://<fill in: ADDRESS>:5570' }, keys: ['<fill in', 'filled in'] }), [
    'publish.data: to be filled in: ADDRESS',
    'keys.0: to be filled in: ',
  ]);
});

for (const name of ['summit-guider', 'summit-aos', 'summit-auxtel', 'rig']) {
  t.test(`${name}.yaml is refused as it is shipped, and good when it is filled in`, async (t) => {
    const path = join(folder, `${name}.yaml`);
    const text = readFileSync(path, 'utf8');
    const shipped = problemsOf(text, path);
    t.equal(
      shipped.filter((problem) => problem.includes('to be filled in')).length,
      unfilled(parse(text)).length,
    );
    t.throws(() => loadProfile(path), { code: 'profile' });
    const files = t.testdir({ 'gds.so': '', clients: '' });
    const key = join(files, 'server.key');
    writeFileSync(key, '');
    chmodSync(key, 0o600);
    const site = {
      'path of': join(files, 'gds.so'),
      'IPv4 address': '10.0.0.2',
      'HOST:5581': '10.0.0.1:5581',
      interface: 'lsst-daq',
      'number of a CPU': 3,
      'tcp://ADDRESS:5570': 'tcp://127.0.0.1:5570',
      'tcp://ADDRESS:5571': 'tcp://127.0.0.1:5571',
      'tcp://ADDRESS:5572': 'tcp://127.0.0.1:5572',
      'key file': key,
      'one line for each client': join(files, 'clients'),
      folder: files,
      TSTAND: 'summit',
      'sequencer file': 'FP_ITL_2s_ir2_v26_no_RG.seq',
      checksum: '1477162166',
    };
    const order = Object.entries(site).sort(([a], [b]) => b.length - a.length);
    const good = stringify(filled(parse(text), Object.fromEntries(order)));
    const left = problemsOf(good, path).filter((problem) => !problem.startsWith('security.'));
    t.same(left, [], 'nothing but the keys, which nobody makes here');
  });
}
