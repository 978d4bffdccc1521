// SPDX-License-Identifier: Apache-2.0
// Looks over msgpack bytes before they are decoded: a decoder that recurses pays dearly for nesting that a hostile
// peer gets for one byte a level.

/** A roiSpec within args within a request is four deep. */
const mostDepth = 16;
/** A roiSpec has some fifty values. */
const mostValues = 4096;

/** Why `bytes` should not be decoded; null: one whole value, flat and small enough. */
export function shapeProblem(bytes: Uint8Array): string | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  /** values still to come at each open level */
  const open: number[] = [1];
  let at = 0;
  for (let values = 0; open.length > 0; values++) {
    if (values >= mostValues) return `more than ${mostValues} values`;
    const left = open.at(-1) ?? 0;
    if (left === 0) {
      open.pop();
      continue;
    }
    open[open.length - 1] = left - 1;
    const step = stepOf(view, at);
    if (step === null) return 'bytes that are not msgpack';
    at += step.bytes;
    if (at > bytes.length) return 'bytes that end too soon';
    if (step.children === 0) continue;
    if (open.length >= mostDepth) return `more than ${mostDepth} levels of nesting`;
    if (step.children > bytes.length - at) return 'bytes that end too soon';
    open.push(step.children);
  }
  return at === bytes.length ? null : 'more than one value';
}

interface Step {
  /** of the value without its children */
  readonly bytes: number;
  readonly children: number;
}

/** Bytes of fixed-size values by type byte 0xca..0xd8 (floats, integers, fixed extensions). */
const fixedSizes: Readonly<Record<number, number>> = {
  202: 5,
  203: 9,
  204: 2,
  205: 3,
  206: 5,
  207: 9,
  208: 2,
  209: 3,
  210: 5,
  211: 9,
  212: 3,
  213: 4,
  214: 6,
  215: 10,
  216: 18,
};

function stepOf(view: DataView, at: number): Step | null {
  if (at >= view.byteLength) return { bytes: 1, children: 0 };
  const type = view.getUint8(at);
  if (type < 0x80 || type >= 0xe0) return { bytes: 1, children: 0 };
  if (type < 0x90) return { bytes: 1, children: 2 * (type & 15) };
  if (type < 0xa0) return { bytes: 1, children: type & 15 };
  if (type < 0xc0) return { bytes: 1 + (type & 31), children: 0 };
  if (type === 0xc1) return null;
  if (type < 0xc4) return { bytes: 1, children: 0 };
  const fixed = fixedSizes[type];
  if (fixed !== undefined) return { bytes: fixed, children: 0 };
  return lengthStep(view, at, type);
}

/** bin, ext, str, array and map with a length of 1, 2 or 4 bytes. */
function lengthStep(view: DataView, at: number, type: number): Step {
  const small = type === 0xdc || type === 0xde;
  const large = type === 0xdd || type === 0xdf;
  const width = small ? 2 : large ? 4 : type <= 0xc9 ? 1 << ((type - 0xc4) % 3) : 1 << (type - 0xd9);
  if (at + 1 + width > view.byteLength) return { bytes: 1 + width, children: 0 };
  const length =
    width === 1 ? view.getUint8(at + 1) : width === 2 ? view.getUint16(at + 1) : view.getUint32(at + 1);
  if (small || large) return { bytes: 1 + width, children: type >= 0xde ? 2 * length : length };
  const extension = type >= 0xc7 && type <= 0xc9 ? 1 : 0;
  return { bytes: 1 + width + extension + length, children: 0 };
}
