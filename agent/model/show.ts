// SPDX-License-Identifier: Apache-2.0
// Any value as a person who wrote it would know it, for messages of what came. Never throws.

const longest = 80;

export function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'bigint' || typeof value === 'number') return String(value);
  const text = textOf(value);
  return text.length > longest ? `${text.slice(0, longest - 3)}...` : text;
}

function textOf(value: unknown): string {
  try {
    return (
      JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? String(part) : part)) ??
      typeof value
    );
  } catch {
    return 'something that contains itself';
  }
}
