// SPDX-License-Identifier: Apache-2.0
// Decodes the fixed-size native record (addons/daq/record.h) into a DaqRecord.

import {
  type DaqRecord,
  EventType,
  type Measurement,
  type Outcome,
  type SeriesMetadata,
} from '../model/daq.js';
import type { RecordLayout } from './native.js';

export const RECORD_BYTES = 344;

/** Byte offsets, by the names of addons/daq/driver.h, record.h and addons/pixels/measurement.h. */
const AT = {
  'frame.event_type': 7,
  'frame.event_status': 8,
  'frame.daq_state': 9,
  'frame.location': 10,
  'frame.pixel_type': 11,
  'frame.sequence': 12,
  'frame.stamp': 14,
  'frame.flags': 16,
  'frame.missing': 20,
  'frame.series': 24,
  'frame.stamp_index': 32,
  'frame.t_src_tai_ns': 40,
  'frame.t_first_ns': 48,
  'frame.t_last_ns': 56,
  'frame.rows': 64,
  'frame.cols': 66,
  'frame.segment': 68,
  'frame.start_row': 70,
  'frame.start_col': 72,
  'frame.integration_ms': 74,
  'frame.gap': 84,
  'frame.bytes': 88,
  'frame.stamps_sent': 112,
  t_measured_ns: 128,
  lease: 136,
  t_delivered_ns: 336,
  outcome: 144,
  superseded: 148,
  text: 152,
  'measurement.x': 152,
  'measurement.y': 160,
  'measurement.ex': 168,
  'measurement.ey': 176,
  'measurement.flux': 184,
  'measurement.flux_err': 192,
  'measurement.background': 200,
  'measurement.noise': 208,
  'measurement.snr': 216,
  'measurement.fwhm': 224,
  'measurement.moment_xx': 232,
  'measurement.moment_yy': 240,
  'measurement.moment_xy': 248,
  'measurement.chi2': 256,
  'measurement.peak': 264,
  'measurement.flags': 280,
  'measurement.fault': 284,
  'measurement.n_saturated': 288,
  'measurement.n_masked': 292,
  'measurement.iterations': 296,
  'measurement.candidates': 300,
  'measurement.measure_ns': 304,
  'series.common.nrows': 152,
  'series.common.ncols': 154,
  'series.common.integration_ms': 156,
  'series.common.over_rows': 158,
  'series.common.under_cols': 160,
  'series.common.over_cols': 162,
  'series.common.flush_count': 164,
  'series.roi.location': 168,
  'series.roi.segment': 170,
  'series.roi.start_row': 172,
  'series.roi.start_col': 174,
  'series.version': 176,
  'series.firmware': 224,
  'series.serial': 228,
  'series.valid': 236,
  'series.split_roi': 237,
  'series.vendor': 238,
  'series.platform': 239,
  'series.id': 271,
} as const;

const TEXT_BYTES = 184;
const SERIES_BYTES = 183;
const NOT_TOLD = 0xffff_ffff_ffff_ffffn;
const OUTCOMES: readonly Outcome[] = ['event', 'measured', 'refused', 'incomplete', 'dropped'];

/** Refuses an addon of another build: a wrong offset would publish nonsense. */
export function checkLayout(layout: RecordLayout): void {
  const wrong = Object.entries(AT)
    .filter(([name, offset]) => layout.offsets[name] !== offset)
    .map(([name, offset]) => `${name}: ${offset} here, ${layout.offsets[name] ?? 'absent'} there`);
  if (layout.size !== RECORD_BYTES) wrong.unshift(`size: ${RECORD_BYTES} here, ${layout.size} there`);
  if (wrong.length > 0) {
    throw new Error(`native addon and agent/daq/record.ts disagree (run scripts/build): ${wrong.join('; ')}`);
  }
}

/** Decodes records that lie one after another in one buffer. */
export class RecordDecoder {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Called for every stamp: reads straight from the view, without a closure. */
  decode(index: number): DaqRecord {
    const v = this.#view;
    const base = index * RECORD_BYTES;
    const eventType = v.getUint8(base + AT['frame.event_type']);
    const code = v.getUint8(base + AT.outcome);
    const outcome = OUTCOMES[code];
    if (outcome === undefined) throw new Error(`native record: outcome ${code} is not known here`);
    const counted = eventType === EventType.pause || eventType === EventType.stop;
    const measured = outcome === 'measured' || outcome === 'refused';
    const started =
      eventType === EventType.start && v.getUint32(base + AT['frame.bytes'], true) >= SERIES_BYTES;
    const hasText = outcome === 'event' && eventType !== EventType.start;
    return {
      eventType,
      eventStatus: v.getUint8(base + AT['frame.event_status']),
      daqState: v.getUint8(base + AT['frame.daq_state']),
      location: v.getUint8(base + AT['frame.location']),
      pixelType: v.getUint8(base + AT['frame.pixel_type']),
      sequence: v.getUint16(base + AT['frame.sequence'], true),
      stamp: v.getUint16(base + AT['frame.stamp'], true),
      series: v.getBigUint64(base + AT['frame.series'], true),
      stampIndex: v.getBigUint64(base + AT['frame.stamp_index'], true),
      frameFlags: v.getUint32(base + AT['frame.flags'], true),
      missingBytes: v.getUint32(base + AT['frame.missing'], true),
      gap: v.getUint32(base + AT['frame.gap'], true),
      tSrcTaiNs: v.getBigUint64(base + AT['frame.t_src_tai_ns'], true),
      tFirstNs: v.getBigUint64(base + AT['frame.t_first_ns'], true),
      tLastNs: v.getBigUint64(base + AT['frame.t_last_ns'], true),
      tDeliveredNs: v.getBigUint64(base + AT.t_delivered_ns, true),
      tMeasuredNs: v.getBigUint64(base + AT.t_measured_ns, true),
      rows: v.getUint16(base + AT['frame.rows'], true),
      cols: v.getUint16(base + AT['frame.cols'], true),
      segment: v.getUint16(base + AT['frame.segment'], true),
      startRow: v.getUint16(base + AT['frame.start_row'], true),
      startCol: v.getUint16(base + AT['frame.start_col'], true),
      integrationMs: v.getUint16(base + AT['frame.integration_ms'], true),
      stampsSent: counted ? this.#stampsSent(base) : null,
      outcome,
      superseded: v.getUint32(base + AT.superseded, true),
      lease: v.getBigUint64(base + AT.lease, true),
      measurement: measured ? this.#measurement(base) : null,
      seriesMetadata: started ? this.#series(base) : null,
      text: hasText ? this.#text(base + AT.text, TEXT_BYTES) : '',
    };
  }

  #stampsSent(base: number): bigint | null {
    const sent = this.#view.getBigUint64(base + AT['frame.stamps_sent'], true);
    return sent === NOT_TOLD ? null : sent;
  }

  #measurement(base: number): Measurement {
    const v = this.#view;
    return {
      x: v.getFloat64(base + AT['measurement.x'], true),
      y: v.getFloat64(base + AT['measurement.y'], true),
      ex: v.getFloat64(base + AT['measurement.ex'], true),
      ey: v.getFloat64(base + AT['measurement.ey'], true),
      flux: v.getFloat64(base + AT['measurement.flux'], true),
      fluxErr: v.getFloat64(base + AT['measurement.flux_err'], true),
      background: v.getFloat64(base + AT['measurement.background'], true),
      noise: v.getFloat64(base + AT['measurement.noise'], true),
      snr: v.getFloat64(base + AT['measurement.snr'], true),
      fwhm: v.getFloat64(base + AT['measurement.fwhm'], true),
      momentXx: v.getFloat64(base + AT['measurement.moment_xx'], true),
      momentYy: v.getFloat64(base + AT['measurement.moment_yy'], true),
      momentXy: v.getFloat64(base + AT['measurement.moment_xy'], true),
      chi2: v.getFloat64(base + AT['measurement.chi2'], true),
      peak: v.getFloat64(base + AT['measurement.peak'], true),
      flags: v.getUint32(base + AT['measurement.flags'], true),
      fault: v.getUint32(base + AT['measurement.fault'], true),
      nSaturated: v.getUint32(base + AT['measurement.n_saturated'], true),
      nMasked: v.getUint32(base + AT['measurement.n_masked'], true),
      iterations: v.getUint32(base + AT['measurement.iterations'], true),
      candidates: v.getUint32(base + AT['measurement.candidates'], true),
      measureNs: v.getUint32(base + AT['measurement.measure_ns'], true),
    };
  }

  #series(base: number): SeriesMetadata {
    const u8 = (field: keyof typeof AT) => this.#view.getUint8(base + AT[field]);
    const u16 = (field: keyof typeof AT) => this.#view.getUint16(base + AT[field], true);
    return {
      rows: u16('series.common.nrows'),
      cols: u16('series.common.ncols'),
      integrationMs: u16('series.common.integration_ms'),
      overRows: u16('series.common.over_rows'),
      underCols: u16('series.common.under_cols'),
      overCols: u16('series.common.over_cols'),
      flushCount: u16('series.common.flush_count'),
      location: u8('series.roi.location'),
      segment: u16('series.roi.segment'),
      startRow: u16('series.roi.start_row'),
      startCol: u16('series.roi.start_col'),
      version: this.#text(base + AT['series.version'], 48),
      firmware: this.#view.getUint32(base + AT['series.firmware'], true),
      serial: this.#view.getBigUint64(base + AT['series.serial'], true),
      splitRoi: u8('series.split_roi') !== 0,
      vendor: u8('series.vendor'),
      platform: this.#text(base + AT['series.platform'], 32),
      id: this.#text(base + AT['series.id'], 64),
    };
  }

  /** Text of the DAQ ends at the first NUL; bytes that are no UTF-8 become U+FFFD. */
  #text(offset: number, most: number): string {
    const field = this.#bytes.subarray(offset, offset + most);
    const end = field.indexOf(0);
    return Buffer.from(end < 0 ? field : field.subarray(0, end)).toString('utf8');
  }
}
