// SPDX-License-Identifier: Apache-2.0
// <stem>.png: the frame with what was found in it, y up, and under it the spectrum.
import { Canvas, type Colour } from './canvas.js';
import type { FrameReport, Preview, Spectrum } from './report.js';

/** px of the frame for one of the picture */
const bin = 4;
const plotHeight = 260;
const margin = 40;

const targetColour: Colour = [60, 255, 90];
const otherColour: Colour = [80, 160, 255];
const sweetColour: Colour = [255, 210, 40];
const traceColour: Colour = [255, 90, 60];
const paper = 255;
const ink: Colour = [40, 40, 40];
const curve: Colour = [20, 60, 200];
const faint: Colour = [210, 210, 210];

/** Green: target; blue: other stars and donuts; red: trace and blended donuts; yellow: sweet spot. */
export function drawFrame(report: FrameReport, preview: Preview): Buffer {
  const spectrum = report.product.spectrum ?? null;
  const canvas = new Canvas(preview.cols, preview.rows + (spectrum === null ? 0 : plotHeight));
  canvas.picture(preview.pixels, preview.cols, preview.rows);
  drawMarks(canvas, report, preview.rows);
  if (spectrum !== null) drawSpectrum(canvas, spectrum, preview.rows);
  return canvas.encode();
}

function drawMarks(canvas: Canvas, { product }: FrameReport, rows: number): void {
  const at = (x: number, y: number): [number, number] => [
    (x + 0.5) / bin - 0.5,
    rows - 1 - ((y + 0.5) / bin - 0.5),
  ];
  for (const { x, y } of (product.sources ?? []).slice(1)) canvas.circle(...at(x, y), 6, otherColour);
  for (const donut of product.donuts ?? []) {
    canvas.circle(...at(donut.x, donut.y), donut.radius / bin, donut.blended ? traceColour : otherColour);
  }
  const { trace, zeroth, target, offset } = product;
  if (trace && zeroth) {
    const top = rows * bin - 1;
    const slope = Math.tan((trace.angle_deg * Math.PI) / 180);
    const side = 12;
    for (const dx of [-side, side]) {
      const from = at(trace.x_at_y0 + dx * bin, zeroth.y + 200);
      const to = at(trace.x_at_y0 + slope * (top - zeroth.y) + dx * bin, top);
      canvas.line(...from, ...to, traceColour, 12);
    }
  }
  if (offset) {
    const [x, y] = at(offset.sweet_spot.x, offset.sweet_spot.y);
    canvas.line(x - 12, y, x + 12, y, sweetColour);
    canvas.line(x, y - 12, x, y + 12, sweetColour);
  }
  if (target) {
    const [x, y] = at(target.x, target.y);
    for (const radius of [11, 12]) canvas.circle(x, y, radius, targetColour);
  }
}

function drawSpectrum(canvas: Canvas, spectrum: Spectrum, top: number): void {
  const { wavelength_nm: nm, flux } = spectrum;
  const height = plotHeight - 2 * margin;
  canvas.fill(top, paper);
  const first = nm[0] ?? 0;
  const last = nm.at(-1) ?? 1;
  const sorted = flux.filter(Number.isFinite).sort((a, b) => a - b);
  const most = Math.max(1, (sorted[Math.floor(0.995 * (sorted.length - 1))] ?? 1) * 1.15);
  const x = (lambda: number) => margin + ((lambda - first) / (last - first)) * (canvas.width - 2 * margin);
  const y = (value: number) => top + margin + height * (1 - Math.min(1.1, Math.max(-0.05, value / most)));
  for (let lambda = Math.ceil(first / 100) * 100; lambda <= last; lambda += 100) {
    canvas.line(x(lambda), top + margin, x(lambda), top + margin + height, faint);
    canvas.text(`${lambda} nm`, x(lambda), top + margin + height + 8, ink);
  }
  canvas.line(margin, y(0), canvas.width - margin, y(0), ink);
  canvas.text(most.toFixed(0), margin + 30, top + 14, ink);
  for (const { lambda_nm } of spectrum.lines)
    canvas.line(x(lambda_nm), top + margin, x(lambda_nm), y(0), traceColour, 4);
  for (let i = 1; i < nm.length; i++) {
    canvas.line(x(nm[i - 1] ?? 0), y(flux[i - 1] ?? 0), x(nm[i] ?? 0), y(flux[i] ?? 0), curve);
  }
}
