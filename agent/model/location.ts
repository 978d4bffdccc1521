// SPDX-License-Identifier: Apache-2.0
// Where the guide sensors are plugged in, what they are called and where they sit in the focal plane.
// Centres and quarter turns follow from obs_lsst policy/lsstCam/R{00,04,40,44}.yaml.

/** Bay, board and sensor as the DAQ counts them; packed into one byte: bay*9 + board*3 + sensor. */
export interface Location {
  readonly bay: number;
  readonly board: number;
  readonly sensor: number;
}

export interface GuideSensor {
  /** packed location, the DAQ's number */
  readonly location: number;
  /** as in SAL, FITS and Butler: `R00_SG0` */
  readonly detectorName: string;
  /** detector number of the instrument */
  readonly detector: number;
  readonly raftBay: string;
  readonly ccdSlot: string;
  /** centre of the CCD in the focal plane (DVCS), mm */
  readonly centreXMm: number;
  readonly centreYMm: number;
  /** quarter turns, positive from x to y, that take CCD axes to focal-plane axes */
  readonly nQuarter: 0 | 1 | 2 | 3;
}

function guideSensor(
  raftBay: string,
  ccdSlot: string,
  location: number,
  detector: number,
  centreXMm: number,
  centreYMm: number,
  nQuarter: 0 | 1 | 2 | 3,
): GuideSensor {
  const detectorName = `${raftBay}_${ccdSlot}`;
  return { location, detectorName, detector, raftBay, ccdSlot, centreXMm, centreYMm, nQuarter };
}

/** The eight guide sensors of LSSTCam, in the order of their location numbers. */
export const guideSensors: readonly GuideSensor[] = [
  guideSensor('R00', 'SG0', 3, 189, -212.24, -258.74, 1),
  guideSensor('R00', 'SG1', 4, 190, -258.74, -212.24, 2),
  guideSensor('R04', 'SG0', 39, 193, 258.74, -212.24, 2),
  guideSensor('R04', 'SG1', 40, 194, 212.24, -258.74, 3),
  guideSensor('R40', 'SG0', 183, 197, -258.74, 212.24, 0),
  guideSensor('R40', 'SG1', 184, 198, -212.24, 258.74, 1),
  guideSensor('R44', 'SG0', 219, 201, 212.24, 258.74, 3),
  guideSensor('R44', 'SG1', 220, 202, 258.74, 212.24, 0),
];

const byLocation = new Map(guideSensors.map((sensor) => [sensor.location, sensor]));
const byName = new Map(
  guideSensors.flatMap((sensor) => [
    [sensor.detectorName, sensor],
    [roiKeyOf(sensor), sensor],
  ]),
);

export function guideSensorAt(location: number): GuideSensor | undefined {
  return byLocation.get(location);
}

/** Finds a sensor by `R00_SG0` or by the roiSpec form `R00SG0`. */
export function guideSensorNamed(name: string): GuideSensor | undefined {
  return byName.get(name);
}

/** The sensor's key in a roiSpec: the name without its underscore. */
export function roiKeyOf(sensor: GuideSensor): string {
  return sensor.raftBay + sensor.ccdSlot;
}

/** The key in a roiSpec of whatever is plugged in there. */
export function roiKeyAt(packed: number): string {
  return nameOfLocation(packed).replace('_', '');
}

export function packLocation(location: Location): number {
  return location.bay * 9 + location.board * 3 + location.sensor;
}

/** 0..224 are places of the camera (25 bays of 3 boards of 3 sensors). */
export function unpackLocation(packed: number): Location {
  return { bay: Math.floor(packed / 9), board: Math.floor((packed % 9) / 3), sensor: packed % 3 };
}

const slots = [
  ['S00', 'S01', 'S02'],
  ['S10', 'S11', 'S12'],
  ['S20', 'S21', 'S22'],
];

/** A name for any location: the detector name for guide sensors, else raft bay and board/sensor numbers. */
export function nameOfLocation(packed: number): string {
  const sensor = byLocation.get(packed);
  if (sensor) return sensor.detectorName;
  const { bay, board, sensor: place } = unpackLocation(packed);
  const slot = slots[board]?.[place];
  if (bay > 24 || slot === undefined) return `location_${packed}`;
  return `R${Math.floor(bay / 5)}${bay % 5}_${slot}`;
}
