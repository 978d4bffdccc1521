// SPDX-License-Identifier: Apache-2.0
// When an exposure is open to the sky, as the camera tells it.

export interface ExposureTimes {
  readonly obsid: string;
  /** TAI ns: the blades begin to open */
  readonly startTaiNs: bigint;
  /** from the beginning of opening to the beginning of closing, s */
  readonly exposureS: number;
  /** how long the blades move, each way, s */
  readonly shutterS: number;
}
