// SPDX-License-Identifier: Apache-2.0
// The boards that stream full frames, and the detectors on them: corner wavefront sensors of LSSTCam, and LATISS.
// Numbers are obs_lsst's.

export type ImageKind = 'wavefront' | 'latiss';

export interface ImageDetector {
  /** as in FITS and Butler: `R44_SW0` */
  readonly detectorName: string;
  readonly detector: number;
  readonly raftBay: string;
  readonly ccdSlot: string;
  /** folder of its calibrations */
  readonly calibration: string;
  /** its first segment among the board's 16 */
  readonly firstPlane: number;
}

export interface ImageBoard {
  readonly kind: ImageKind;
  /** packed location of the board's first sensor, the DAQ's number of the source */
  readonly location: number;
  readonly raftBay: string;
  readonly detectors: readonly ImageDetector[];
}

function corner(raftBay: string, location: number, detector: number): ImageBoard {
  const half = (ccdSlot: string, number: number, firstPlane: number): ImageDetector => ({
    detectorName: `${raftBay}_${ccdSlot}`,
    detector: number,
    raftBay,
    ccdSlot,
    calibration: `${raftBay}_${ccdSlot}`,
    firstPlane,
  });
  const detectors = [half('SW0', detector, 0), half('SW1', detector + 1, 8)];
  return { kind: 'wavefront', location, raftBay, detectors };
}

export const wavefrontBoards: readonly ImageBoard[] = [
  corner('R00', 0, 191),
  corner('R04', 36, 195),
  corner('R40', 180, 199),
  corner('R44', 216, 203),
];

export const latissBoard: ImageBoard = {
  kind: 'latiss',
  location: 0,
  raftBay: 'R00',
  detectors: [
    {
      detectorName: 'R00_S00',
      detector: 0,
      raftBay: 'R00',
      ccdSlot: 'S00',
      calibration: 'LATISS',
      firstPlane: 0,
    },
  ],
};
