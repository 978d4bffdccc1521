// SPDX-License-Identifier: Apache-2.0
// The body of `guider.exposure`, with the columns that the observatory's quick-look tables have for it.

import type { Trend } from '../model/exposure.js';
import type { ExposureMessage } from '../model/messages.js';
import { toWire, wireName } from '../model/names.js';

type Body = Readonly<Record<string, unknown>>;

/** Every key in the wire's spelling, at every depth. Not for maps whose keys are names of things. */
function deepWire(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(deepWire);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [wireKey(key), deepWire(item)]));
}

/** Flag names are in the wire's spelling already; `e1AltAz` is one word after its number. */
function wireKey(key: string): string {
  return key === 'e1AltAz' ? 'e1_altaz' : key === 'e2AltAz' ? 'e2_altaz' : wireName(key);
}

export function exposureBody(m: ExposureMessage): Body {
  return {
    seqno: m.seqNo,
    series: m.series,
    series_id: m.seriesId,
    obsid: m.obsid,
    exposure: m.exposureId,
    exposure_index: m.exposureIndex,
    timestamp: m.timestamp,
    timestamp_end: m.timestampEnd,
    duration_s: m.durationS,
    period_s: m.periodS,
    integration: m.integration,
    nrows: m.nRows,
    ncols: m.nCols,
    n_stamps: m.nStamps,
    n_good: m.nGood,
    n_used: m.nUsed,
    flags: m.flags,
    pointing: m.pointing && toWire(m.pointing),
    combined: deepWire(m.combined),
    sensors: Object.fromEntries(m.sensors.map(({ sensor, ...of }) => [sensor, deepWire(of)])),
    quick_look: quickLook(m),
  };
}

/** Columns of one quantity: as in RubinTV, `drift` is over the exposure. */
function columns(name: string, trend: Trend, durationS: number): Body {
  return {
    [`guider_${name}_standard_deviation`]: trend.madStd,
    [`guider_${name}_rms_detrended`]: trend.trendRmse,
    [`guider_${name}_drift`]: trend.slope * durationS,
  };
}

/** Names of rubintv_production guiders.py (ConsDB quick look); deviations in agent/README.md. */
function quickLook(m: ExposureMessage): Body {
  const { trends, shape } = m.combined;
  const counts = m.sensors.map((s) => s.counts);
  const expected = Math.max(0, ...counts.map((c) => c.expected));
  const delivered = counts.length === 0 ? 0 : Math.min(...counts.map((c) => c.received));
  return {
    guider_n_tracked_stars: counts.filter((c) => c.good > 0).length,
    guider_n_measurements: counts.reduce((sum, c) => sum + c.good, 0),
    guider_n_stamps_expected: expected,
    guider_n_stamps_delivered: delivered,
    guider_exp_time: m.durationS,
    guider_stamp_exp_time: m.periodS,
    guider_roi_cols: m.nCols,
    guider_roi_rows: m.nRows,
    ...columns('altitude', trends.dalt, m.durationS),
    ...columns('azimuth', trends.daz, m.durationS),
    ...columns('focalplane_theta', trends.rotation, m.durationS),
    ...columns('magnitude', trends.mag, m.durationS),
    ...columns('psf_fwhm', trends.fwhm, m.durationS),
    guider_psf_fwhm_start: trends.fwhm.intercept,
    guider_psf_fwhm: trends.fwhm.intercept + (trends.fwhm.slope * m.durationS) / 2,
    guider_e1_mean: shape.e1AltAz,
    guider_e2_mean: shape.e2AltAz,
  };
}
