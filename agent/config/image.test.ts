// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { stringify } from 'yaml';
import { AgentError } from '../model/errors.js';
import { loadProfile, parseProfile } from './load.js';

function problemsOf(change: Record<string, unknown>): readonly string[] {
  const profile = {
    agent: { name: 'a', role: 'aos' },
    daq: { driver: 'wire' },
    image: { directory: 'spool' },
    ...change,
  };
  try {
    parseProfile(stringify(profile), '/etc/summit/p.yaml');
    return [];
  } catch (error) {
    if (error instanceof AgentError) return error.problems;
    throw error;
  }
}

t.test('sim-aos.yaml and sim-auxtel.yaml say which boards are taken and where their files go', async (t) => {
  const aos = loadProfile('hw-profiles/sim-aos.yaml');
  t.match(aos.links[0].images, {
    sources: [0, 36, 180, 216].map((location) => ({ location, kind: 'wavefront' })),
    sets: 8,
  });
  t.match(aos.links[0].imageWriter, { folder: /^\/var\/tmp\/summit-agent\/sim-aos$/, threads: 2 });
  t.match(aos.links[0].options, { images: '127.0.0.1:5582' });
  t.same(aos.guider.sensors, []);
  const auxtel = loadProfile('hw-profiles/sim-auxtel.yaml');
  t.match(auxtel.links[0].images, { sources: [{ location: 0, kind: 'latiss' }], sets: 2 });
  t.equal(auxtel.image?.values.keywords.LSST_NUM, 'ITL-3800C-068');
});

t.test('a guider has neither store nor writer', async (t) => {
  const guider = loadProfile('hw-profiles/sim-guider.yaml');
  t.equal(guider.image, null);
  t.notOk('images' in guider.links[0]);
});

t.test('roles and sections that do not fit are refused together', async (t) => {
  t.same(problemsOf({}), []);
  const both = {
    image: { directory: 'x', calibrations: 'c' },
    butler: { repository: 'r', calibrations: {} },
  };
  t.same(problemsOf(both), ['image.calibrations: expected nothing beside butler.calibrations, got "c"']);
  t.same(problemsOf({ image: undefined }), ['image: expected the keys of role aos, got nothing']);
  t.same(problemsOf({ agent: { name: 'a', role: 'guider' } }), [
    'guider: expected the keys of role guider, got nothing',
    'image: expected nothing, role guider takes no full frames',
  ]);
  t.match(problemsOf({ guider: { sensors: ['R00_SG0'] } }), [
    'guider: expected nothing, role aos has no guide sensors',
  ]);
  const image = { directory: 'x', boards: ['R22', 'R44', 'R44'], detectors: { R22_S11: {} } };
  t.same(problemsOf({ image }), [
    'image.boards.0: expected one of R00, R04, R40, R44, got "R22"',
    'image.boards.2: expected each board once, got "R44" again',
    'image.detectors.R22_S11: expected one of R00_SW0, R00_SW1, R04_SW0, R04_SW1, R40_SW0, R40_SW1, R44_SW0, R44_SW1, got "R22_S11"',
  ]);
});

t.test('the instrument is that of the role, and looks have a folder of their own', async (t) => {
  const auxtel = (agent: Record<string, unknown>) => ({ agent: { name: 'a', role: 'auxtel', ...agent } });
  t.same(problemsOf(auxtel({ instrument: 'LSSTCam' })), [
    'agent.instrument: expected LATISS for role auxtel, got "LSSTCam"',
  ]);
  t.same(problemsOf({ agent: { name: 'a', role: 'aos', instrument: 'LATISS' } }), [
    'agent.instrument: expected LSSTCam for role aos, got "LATISS"',
  ]);
  const text = stringify({ ...auxtel({}), daq: { driver: 'wire' }, image: { directory: 'spool' } });
  t.equal(parseProfile(text, '/etc/summit/p.yaml').agent.instrument, 'LATISS');
  t.match(problemsOf({ image: { directory: 'spool', quicklook: { directory: './spool/' } } }), [
    /^image\.quicklook\.directory: expected another folder than image\.directory/,
  ]);
  t.same(problemsOf({ image: { directory: 'spool', quicklook: { directory: 'spool/looks' } } }), []);
});

t.test('keywords are FITS keywords with plain values', async (t) => {
  const keywords = { lower: 1, RA: [1], 'HIERARCH.STUTTER.ROWS': 3, TOOLONGNAME: 1 };
  const problems = problemsOf({ image: { directory: 'x', keywords } });
  for (const key of ['lower', 'RA', 'TOOLONGNAME'])
    t.ok(
      problems.some((problem) => problem.includes(key)),
      `${key}: ${problems.join('; ')}`,
    );
  const good = { RA: null, 'DATE-OBS': 'x', 'HIERARCH.STUTTER.ROWS': 3 };
  t.same(problemsOf({ image: { directory: 'x', keywords: good } }), []);
});
