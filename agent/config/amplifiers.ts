// SPDX-License-Identifier: Apache-2.0
// Gain and read noise by amplifier: `guider.perSensor.NAME.segments` over the sensor's own, over the defaults.

import type { AmplifierSettings } from '../model/daq.js';
import { defaults, type Profile, type SensorConstants } from './profile.js';

/** Those of the sensor's amplifiers that the profile names. */
export function amplifiersOf(sensor: SensorConstants | undefined): AmplifierSettings[] {
  return Object.entries(sensor?.segments ?? {}).map(([label, own]) => ({
    segment: Number(label),
    gain: own.gain ?? sensor?.gain ?? defaults.gain,
    readNoise: own.readNoise ?? sensor?.readNoise ?? defaults.readNoise,
  }));
}

type Gains = NonNullable<Profile['guider']['calibrations']>['gains'];

/** Gains that the profile gives itself: they go before those of calibrations. */
export function gainsOf(location: number, sensor: SensorConstants | undefined): Gains {
  const given = amplifiersOf(sensor).filter(
    ({ segment }) => sensor?.segments?.[segment]?.gain !== undefined || sensor?.gain !== undefined,
  );
  const own = given.map((amplifier) => ({ location, ...amplifier }));
  if (sensor?.gain === undefined) return own;
  const readNoise = sensor.readNoise ?? defaults.readNoise;
  return [...own, { location, segment: null, gain: sensor.gain, readNoise }];
}
