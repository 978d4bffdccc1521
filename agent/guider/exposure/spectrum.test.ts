// SPDX-License-Identifier: Apache-2.0
// Lines of known frequency and amplitude among noise, with gaps. Seeded.
import t from 'tap';
import { linesOf } from './spectrum.js';
import { noise } from './testing-noise.js';

const rate = 9;

interface Scene {
  readonly seed: number;
  readonly n?: number;
  readonly noiseArcsec: number;
  /** of a first-order memory between stamps */
  readonly memory?: number;
  readonly keep?: (i: number) => boolean;
  readonly signal?: (t: number) => { x: number; y: number };
}

function jitterOf({ seed, n = 270, noiseArcsec, memory = 0, keep = () => true, signal }: Scene) {
  const normal = noise(seed);
  const rows: [number, number, number][] = [];
  const last = [0, 0];
  for (let i = 0; i < n; i++) {
    const time = i / rate + 0.0007 * normal();
    last[0] = memory * (last[0] ?? 0) + noiseArcsec * normal();
    last[1] = memory * (last[1] ?? 0) + noiseArcsec * normal();
    const s = signal?.(time) ?? { x: 0, y: 0 };
    if (keep(i)) rows.push([time, s.x + (last[0] ?? 0), s.y + (last[1] ?? 0)]);
  }
  const column = (k: 0 | 1 | 2) => Float64Array.from(rows, (row) => row[k]);
  return { t: column(0), x: column(1), y: column(2), integrationS: 0.05 };
}

const along = (f: number, amplitude: number, angleDeg: number) => (time: number) => {
  const v = amplitude * Math.sin(2 * Math.PI * f * time + 0.4);
  const angle = (angleDeg * Math.PI) / 180;
  return { x: v * Math.cos(angle), y: v * Math.sin(angle) };
};

t.test('1.3 Hz of 0.05 arcsec among noise of 0.05 per axis, every tenth stamp missing', async (t) => {
  const keep = (i: number) => i % 10 !== 3 && (i < 100 || i > 112);
  const scene = { noiseArcsec: 0.05, keep, signal: along(1.3, 0.05, 30) };
  for (const seed of [1, 2, 3, 4]) {
    const spectrum = linesOf(jitterOf({ seed, ...scene }));
    t.equal(spectrum.lines.length, 1);
    const [line] = spectrum.lines;
    if (!line) return;
    const told = `${line.frequencyHz.toFixed(4)} Hz ${line.amplitude.toFixed(4)} arcsec, ${line.falseAlarm.toExponential(1)}`;
    t.comment(told);
    t.ok(Math.abs(line.frequencyHz - 1.3) < 4 * line.frequencyErrHz && line.frequencyErrHz < 0.01, told);
    t.ok(Math.abs(line.amplitude - 0.05) < 4 * line.amplitudeErr && line.amplitudeErr < 0.006, told);
    t.ok(Math.abs(line.directionDeg - 30) < 20, `${line.directionDeg}`);
    t.ok(line.falseAlarm < 0.01, told);
    t.ok(Math.abs((line.aliasesHz[0] ?? 0) - 7.7) < 0.02);
    t.ok(Math.abs(line.attenuation - 0.993) < 1e-3);
    t.ok(Math.abs(spectrum.nyquistHz - 4.5) < 0.01);
  }
});

t.test('two lines, one of them round', async (t) => {
  const signal = (time: number) => {
    const a = along(0.7, 0.06, 0)(time);
    const phase = 2 * Math.PI * 3.1 * time;
    return { x: a.x + 0.04 * Math.cos(phase), y: a.y + 0.04 * Math.sin(phase) };
  };
  const { lines } = linesOf(jitterOf({ seed: 8, noiseArcsec: 0.02, signal }));
  t.equal(lines.length, 2);
  const [slow, fast] = [...lines].sort((a, b) => a.frequencyHz - b.frequencyHz);
  t.ok(slow && Math.abs(slow.frequencyHz - 0.7) < 0.01 && slow.minorAmplitude < 0.01);
  t.ok(fast && Math.abs(fast.frequencyHz - 3.1) < 0.01 && Math.abs(fast.minorAmplitude - 0.04) < 0.006);
});

t.test('noise alone shows no more lines than the false-alarm probability says', async (t) => {
  for (const [memory, most] of [
    [0, 0.04],
    [0.8, 0.04],
  ] as const) {
    let found = 0;
    const runs = 200;
    for (let seed = 100; seed < 100 + runs; seed++) {
      found += linesOf(jitterOf({ seed, noiseArcsec: 0.05, memory })).lines.length > 0 ? 1 : 0;
    }
    t.comment(`memory ${memory}: ${found} of ${runs} runs show a line at 1 % false alarm`);
    t.ok(found / runs <= most, `${found} of ${runs}`);
  }
});

t.test(
  'above the Nyquist frequency a line shows where sampling folds it, with its true place among aliases',
  async (t) => {
    const { lines } = linesOf(jitterOf({ seed: 2, noiseArcsec: 0.02, signal: along(7.7, 0.05, 90) }));
    const [line] = lines;
    t.ok(line && Math.abs(line.frequencyHz - 1.3) < 0.01);
    t.ok(line?.aliasesHz.some((f) => Math.abs(f - 7.7) < 0.02));
  },
);

t.test('few stamps, and a quiet camera, show nothing and fail nowhere', async (t) => {
  t.match(linesOf(jitterOf({ seed: 1, n: 20, noiseArcsec: 0.05 })), { lines: [], fault: 'too_few', n: 20 });
  t.same(linesOf(jitterOf({ seed: 1, n: 60, noiseArcsec: 0 })).lines, []);
  t.match(linesOf({ t: new Float64Array(), x: new Float64Array(), y: new Float64Array(), integrationS: 0 }), {
    lines: [],
    fault: 'too_few',
  });
});
