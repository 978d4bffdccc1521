// SPDX-License-Identifier: Apache-2.0
// What the observatory knows to be wrong in headers of certain nights. Every release of obs_lsst may add some: an exposure
// written here with one missing differs from the observatory's own.

import type { Header } from './fits-header.js';

interface Correction {
  readonly from: number;
  readonly to: number;
  /** of seqNum on these nights; absent: all */
  readonly seq?: readonly [number, number];
  readonly change: (header: Header) => Header;
}

const setFilter = (name: string) => (header: Header) => ({ ...header, FILTER: name });

function turnRotator(degrees: number): (header: Header) => Header {
  return (header) =>
    typeof header.ROTPA === 'number' ? { ...header, ROTPA: header.ROTPA + degrees } : header;
}

const cameraCorrections: readonly Correction[] = [
  { from: 20250609, to: 20250609, seq: [76, 578], change: setFilter('z_20') },
  { from: 20260315, to: 20260315, seq: [49, 109], change: setFilter('i_39') },
  { from: 20250302, to: 20250421, change: turnRotator(-90) },
  { from: 20250422, to: 20250422, seq: [0, 250], change: turnRotator(-180) },
];

/** A header of LSSTCam as it should have been. */
export function correctedCameraHeader(header: Header, dayObs: number, seqNum: number): Header {
  let out = header;
  // A second filter without a first is a leftover.
  if (typeof out.FILTER2 === 'string' && typeof out.FILTER !== 'string') out = { ...out, FILTER2: null };
  for (const { from, to, seq, change } of cameraCorrections) {
    const here = dayObs >= from && dayObs <= to && (!seq || (seqNum >= seq[0] && seqNum <= seq[1]));
    if (here) out = change(out);
  }
  return out;
}
