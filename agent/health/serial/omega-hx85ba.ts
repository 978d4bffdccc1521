// SPDX-License-Identifier: Apache-2.0
// Omega HX85BA: %RH=38.86,AT°C=24.32,Pmb=911.40. The dew point is ours.

import type { SerialDevice } from './device.js';
import { dewPointOf, hx85Line, parseHx85 } from './omega-hx85.js';

const sent = ['relative_humidity_pct', 'temperature_c', 'pressure_mbar'];

export const omegaHx85ba: SerialDevice = {
  ...hx85Line,
  summary: 'Omega HX85BA humidity, temperature, pressure',
  fields: {
    relative_humidity_pct: '%',
    temperature_c: 'deg C',
    pressure_mbar: 'mbar',
    dew_point_c: 'deg C, Magnus formula over water; NaN at 0 %',
  },
  parse(text, first) {
    const parsed = parseHx85(text, first, sent);
    if (!('values' in parsed)) return parsed;
    const { relative_humidity_pct: humidity, temperature_c: temperature } = parsed.values;
    const dewPoint = dewPointOf(Number(humidity), Number(temperature));
    return { ...parsed, values: { ...parsed.values, dew_point_c: dewPoint } };
  },
};
