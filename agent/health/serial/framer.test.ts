// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { lastMark } from './device.js';
import { Framer, type Line } from './framer.js';

function bench(mark: string | null = null, idleEndsLine = false) {
  const lines: Line[] = [];
  const bad: string[] = [];
  const rules = { lineStart: mark === null ? () => 0 : lastMark(mark), idleEndsLine };
  const framer = new Framer(rules, { line: (line) => lines.push(line), bad: (cause) => bad.push(cause) });
  const push = (text: string, atNs: bigint) => framer.push(Buffer.from(text, 'latin1'), atNs);
  const texts = () => lines.map(({ text }) => text);
  return { framer, push, lines, texts, bad };
}

t.test('lines are cut wherever the bytes were cut, and know when each byte came', async (t) => {
  const { push, lines, texts, bad } = bench();
  push('C01=0032.1443,', 10n);
  push('C02=00', 20n);
  push('33.0320\r', 30n);
  push('\nC01', 40n);
  push('=1\r\n\r\n', 50n);
  t.same(texts(), ['C01=0032.1443,C02=0033.0320', 'C01=1']);
  t.same(
    [0, 13, 14, 20, 26].map((at) => lines[0]?.arrivedNs(at)),
    [10n, 10n, 20n, 30n, 30n],
  );
  t.equal(lines[1]?.arrivedNs(0), 40n);
  t.same(bad, []);
});

t.test('a mark in the middle begins a new line; what stood before is one bad line', async (t) => {
  const { push, lines, texts, bad } = bench('$');
  push('$+00.6', 1n);
  push('$+00.65,0*CE\r\n', 2n);
  t.same(texts(), ['$+00.65,0*CE']);
  t.equal(lines[0]?.arrivedNs(0), 2n);
  t.same(bad, ['incomplete']);
});

t.test('silence ends a line that waits for its terminator, and breaks one that does not', async (t) => {
  const late = bench('%RH=', true);
  late.push('%RH=38.86', 5n);
  t.equal(late.framer.unfinished, true);
  late.framer.idle();
  late.push('\n\r%RH=39.00', 1350n);
  late.framer.idle();
  t.same(late.texts(), ['%RH=38.86', '%RH=39.00']);
  t.equal(late.lines[1]?.arrivedNs(0), 1350n);
  const early = bench('$');
  early.push('$+00', 5n);
  early.framer.idle();
  early.framer.idle();
  t.same(early.bad, ['incomplete']);
  t.same(early.texts(), []);
  t.equal(early.framer.unfinished, false);
});

t.test('a line without end is dropped once and costs no memory', async (t) => {
  const { framer, push, texts, bad } = bench();
  for (let k = 0; k < 100; k++) push('x'.repeat(100), BigInt(k));
  push('\r\nnext\r\n', 1000n);
  t.same(bad, ['too_long']);
  t.same(texts(), ['next']);
  push('half', 2000n);
  framer.close();
  t.same(bad, ['too_long', 'incomplete']);
});
