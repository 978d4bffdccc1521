// SPDX-License-Identifier: Apache-2.0
// The boards whose full frames the simulated DAQ can give, and what is plugged into them.

export type InstrumentName = 'wavefront' | 'latiss';

export interface SimDetector {
  /** `R44_SW0` */
  readonly name: string;
  /** folder of its calibrations */
  readonly calibration: string;
  /** SW0 is extra-focal, SW1 intra-focal */
  readonly focal: 'extra' | 'intra' | null;
}

export interface Board {
  /** of its first sensor: bay*9 + board*3 + sensor */
  readonly location: number;
  /** `R44` */
  readonly raft: string;
  readonly firmware: string;
  readonly serial: string;
  /** in the order of the stream's channels: two halves, or one CCD */
  readonly detectors: readonly SimDetector[];
}

export interface Instrument {
  readonly name: InstrumentName;
  /** first letters of image names */
  readonly code: 'MC' | 'AT';
  readonly partition: string;
  readonly platform: string;
  readonly version: string;
  readonly boards: readonly Board[];
}

function corner(raft: string, location: number, serial: string): Board {
  const half = (slot: string, focal: 'extra' | 'intra'): SimDetector => {
    const name = `${raft}_${slot}`;
    return { name, calibration: name, focal };
  };
  const detectors = [half('SW0', 'extra'), half('SW1', 'intra')];
  return { location, raft, firmware: '113a400b', serial, detectors };
}

const latiss: Board = {
  location: 0,
  raft: 'R00',
  firmware: '11384004',
  serial: '189216ee',
  detectors: [{ name: 'R00_S00', calibration: 'LATISS', focal: null }],
};

export const instruments: Readonly<Record<InstrumentName, Instrument>> = {
  wavefront: {
    name: 'wavefront',
    code: 'MC',
    partition: 'camera',
    platform: 'lsstcam',
    version: 'R5-V13.11 2025-10-25T17:06:22Z (3ee6f911)',
    boards: [
      corner('R00', 0, '18912701'),
      corner('R04', 36, '18912704'),
      corner('R40', 180, '18912740'),
      corner('R44', 216, '18912745'),
    ],
  },
  latiss: {
    name: 'latiss',
    code: 'AT',
    partition: 'lat',
    platform: 'auxtel',
    version: 'R5-V6.1 2023-04-19T04:26:24Z (1fa91971)',
    boards: [latiss],
  },
};

/** One board's stream: 2048 rows of 576 clocks of 16 channels, 18 bits each. */
export const streamBytes = 2048 * 576 * 36;
