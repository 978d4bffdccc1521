// SPDX-License-Identifier: Apache-2.0
// Message headers and payloads of wire format v1 (sim-hw/README.md). The native sender fills the fields of
// each datagram: packet, fragment, checksums.
import type { GuideSensor } from '../agent/model/location.js';
import type { RoiLocation, RoiSpec } from '../agent/model/roi.js';

export const headerBytes = 72;
export const EventCode = {
  stamp: 0,
  start: 1,
  stop: 2,
  pause: 3,
  resume: 4,
  status: 5,
  wake: 6,
  sleep: 7,
  reset: 8,
} as const;
export const DaqStateCode = {
  UNDEFINED: 0,
  IDLECLEARING: 1,
  PAUSED: 2,
  RUNNING: 3,
  ERROR: 4,
  SLEEPING: 5,
  CLEARING: 6,
  IDLEPAUSE: 7,
} as const;
export type DaqStateName = keyof typeof DaqStateCode;
export const PixelCode = { int32: 1, uint16: 2, raw18x16: 3 } as const;
export type PixelName = keyof typeof PixelCode;
export const linkLocation = 255;

export interface HeaderFields {
  readonly eventType: number;
  readonly eventStatus: number;
  readonly location: number;
  readonly state: DaqStateName;
  readonly sequence: number;
  readonly stamp: number;
  readonly taiNs: bigint;
  readonly session: bigint;
  readonly oneBased: boolean;
  readonly splitRoi: boolean;
}

/** A header without geometry: lifecycle and STATUS messages. */
export function makeHeader(fields: HeaderFields): Uint8Array {
  const bytes = new Uint8Array(headerBytes);
  const view = new DataView(bytes.buffer);
  bytes.set([0x53, 0x44, 0x41, 0x51, 1, headerBytes, fields.eventType, fields.eventStatus, fields.location]);
  view.setUint8(9, DaqStateCode[fields.state]);
  view.setUint8(11, 1 | (fields.splitRoi ? 2 : 0) | (fields.oneBased ? 4 : 0));
  view.setUint16(12, fields.sequence & 0xffff, true);
  view.setUint16(14, fields.stamp & 0xffff, true);
  view.setBigUint64(16, fields.taiNs, true);
  view.setBigUint64(56, fields.session, true);
  return bytes;
}

/** Adds an ROI to a header: STAMP and START. */
export function setGeometry(header: Uint8Array, spec: RoiSpec, roi: RoiLocation, pixels: PixelName): void {
  const view = new DataView(header.buffer);
  view.setUint8(10, PixelCode[pixels]);
  view.setUint16(38, spec.common.rows, true);
  view.setUint16(40, spec.common.cols, true);
  view.setUint16(42, roi.segment, true);
  view.setUint16(44, roi.startRow, true);
  view.setUint16(46, roi.startCol, true);
  view.setUint16(48, spec.common.integrationMs, true);
}

function putText(bytes: Uint8Array, at: number, size: number, text: string): void {
  bytes.set(Buffer.from(text, 'latin1').subarray(0, size - 1), at);
}

/** START's payload: the DAQ's 183 bytes of series metadata. */
export function seriesMetadata(
  spec: RoiSpec,
  roi: RoiLocation,
  seriesId: string,
  splitRoi: boolean,
): Uint8Array {
  const bytes = new Uint8Array(183);
  const view = new DataView(bytes.buffer);
  const words = [spec.common.rows, spec.common.cols, spec.common.integrationMs, 0, 0, 0, 2, 0];
  for (const [i, word] of words.entries()) view.setUint16(2 * i, word, true);
  view.setUint8(16, roi.sensor.location);
  view.setUint16(18, roi.segment, true);
  view.setUint16(20, roi.startRow, true);
  view.setUint16(22, roi.startCol, true);
  putText(bytes, 24, 48, 'sim-daq 1');
  view.setUint32(72, 1, true);
  view.setBigUint64(76, serialOf(roi.sensor), true);
  view.setUint8(84, 1);
  view.setUint8(85, splitRoi ? 1 : 0);
  putText(bytes, 87, 32, 'sim-hw');
  putText(bytes, 119, 64, seriesId);
  return bytes;
}

function serialOf(sensor: GuideSensor): bigint {
  return BigInt(38_000_000 + sensor.detector);
}

/** RESUME's payload: up to 30 bytes of comment and a NUL. */
export function comment(text: string): Uint8Array {
  const bytes = new Uint8Array(Math.min(30, Buffer.byteLength(text, 'latin1')) + 1);
  putText(bytes, 0, bytes.length, text);
  return bytes;
}

/** Payload of PAUSE and STOP. */
export function stampsSent(count: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(count), true);
  return bytes;
}

export interface StatusEntry {
  readonly location: number;
  readonly state: DaqStateName;
  readonly sequence: number;
  readonly sent: number;
}

/** STATUS' payload: one entry per sensor of the current series. */
export function statusTable(entries: readonly StatusEntry[]): Uint8Array {
  const bytes = new Uint8Array(16 * entries.length);
  const view = new DataView(bytes.buffer);
  for (const [i, entry] of entries.entries()) {
    view.setUint8(16 * i, entry.location);
    view.setUint8(16 * i + 1, DaqStateCode[entry.state]);
    view.setUint16(16 * i + 2, entry.sequence & 0xffff, true);
    view.setBigUint64(16 * i + 8, BigInt(entry.sent), true);
  }
  return bytes;
}
