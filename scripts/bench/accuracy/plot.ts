// SPDX-License-Identifier: Apache-2.0
// rms/CRLB against SNR as an SVG, both axes logarithmic.

export interface Curve {
  readonly name: string;
  readonly points: readonly { readonly snr: number; readonly ratio: number }[];
}

const width = 760;
const height = 460;
const left = 60;
const right = 160;
const top = 40;
const bottom = 50;
const colours = ['#c1121f', '#1d4e89', '#2a9d8f', '#8d6a9f', '#777777', '#e09f3e'];
const ratioTicks = [0.8, 1, 1.2, 1.5, 2, 3, 5, 10];
const snrTicks = [5, 10, 20, 50, 100, 200, 500, 1000];

function scale(low: number, high: number, from: number, to: number): (value: number) => number {
  return (value) =>
    from + ((Math.log(value) - Math.log(low)) / (Math.log(high) - Math.log(low))) * (to - from);
}

const x = scale(4.5, 1100, left, width - right);
const y = scale(0.8, 10, height - bottom, top);

function line(x1: number, y1: number, x2: number, y2: number, style: string): string {
  return `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" ${style}/>`;
}

function text(atX: number, atY: number, words: string, more = ''): string {
  const safe = words.replace(/&/g, '&amp;').replace(/</g, '&lt;');
  return `<text x="${atX.toFixed(1)}" y="${atY.toFixed(1)}" ${more}>${safe}</text>`;
}

function grid(): string[] {
  const style = 'stroke="#dddddd"';
  return [
    ...ratioTicks.flatMap((ratio) => [
      line(left, y(ratio), width - right, y(ratio), ratio === 1 ? 'stroke="#000000"' : style),
      text(left - 8, y(ratio) + 4, String(ratio), 'text-anchor="end"'),
    ]),
    ...snrTicks.flatMap((snr) => [
      line(x(snr), top, x(snr), height - bottom, style),
      text(x(snr), height - bottom + 18, String(snr), 'text-anchor="middle"'),
    ]),
  ];
}

function drawCurve({ name, points }: Curve, index: number): string[] {
  const colour = colours[index % colours.length] ?? '#000000';
  const inside = points.filter(({ ratio }) => ratio >= 0.8 && ratio <= 10);
  const path = inside.map(({ snr, ratio }) => `${x(snr).toFixed(1)},${y(ratio).toFixed(1)}`).join(' ');
  const thick = index === 0 ? 3 : 1.5;
  const labelY = top + 10 + 20 * index;
  return [
    `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="${thick}"/>`,
    ...inside.map(
      ({ snr, ratio }) =>
        `<circle cx="${x(snr).toFixed(1)}" cy="${y(ratio).toFixed(1)}" r="3" fill="${colour}"/>`,
    ),
    line(
      width - right + 12,
      labelY,
      width - right + 36,
      labelY,
      `stroke="${colour}" stroke-width="${thick}"`,
    ),
    text(width - right + 42, labelY + 4, name),
  ];
}

/** The first curve is drawn thick. */
export function plotBound(title: string, curves: readonly Curve[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    text(left, 22, title, 'font-size="14"'),
    ...grid(),
    text((left + width - right) / 2, height - 12, 'matched-filter SNR', 'text-anchor="middle"'),
    text(
      14,
      (top + height - bottom) / 2,
      'rms / CRLB',
      `transform="rotate(-90 14 ${(top + height - bottom) / 2})" text-anchor="middle"`,
    ),
    ...curves.flatMap(drawCurve),
    '</svg>\n',
  ].join('\n');
}
