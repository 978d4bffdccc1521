// SPDX-License-Identifier: Apache-2.0
// One spelling rule between TypeScript (camelCase) and the wire (snake_case, the DAQ's and SAL's own).

/** SAL and the DAQ write these without separators or in their own way. */
const ownNames: Readonly<Record<string, string>> = {
  nRows: 'nrows',
  nCols: 'ncols',
  startRow: 'startrow',
  startCol: 'startcol',
  splitRoi: 'splitroi',
  seqNo: 'seqno',
  roiCommonNRows: 'roi_common_nrows',
  roiCommonNCols: 'roi_common_ncols',
  xRoi: 'xroi',
  yRoi: 'yroi',
  xCcd: 'xccd',
  yCcd: 'yccd',
};

const known = new Map<string, string>(Object.entries(ownNames));

/** The wire's spelling of a TypeScript name: `errMissBeg` -> `err_miss_beg`, `tSrcTaiNs` -> `t_src_tai_ns`. */
export function wireName(name: string): string {
  let out = known.get(name);
  if (out === undefined) {
    out = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    known.set(name, out);
  }
  return out;
}

/** The same map with every key in the wire's spelling. */
export function toWire(map: Readonly<object>): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(map)) out[wireName(key)] = value;
  return out;
}
