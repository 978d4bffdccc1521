// SPDX-License-Identifier: Apache-2.0
// Names of FITS keywords, as profiles and header documents spell them.

/** Up to eight letters as the standard has them; longer ones under HIERARCH (hw-profiles/schema.json has the same). */
const keyword = /^(HIERARCH\.[A-Z0-9_.-]{1,60}|[A-Z0-9_-]{1,8})$/;

/** What an HDU says of its own form and bytes: whoever writes the file knows it, and nobody else. */
const structural =
  /^(SIMPLE|BITPIX|NAXIS\d*|EXTEND|XTENSION|PCOUNT|GCOUNT|GROUPS|TFIELDS|T(TYPE|FORM|UNIT|DIM|NULL|SCAL|ZERO|DISP)\d+|THEAP|BSCALE|BZERO|BLANK|BLOCKED|INHERIT|EXT(NAME|VER|LEVEL)|CHECKSUM|DATASUM|CONTINUE|COMMENT|HISTORY|HIERARCH|END)$/;

export function isKeyword(name: string): boolean {
  return keyword.test(name);
}

export function isStructural(name: string): boolean {
  return structural.test(name);
}
