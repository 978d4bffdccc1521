// SPDX-License-Identifier: Apache-2.0
// Faults of the DAQ itself: what a stamp says of itself, what its pixels are, and messages that nobody should send.
import type { RoiSpec } from '../agent/model/roi.js';
import { DaqStateCode, EventCode } from './wire.js';

/** What becomes of a message; the header is changed in place. */
export interface Spoiled {
  /** null: the pixels as they are */
  readonly payload: Uint8Array | null;
  /** another location than that of the sensor, for who subscribed to some */
  readonly extra: readonly Uint8Array[];
}

const untouched: Spoiled = { payload: null, extra: [] };
const secondNs = 1_000_000_000n;

type Spoil = (header: Uint8Array, bytes: number, spec: RoiSpec) => Spoiled;

function view(header: Uint8Array): DataView {
  return new DataView(header.buffer, header.byteOffset, header.byteLength);
}

function patch(change: (at: DataView) => void): Spoil {
  return (header) => {
    change(view(header));
    return untouched;
  };
}

function shiftTime(ns: bigint): Spoil {
  return patch((at) => at.setBigUint64(16, at.getBigUint64(16, true) - ns, true));
}

/** Pixels by row and column; the codes of an int32 stamp. */
function pixels(of: (row: number, col: number) => number): Spoil {
  return (_, bytes, { common }) => {
    const payload = new Uint8Array(bytes);
    const at = new DataView(payload.buffer);
    for (let i = 0; 4 * i < bytes; i++)
      at.setInt32(4 * i, of(Math.floor(i / common.cols), i % common.cols), true);
    return { payload, extra: [] };
  };
}

/** One more message, of another kind, before the stamp. */
function before(change: (at: DataView) => void): Spoil {
  return (header) => {
    const extra = Uint8Array.from(header);
    // A message without geometry and pixels.
    extra.fill(0, 38, 56);
    extra[10] = 0;
    change(view(extra));
    return { payload: null, extra: [extra] };
  };
}

const noise = (row: number, col: number) => 13_000 + ((row * 7 + col * 13) % 17);

export const messageFaults = {
  geometry: patch((at) => at.setUint16(40, at.getUint16(40, true) + 1, true)),
  window: patch((at) => at.setUint16(44, at.getUint16(44, true) + 1, true)),
  short: (_: Uint8Array, bytes: number) => ({ payload: new Uint8Array(bytes / 2), extra: [] }),
  long: (_: Uint8Array, bytes: number) => ({ payload: new Uint8Array(bytes + 400), extra: [] }),
  'old-series': patch((at) => at.setUint16(12, (at.getUint16(12, true) - 1) & 0xffff, true)),
  'unknown-sensor': patch((at) => at.setUint8(8, 230)),
  'wire-version': patch((at) => at.setUint8(4, 9)),
  'wire-magic': patch((at) => at.setUint8(0, 0)),
  'pixel-type': patch((at) => at.setUint8(10, 7)),
  'time-backward': shiftTime(10n * secondNs),
  'time-utc': shiftTime(37n * secondNs),
  'time-zero': patch((at) => at.setBigUint64(16, 0n, true)),
  'bdi-error': patch((at) => at.setUint8(7, 1)),
  'max-subscribers': patch((at) => at.setUint8(7, 2)),
  'unknown-status': patch((at) => at.setUint8(7, 9)),
  'daq-error': patch((at) => at.setUint8(9, DaqStateCode.ERROR)),
  'unknown-event': before((at) => at.setUint8(6, 77)),
  'link-event': before((at) => at.setUint8(6, 201)),
  reset: before((at) => at.setUint8(6, EventCode.reset)),
  garbage: before((at) => at.setUint32(0, 0xdeadbeef)),
  blank: pixels(() => 0),
  flat: pixels(() => 13_000),
  bright: pixels(() => 2 ** 18 - 1),
  range: pixels((row, col) => (row === 5 ? -70_000 : noise(row, col))),
  torn: pixels((row, col) => (row > 20 ? 13_000 + row : noise(row, col))),
} as const satisfies Readonly<Record<string, Spoil>>;

export type MessageFault = keyof typeof messageFaults;
export const messageFaultKinds = Object.keys(messageFaults) as readonly MessageFault[];

export function spoil(fault: MessageFault, header: Uint8Array, bytes: number, spec: RoiSpec): Spoiled {
  const act: Spoil = messageFaults[fault];
  return act(header, bytes, spec);
}
