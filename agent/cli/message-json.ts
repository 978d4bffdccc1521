// SPDX-License-Identifier: Apache-2.0
// Messages as JSON: exact integers, null for NaN.

/** Opens a string that stands for a bigint; JSON writes it as \\u0001. */
const mark = '\u0001';
const marked = /"\\u0001(-?\d+)"/g;

/** JSON has no NaN and JavaScript's numbers end at 2^53: NaN becomes null, bigints their digits. */
export function toJson(value: unknown): string {
  const text = JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'bigint' ? `${mark}${item}` : item,
  );
  return text.replace(marked, '$1');
}
