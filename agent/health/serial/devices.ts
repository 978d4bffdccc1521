// SPDX-License-Identifier: Apache-2.0
// The table of devices. A new one is a file like its neighbours, a line here, its name in hw-profiles/schema.json,
// and, to test it, a player in sim-hw/serial.

import { boltekEfm100c } from './boltek-efm100c.js';
import { boltekLd250 } from './boltek-ld250.js';
import { csat3b } from './csat3b.js';
import type { SerialDevice } from './device.js';
import { gillWindsonic } from './gill-windsonic.js';
import { nmeaZda } from './nmea-zda.js';
import { omegaHx85a } from './omega-hx85a.js';
import { omegaHx85ba } from './omega-hx85ba.js';
import { selTemperature } from './sel-temperature.js';

export const serialDevices: Readonly<Record<string, SerialDevice>> = {
  'sel-temperature': selTemperature,
  'omega-hx85a': omegaHx85a,
  'omega-hx85ba': omegaHx85ba,
  'gill-windsonic': gillWindsonic,
  csat3b,
  'boltek-efm100c': boltekEfm100c,
  'boltek-ld250': boltekLd250,
  'nmea-zda': nmeaZda,
};
