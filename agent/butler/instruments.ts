// SPDX-License-Identifier: Apache-2.0
// LSSTCam and LATISS as the observatory registers them: detectors by number, and every filter there has been.

export interface DetectorRow {
  readonly id: number;
  readonly fullName: string;
  readonly nameInRaft: string;
  readonly raft: string | null;
  readonly purpose: 'SCIENCE' | 'GUIDER' | 'WAVEFRONT';
}

export type FilterRow = readonly [name: string, band: string];

export interface InstrumentTable {
  readonly name: string;
  readonly detectorMax: number;
  readonly className: string;
  readonly rawFormatter: string;
  readonly detectors: readonly DetectorRow[];
  readonly filters: readonly FilterRow[];
}

/** Both cameras: the most an exposure's number can be (five controllers' years above 2050). */
export const exposureMax = 7_050_123_199_999;
/** one visit to an exposure or a group, as the exposures say */
export const visitSystem = 2;

const corners = ['R00', 'R04', 'R40', 'R44'];

function scienceDetectors(): DetectorRow[] {
  const rows: DetectorRow[] = [];
  for (let raftRow = 0; raftRow < 5; raftRow++)
    for (let raftCol = 0; raftCol < 5; raftCol++) {
      const raft = `R${raftRow}${raftCol}`;
      if (corners.includes(raft)) continue;
      for (let place = 0; place < 9; place++) {
        const slot = `S${Math.floor(place / 3)}${place % 3}`;
        rows.push({
          id: rows.length,
          fullName: `${raft}_${slot}`,
          nameInRaft: slot,
          raft,
          purpose: 'SCIENCE',
        });
      }
    }
  return rows;
}

function cornerDetectors(first: number): DetectorRow[] {
  return corners.flatMap((raft, corner) =>
    ['SG0', 'SG1', 'SW0', 'SW1'].map((slot, place) => ({
      id: first + 4 * corner + place,
      fullName: `${raft}_${slot}`,
      nameInRaft: slot,
      raft,
      purpose: slot.startsWith('SG') ? ('GUIDER' as const) : ('WAVEFRONT' as const),
    })),
  );
}

/** Neutral densities of the test stands. */
const densities = ['0.1', '0.3', '0.5', '0.7', '1.0', '2.0', '0.01', '0.05', '0.4', '3.0', '4.0'].map(
  (density) => `ND_OD${density}`,
);
const standFilters: readonly FilterRow[] = [
  ['SDSSu', 'u'],
  ['SDSSg', 'g'],
  ['480nm', 'g'],
  ['SDSSr', 'r'],
  ['650nm', 'r'],
  ['SDSSi', 'i'],
  ['750nm', 'i'],
  ['SDSSz', 'z'],
  ['870nm', 'z'],
  ['SDSSY', 'y'],
  ['950nm', 'y'],
  ['970nm', 'y'],
  ...['grid', 'spot', 'sparsegrid', 'streak', 'ellipses'].map((mask) => [mask, mask] as const),
];
const cameraFilters: readonly FilterRow[] = [
  ['u_24', 'u'],
  ['g_6', 'g'],
  ['r_57', 'r'],
  ['i_39', 'i'],
  ['z_20', 'z'],
  ['y_10', 'y'],
];
const clearFilters: readonly FilterRow[] = [
  ['none', 'white'],
  ['ph_5', 'white'],
  ['ef_43', 'white'],
];
/** Lamps of the projector; each lights one band. */
const lamps: readonly FilterRow[] = [
  ['uv', 'u'],
  ['blue', 'g'],
  ['red', 'r'],
  ['nm750', 'i'],
  ['nm850', 'z'],
  ['nm960', 'y'],
];
const powers: readonly FilterRow[] = [
  ['HIGH', 'white'],
  ['LOW', 'white'],
];

function lsstCamFilters(): FilterRow[] {
  return [
    ['empty', 'white'],
    ['unknown', 'unknown'],
    ...clearFilters,
    ...cameraFilters,
    ...densities.map((name) => [name, 'white~nd'] as const),
    ...standFilters.flatMap(([name, band]) => [
      [name, band] as const,
      ...densities.map((density) => [`${name}~${density}`, `${band}~nd`] as const),
    ]),
    ...powers,
    ...lamps,
    ...clearFilters.flatMap(([name]) =>
      [...powers, ...lamps].map(([lamp, band]) => [`${name}~${lamp}`, band] as const),
    ),
    ...cameraFilters.flatMap(([name, band]) => [
      ...powers.map(([power]) => [`${name}~${power}`, band] as const),
      ...lamps.filter(([, lit]) => lit === band).map(([lamp]) => [`${name}~${lamp}`, band] as const),
    ]),
  ];
}

const wheelOne: readonly FilterRow[] = [
  ['empty', 'white'],
  ['blank_bk7_wg05', 'white'],
  ['KPNO_1111_436nm', 'g'],
  ['KPNO_373A_677nm', 'r'],
  ['KPNO_406_828nm', 'z'],
  ['unknown', 'unknown'],
  ['BG40', 'g'],
  ['BG40_65mm_1', 'g'],
  ['BG40_65mm_2', 'g'],
  ['quadnotch1', 'notch'],
  ['RG610', 'r'],
  ['OG550_65mm_1', 'g'],
  ['OG550_65mm_2', 'g'],
  ['FELH0600', 'r'],
  ['SDSSg', 'g'],
  ['SDSSr', 'r'],
  ['SDSSi', 'i'],
  ['collimator', 'white'],
  ['cyl_lens', 'white'],
  ['SDSSu_65mm', 'u'],
  ['SDSSg_65mm', 'g'],
  ['SDSSr_65mm', 'r'],
  ['SDSSi_65mm', 'i'],
  ['SDSSz_65mm', 'z'],
  ['SDSSy_65mm', 'y'],
];
const gratings = [
  'ronchi90lpmm',
  'ronchi170lpmm',
  'empty',
  'unknown',
  'holo4_003',
  'blue300lpmm_qn1',
  'holo4_001',
  ...['1', '2_1', '2_2', '2_3', '2_4'].flatMap((place) =>
    ['1000', '0500', '0200', '0100'].map((size) => `pinhole_${place}_${size}`),
  ),
];
/** Filters that have been in the wheel of the gratings. */
const wheelTwo = wheelOne.filter(([name]) => name.endsWith('_65mm'));

function latissFilters(): FilterRow[] {
  return [
    ...wheelOne,
    ['diffuser', 'diffuser'],
    ...wheelOne.flatMap(([name, band]) => gratings.map((grating) => [`${name}~${grating}`, band] as const)),
    ...wheelTwo.map(([name, band]) => [`empty~${name}`, band] as const),
  ];
}

const science = scienceDetectors();

export const instrumentTables: readonly InstrumentTable[] = [
  {
    name: 'LSSTCam',
    detectorMax: 1000,
    className: 'lsst.obs.lsst.LsstCam',
    rawFormatter: 'lsst.obs.lsst.rawFormatter.LsstCamRawFormatter',
    detectors: [...science, ...cornerDetectors(science.length)],
    filters: lsstCamFilters(),
  },
  {
    name: 'LATISS',
    detectorMax: 1,
    className: 'lsst.obs.lsst.Latiss',
    rawFormatter: 'lsst.obs.lsst.rawFormatter.LatissRawFormatter',
    detectors: [{ id: 0, fullName: 'RXX_S00', nameInRaft: 'RXX_S00', raft: null, purpose: 'SCIENCE' }],
    filters: latissFilters(),
  },
];

export function instrumentTable(name: string): InstrumentTable | undefined {
  return instrumentTables.find((table) => table.name === name);
}
