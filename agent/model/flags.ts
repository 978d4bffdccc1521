// SPDX-License-Identifier: Apache-2.0
// Names and bits of everything a result can say about itself. Bits 0..15 are the kernel's
// (addons/pixels/measurement.h), 16..30 the role's.

export const flagBits = {
  no_star: 1 << 0,
  low_snr: 1 << 1,
  edge: 1 << 2,
  saturated: 1 << 3,
  elongated: 1 << 4,
  blended: 1 << 5,
  hit: 1 << 6,
  not_converged: 1 << 7,
  fault: 1 << 8,
  too_wide: 1 << 9,
  bad_amp: 1 << 10,
  /** calibrations are asked for, and not all of them were there for this ROI: measured without */
  uncalibrated: 1 << 11,
  /** the pixels are those of the stamp before: the readout is stuck */
  frozen: 1 << 12,
  /** one of the first two stamps after RESUME: irregular start, effective integration is not nominal */
  first_stamp: 1 << 16,
  /** stamps between the previous one of this sensor and this are lost (`gap` says how many) */
  missing_prev: 1 << 17,
  /** packets are missing: no numbers */
  incomplete: 1 << 18,
  /** came after its acquisition was closed: not combined */
  late: 1 << 19,
  /** older than a stamp already delivered */
  reordered: 1 << 20,
  /** the ROI crosses amplifiers */
  split_roi: 1 << 21,
  /** the DAQ time is absent, not increasing or not TAI, or this machine's TAI offset is not vouched for */
  time_suspect: 1 << 22,
  /** displacement is against a stamp that need not be the exposure's first: the agent joined late */
  stale_reference: 1 << 23,
  /** the source gave the wrong sensor name (SG0 and SG1 swapped) and it was put right */
  name_corrected: 1 << 24,
  /** displacement is against one of the irregular first two stamps */
  provisional_reference: 1 << 25,
  /** this stamp became the sensor's reference: displacement is 0 by definition */
  new_reference: 1 << 26,
  /** the frame pool had no free slot: no pixels, no numbers */
  dropped: 1 << 27,
  /** a checksum of this stamp failed */
  bad_checksum: 1 << 28,
  /** the shutter's blades moved while it integrated */
  shutter_motion: 1 << 29,
  /** not where the motion of the camera up to now has its star: something else, or the camera jumped */
  off_track: 1 << 30,
} as const;

export type FlagName = keyof typeof flagBits;

/** Flags that keep a position out of an acquisition, whatever the other sensors say. */
export const unfit =
  flagBits.no_star |
  flagBits.low_snr |
  flagBits.edge |
  flagBits.blended |
  flagBits.not_converged |
  flagBits.fault |
  flagBits.too_wide |
  flagBits.frozen |
  flagBits.incomplete |
  flagBits.dropped;

/** Flags that say: do not use this position. The others inform. Of a jump the acquisition knows more than a sensor alone. */
export const doNotUse = unfit | flagBits.off_track;

export function isFlagged(bits: number): boolean {
  return (bits & doNotUse) !== 0;
}

const named = Object.entries(flagBits) as readonly (readonly [FlagName, number])[];
const none: readonly FlagName[] = [];

export function flagNames(bits: number): readonly FlagName[] {
  if (bits === 0) return none;
  const names: FlagName[] = [];
  for (const [name, bit] of named) if ((bits & bit) !== 0) names.push(name);
  return names;
}

/** FaultReason of addons/pixels/measurement.h. */
const faultNames = ['none', 'geometry', 'all_zero', 'constant', 'range', 'torn', 'not_finite'];

export function faultName(fault: number): string {
  return faultNames[fault] ?? `fault_${fault}`;
}

/** SummitFrameFlag bits of addons/daq/driver.h that the roles read. */
export const frameFlag = {
  incomplete: 1 << 0,
  crc: 1 << 1,
  truncated: 1 << 6,
  duplicate: 1 << 7,
  reordered: 1 << 8,
  gapBefore: 1 << 9,
  late: 1 << 10,
  timeSuspect: 1 << 11,
  splitRoi: 1 << 12,
  first: 1 << 13,
  last: 1 << 14,
  simulated: 1 << 15,
  oneBased: 1 << 16,
  nameCorrected: 1 << 17,
} as const;
