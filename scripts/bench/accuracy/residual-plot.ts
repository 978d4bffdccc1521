// SPDX-License-Identifier: Apache-2.0
// Residuals of positions against another program's, as an SVG: a cross of both errors at each star's (dx, dy).
import type { Residual } from './real-sky.js';

const side = 460;
const margin = 60;
const colours = ['#1d4e89', '#c1121f'];

export interface ResidualSet {
  readonly name: string;
  readonly residuals: readonly Residual[];
}

export function plotResiduals(title: string, sets: readonly ResidualSet[]): string {
  const all = sets.flatMap(({ residuals }) => residuals);
  const far = Math.max(0.05, ...all.flatMap(({ dx, dy, ex, ey }) => [Math.abs(dx) + ex, Math.abs(dy) + ey]));
  const at = (px: number): number => margin + ((px / far + 1) / 2) * (side - 2 * margin);
  const line = (x1: number, y1: number, x2: number, y2: number, colour: string): string =>
    `<line x1="${at(x1).toFixed(1)}" y1="${at(-y1).toFixed(1)}" x2="${at(x2).toFixed(1)}" y2="${at(-y2).toFixed(1)}" stroke="${colour}"/>`;
  const text = (x: number, y: number, words: string): string => `<text x="${x}" y="${y}">${words}</text>`;
  const crosses = sets.flatMap(({ residuals }, i) => {
    const colour = colours[i % colours.length] ?? '#000000';
    return residuals.flatMap(({ dx, dy, ex, ey }) => [
      line(dx - ex, dy, dx + ex, dy, colour),
      line(dx, dy - ey, dx, dy + ey, colour),
    ]);
  });
  const scale = `${(1000 * far).toFixed(0)} mpx from the middle to the frame`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${side} ${side}" font-family="sans-serif" font-size="12">`,
    `<rect width="${side}" height="${side}" fill="#ffffff"/>`,
    text(margin, 22, title),
    ...sets.map(({ name }, i) => text(margin, 40 + 14 * i, `${name}: ${i === 0 ? 'blue' : 'red'}`)),
    line(-far, 0, far, 0, '#bbbbbb'),
    line(0, -far, 0, far, '#bbbbbb'),
    ...crosses,
    text(margin, side - 20, scale),
    '</svg>\n',
  ].join('\n');
}
