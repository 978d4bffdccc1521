// SPDX-License-Identifier: Apache-2.0
// Keys that an object of a JSON text has more than once: JSON.parse keeps the last of them and says nothing.

/** A text, a key with its colon, or where an object or list begins or ends. */
const tokens = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/g;

/** Each such key once per object that has it, in the order of the text, which JSON.parse has taken. */
export function repeatedKeys(text: string): readonly string[] {
  const repeated: string[] = [];
  const open: Map<string, number>[] = [];
  for (const [token, colon] of text.matchAll(tokens)) {
    if (token === '{' || token === '[') open.push(new Map());
    else if (token === '}' || token === ']') open.pop();
    else if (colon !== undefined) {
      const key = String(JSON.parse(token.slice(0, -colon.length)));
      const keys = open.at(-1);
      const times = (keys?.get(key) ?? 0) + 1;
      keys?.set(key, times);
      if (times === 2) repeated.push(key);
    }
  }
  return repeated;
}
