// SPDX-License-Identifier: Apache-2.0
// Omega HX85A: %RH=38.86,AT°C=24.32,DP°C=9.57

import type { SerialDevice } from './device.js';
import { hx85Line, parseHx85 } from './omega-hx85.js';

const fields = {
  relative_humidity_pct: '%',
  temperature_c: 'deg C',
  dew_point_c: 'deg C, from the instrument',
};

export const omegaHx85a: SerialDevice = {
  ...hx85Line,
  summary: 'Omega HX85A humidity, temperature, dew point',
  fields,
  parse: (text, first) => parseHx85(text, first, Object.keys(fields)),
};
