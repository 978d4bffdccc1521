// SPDX-License-Identifier: Apache-2.0
import { inflateSync } from 'node:zlib';
import { PNG } from 'pngjs';
import t from 'tap';
import { Canvas, type Colour } from './canvas.js';

const green: Colour = [60, 255, 90];

t.test('another reader sees the grey image upside down, and the marks in their colours', async (t) => {
  const canvas = new Canvas(5, 4);
  canvas.picture(Uint8Array.from([0, 64, 128, 192, 255, 10, 10, 10]), 4, 2);
  canvas.fill(3, 255);
  canvas.dot(4, 0, green);
  canvas.dot(9, 9, green);
  const png = PNG.sync.read(canvas.encode());
  t.same([png.width, png.height], [5, 4]);
  const at = (x: number, y: number) => [...png.data.subarray(4 * (y * 5 + x), 4 * (y * 5 + x) + 3)];
  t.same(at(4, 0), green);
  t.same(at(0, 1), [0, 0, 0]);
  t.ok(Math.abs((at(2, 1)[0] ?? 0) - 128) <= 2);
  t.same(at(0, 3), [255, 255, 255]);
  t.same(at(4, 2), [0, 0, 0], 'beside the image');
});

t.test('the data are compressed and a byte a pixel', async (t) => {
  const file = new Canvas(100, 50).encode();
  const at = file.indexOf('IDAT', 0, 'latin1');
  const data = inflateSync(file.subarray(at + 4, at + 4 + file.readUInt32BE(at - 4)));
  t.equal(data.length, 101 * 50);
});
