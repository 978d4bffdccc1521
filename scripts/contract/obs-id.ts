// SPDX-License-Identifier: Apache-2.0
// Names of a rig's exposures: of the simulated controller and beyond the numbers that a night reaches, six for each minute, so
// that what a site records of a rig is never taken for an observation, nor for that of another rig.

const noonMs = 12 * 3_600_000;
const perMinute = 6;

/** `number` counts from 1. The day of an observation begins at noon UTC. */
export function obsIdOf(now: Date, number: number): string {
  const ofDay = new Date(now.getTime() - noonMs);
  const day = ofDay.toISOString().slice(0, 10).replaceAll('-', '');
  const minute = ofDay.getUTCHours() * 60 + ofDay.getUTCMinutes();
  return `MC_S_${day}_${String(90_000 + minute * perMinute + number).padStart(6, '0')}`;
}
