// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { latissBoard, wavefrontBoards } from '../model/image-detectors.js';
import { fileStem, type HeaderInput, headerJson, headerValues, isoOf, mjdOf, noValues } from './header.js';

const [detector] = wavefrontBoards[3]?.detectors ?? [];
const [latiss] = latissBoard.detectors;
if (!detector || !latiss) throw new Error('the tables have no detectors');

const input: HeaderInput = {
  kind: 'wavefront',
  detector,
  name: 'MC_O_20251121_000156',
  imageTag: 'd9018efa51e8a093',
  triggerTaiNs: 1_763_781_992_398_000_000n,
  nowTaiNs: 1_763_781_993_000_000_000n,
  details: {
    folder: 'raw',
    partition: 'camera',
    begin_tai_ns: '1763781961475000000',
    end_tai_ns: '1763781992406000000',
    keywords: { EXPTIME: 30, IMGTYPE: 'OBJECT' },
  },
  sourceDetails: { firmware: '113a400b', serial: '18912745' },
  values: [],
};

t.test('times are TAI, to the ms, with their MJD', async (t) => {
  // Of the header of MC_O_20251121_000156, whose MJD has parts of a ms too.
  t.equal(isoOf(1_763_781_992_398_000_000n), '2025-11-22T03:26:32.398');
  t.ok(Math.abs(mjdOf(1_763_781_992_398_000_000n) - 61_001.14343053568) < 1e-8);
});

t.test('identity, DAQ and times are known; what nobody tells is null', async (t) => {
  const values = headerValues(input);
  t.match(values, {
    OBSID: 'MC_O_20251121_000156',
    DAYOBS: '20251121',
    SEQNUM: 156,
    CAMCODE: 'MC',
    CONTRLLR: 'O',
    RAFTBAY: 'R44',
    CCDSLOT: 'SW0',
    IMAGETAG: 'd9018efa51e8a093',
    FIRMWARE: '113a400b',
    CONTNUM: '18912745',
    DAQFOLD: 'raw',
    DAQVERS: null,
    'DATE-BEG': '2025-11-22T03:26:01.475',
    'DATE-OBS': '2025-11-22T03:26:01.475',
    'DATE-TRG': '2025-11-22T03:26:32.398',
    'DATE-END': '2025-11-22T03:26:32.406',
    GROUPID: '2025-11-22T03:26:01.475',
    EXPTIME: 30,
    FILENAME: 'MC_O_20251121_000156_R44_SW0.fits',
  });
  const { primary } = JSON.parse(headerJson(input)) as { primary: [string, unknown, string][] };
  const cards = new Map(primary.map(([name, value]) => [name, value]));
  t.equal(cards.get('RA'), null);
  t.ok(cards.has('PRESSURE'));
});

t.test(
  'the profile goes over the DAQ, a document over the profile, a detector over all of them',
  async (t) => {
    const profile = { ...noValues, keywords: { EXPTIME: 1, OBJECT: 'profile', XYZ: true } };
    const document = {
      ...noValues,
      keywords: { OBJECT: 'sky', SEQFILE: 'a.seq' },
      detectors: { R44_SW0: { CCD_SERN: '21841' }, R44_SW1: { CCD_SERN: 'no' } },
      rebCond: { ODP: 27 },
    };
    const values = headerValues({ ...input, values: [profile, document] });
    t.match(values, { EXPTIME: 1, OBJECT: 'sky', CCD_SERN: '21841', SEQNAME: 'a.seq', SEQFILE: 'a.seq' });
    const json = JSON.parse(headerJson({ ...input, values: [profile, document] })) as {
      primary: [string, unknown][];
      reb_cond: unknown;
    };
    t.same(json.primary.at(-1)?.slice(0, 2), ['XYZ', true], 'what the camera does not know comes last');
    t.same(json.reb_cond, [['ODP', 27]]);
  },
);

t.test('which image a file is of, and what form it has, nobody else says', async (t) => {
  const strange = {
    ...{ OBSID: 'MC_O_20251121_000155', SEQNUM: 155, CCDSLOT: 'SW1', INSTRUME: 'LATISS' },
    ...{ SIMPLE: false, NAXIS: 2, NAXIS1: 10, BITPIX: 16, END: 'x', DATASUM: '1', HISTORY: 'y' },
    ...{ 'date-obs': 'z', 'TOO LONG': 1, OBJECT: 'sky' },
  };
  const document = { ...noValues, keywords: strange, rebCond: { XTENSION: 'IMAGE', TEMP1: -100.5 } };
  const { primary, reb_cond } = JSON.parse(headerJson({ ...input, values: [document] })) as {
    primary: [string, unknown][];
    reb_cond: unknown;
  };
  const cards = new Map(primary);
  t.match(
    Object.fromEntries(cards),
    { OBSID: 'MC_O_20251121_000156', SEQNUM: 156, CCDSLOT: 'SW0', INSTRUME: 'lsstCam', OBJECT: 'sky' },
    'the rest of it counts',
  );
  for (const name of [
    'SIMPLE',
    'NAXIS',
    'NAXIS1',
    'BITPIX',
    'END',
    'DATASUM',
    'HISTORY',
    'date-obs',
    'TOO LONG',
  ])
    t.notOk(cards.has(name), name);
  t.same(reb_cond, [['TEMP1', -100.5]]);
});

t.test('an image whose name cannot be that of a file has files all the same', async (t) => {
  const stem = (name: string) => fileStem({ ...input, name });
  t.equal(stem('MC_O_20251121_000156'), 'MC_O_20251121_000156_R44_SW0');
  t.equal(stem('../../etc/passwd'), '_._.._etc_passwd_R44_SW0');
  t.equal(stem(''), 'image_d9018efa51e8a093_R44_SW0');
  t.equal(stem('a\0b c'), 'a_b_c_R44_SW0');
  t.ok(stem('x'.repeat(4000)).length < 200);
  t.match(headerValues({ ...input, name: '', details: { keywords: { DAYOBS: '20251121' } } }), {
    OBSID: '',
    DAYOBS: '20251121',
  });
});

t.test('keywords are in the order of real files', async (t) => {
  const real = process.env.SUMMIT_REAL_DATA ?? '../shared/data/real';
  const folder = join(real, '..', 'images-dev', 'headers');
  if (!existsSync(folder)) {
    t.comment(`without real headers: no ${folder}`);
    return;
  }
  const files = {
    wavefront: 'wfs-MC_O_20251121_000156_R44_SW0.json',
    latiss: 'latiss-AT_O_20230705_000379_R00_S00.json',
  };
  const ours = new Set(['__CONTENT__', 'SIMPLE', 'BITPIX', 'NAXIS', 'EXTEND', 'CHECKSUM', 'DATASUM']);
  for (const [kind, file] of Object.entries(files)) {
    const sidecar = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Record<string, unknown>;
    const wanted = Object.keys(sidecar).filter((name) => !ours.has(name));
    const of = kind === 'latiss' ? { ...input, kind: 'latiss' as const, detector: latiss } : input;
    const { primary } = JSON.parse(headerJson(of)) as { primary: [string, unknown][] };
    t.same(
      primary.map(([name]) => name).filter((name) => wanted.includes(name)),
      wanted,
      kind,
    );
    const strangers = primary.filter(([name, value]) => !wanted.includes(name) && value === null);
    t.same(strangers, [], `${kind}: nothing is there that the camera does not have`);
  }
});
