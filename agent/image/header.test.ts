// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { latissBoard, wavefrontBoards } from '../model/image-detectors.js';
import { type HeaderInput, headerJson, headerValues, isoOf, mjdOf, noValues } from './header.js';

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
