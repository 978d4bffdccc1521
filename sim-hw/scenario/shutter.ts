// SPDX-License-Identifier: Apache-2.0
// Light at both ends of an exposure: two blades cross the focal plane, along x, one opening and one closing.
import { inside, type Moment, type Window } from './happenings.js';

/** The blades' way: the focal plane reaches this far from its origin, mm. */
const reachMm = 350;

/** Share of a stamp's integration in which the sensor at `xMm` has light. */
export function shutterLight(
  shutter: Window & { readonly ms?: number },
  moment: Moment,
  xMm: number,
  integrationMs: number,
): number {
  if (inside({ ...shutter, from: 0 }, moment) === null) return 1;
  const crossingMs = shutter.ms ?? 1000;
  const periodMs = moment.periodS * 1000;
  const passesMs = (crossingMs * (xMm + reachMm)) / (2 * reachMm);
  // Integration ends at the readout, one period after the one before; RESUME opens the shutter.
  const endMs = (moment.inExposure + 1) * periodMs;
  const beginMs = endMs - integrationMs;
  const opensMs = passesMs;
  const closesMs = moment.ofExposure * periodMs - crossingMs + passesMs;
  const litMs = Math.min(endMs, closesMs) - Math.max(beginMs, opensMs);
  return Math.min(1, Math.max(0, litMs / integrationMs));
}
