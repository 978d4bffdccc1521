// SPDX-License-Identifier: Apache-2.0
// Published offsets against truth and against the least error that the stars' own errors allow (the reference's
// noise counted in it), over many seeded exposures.
import t from 'tap';
import { focalPlaneToRoi, roiToFocalPlane } from '../model/geometry.js';
import type { GuideSensor } from '../model/location.js';
import { Bench, without } from './testing-bench.js';
import { normals } from './testing-random.js';
import { all, measurement, roi } from './testing-records.js';

const rad = Math.PI / 180 / 3600;
const home = { x: 24.5, y: 25.25 };
/** px, of a star of SNR 50 and FWHM 4 px */
const sigma = 0.042;

interface Case {
  readonly trials: number;
  readonly stamps: number;
  readonly seed: number;
  readonly sigmaOf: (sensor: GuideSensor) => number;
  readonly sensors?: readonly GuideSensor[];
  /** this one stays where it is, whatever the sky does */
  readonly stuck?: string;
  /** px, what stars do by themselves */
  readonly own?: number;
}

interface Motion {
  dx: number;
  dy: number;
  rotation: number;
}

interface Outcome {
  /** rms error over least error */
  readonly ratio: Motion;
  /** rms of error over published error */
  readonly pull: Motion;
  readonly excluded: ReadonlyMap<string, number>;
}

/** Variances of dx, dy (mm^2), rotation (arcsec^2) of a fit to all eight stars: the inverse of the normal matrix. */
function leastVariance(sigmaOf: (sensor: GuideSensor) => number): Motion {
  const n = [0, 0, 0, 0, 0, 0, 0, 0, 0];
  for (const s of all) {
    const w = 1 / (0.01 * sigmaOf(s)) ** 2;
    const { x, y } = roiToFocalPlane(s, roi, home);
    [w, 0, -w * y, 0, w, w * x, -w * y, w * x, w * (x * x + y * y)].forEach((v, i) => {
      n[i] = (n[i] ?? 0) + v;
    });
  }
  const [a = 0, , c = 0, , e = 0, f = 0, , , i = 0] = n;
  const det = a * (e * i - f * f) - c * c * e;
  const rotation = (a * e) / det / rad ** 2;
  return { dx: (e * i - f * f) / det, dy: (a * i - c * c) / det, rotation };
}

function run(one: Case): Outcome {
  const normal = normals(one.seed);
  const own = one.own ?? 0;
  const least = leastVariance((s) => Math.hypot(one.sigmaOf(s), own));
  const square: Motion = { dx: 0, dy: 0, rotation: 0 };
  const pull: Motion = { dx: 0, dy: 0, rotation: 0 };
  const excluded = new Map<string, number>();
  let n = 0;
  // One agent for all of them: it learns what stars do by themselves.
  const bench = new Bench();
  for (let trial = 0; trial < one.trials; trial++) {
    bench.sink.messages.length = 0;
    bench.open(trial);
    const truths: Motion[] = [];
    const truth: Motion = { dx: 0, dy: 0, rotation: 0 };
    for (let k = 0; k < one.stamps; k++) {
      truth.dx += 0.003 * normal();
      truth.dy += 0.003 * normal();
      truth.rotation += 0.2 * rad * normal();
      truths.push({ ...truth });
      bench.stamp(
        k,
        undefined,
        one.sensors ?? all,
        (s) => {
          const at = roiToFocalPlane(s, roi, home);
          const moved = {
            x: at.x + truth.dx - truth.rotation * at.y,
            y: at.y + truth.dy + truth.rotation * at.x,
          };
          const place = s.detectorName === one.stuck ? home : focalPlaneToRoi(s, roi, moved);
          const e = one.sigmaOf(s);
          const noise = Math.hypot(e, own);
          const seen = { x: place.x + noise * normal(), y: place.y + noise * normal() };
          return { measurement: measurement(seen, { ex: e, ey: e }) };
        },
        trial,
      );
    }
    bench.close(trial, BigInt(one.stamps));
    for (const { fit, reference, stamp } of bench.sink.of('guider.offsets')) {
      const now = truths[stamp];
      const zero = truths[reference?.stamp ?? -1];
      // The reference stamp itself is zero by definition.
      if (!now || !zero || stamp === reference?.stamp) continue;
      const dx = fit.x - (now.dx - zero.dx);
      const dy = fit.y - (now.dy - zero.dy);
      const rotation = fit.rotation - (now.rotation - zero.rotation) / rad;
      square.dx += dx * dx;
      square.dy += dy * dy;
      square.rotation += rotation * rotation;
      pull.dx += (dx / fit.xErr) ** 2;
      pull.dy += (dy / fit.yErr) ** 2;
      pull.rotation += (rotation / fit.rotationErr) ** 2;
      n++;
    }
    for (const message of bench.sink.of('guider.acquisition')) {
      for (const why of message.excluded) excluded.set(why, (excluded.get(why) ?? 0) + 1);
    }
  }
  const of = (sum: number, least2: number) => Math.sqrt(sum / n / least2);
  return {
    // Once for the stamp, once for the reference.
    ratio: {
      dx: of(square.dx, 2 * least.dx),
      dy: of(square.dy, 2 * least.dy),
      rotation: of(square.rotation, 2 * least.rotation),
    },
    pull: { dx: of(pull.dx, 1), dy: of(pull.dy, 1), rotation: of(pull.rotation, 1) },
    excluded,
  };
}

function text({ ratio, pull }: Outcome): string {
  const of = (m: Motion) => [m.dx, m.dy, m.rotation].map((v) => v.toFixed(3)).join(' ');
  return `error over least error ${of(ratio)}, pull ${of(pull)} (dx, dy, rotation)`;
}

t.test('eight equal stars of SNR 50', async (t) => {
  const outcome = run({ trials: 80, stamps: 25, seed: 11, sigmaOf: () => sigma });
  t.comment(text(outcome));
  const { ratio, pull, excluded } = outcome;
  t.ok(ratio.dx < 1.1 && ratio.dy < 1.1, text(outcome));
  t.ok(ratio.rotation < 1.15, text(outcome));
  for (const p of [pull.dx, pull.dy, pull.rotation]) t.ok(p > 0.9 && p < 1.1, text(outcome));
  const outliers = excluded.get('outlier') ?? 0;
  t.ok(outliers < 0.002 * 80 * 25 * 8, `${outliers} good stars called outliers`);
});

t.test('stars between SNR 25 and 150', async (t) => {
  const factors = [2, 0.33, 1, 1.5, 0.5, 1, 0.7, 1.2];
  const sigmaOf = (s: GuideSensor) => sigma * (factors[all.indexOf(s)] ?? 1);
  const outcome = run({ trials: 80, stamps: 25, seed: 12, sigmaOf });
  t.comment(text(outcome));
  const { ratio, pull } = outcome;
  t.ok(ratio.dx < 1.1 && ratio.dy < 1.1 && ratio.rotation < 1.15, text(outcome));
  for (const p of [pull.dx, pull.dy, pull.rotation]) t.ok(p > 0.9 && p < 1.1, text(outcome));
});

t.test('bright stars that move by themselves more than their errors say', async (t) => {
  const outcome = run({ trials: 40, stamps: 60, seed: 13, sigmaOf: () => 0.01, own: 0.08 });
  t.comment(text(outcome));
  const { ratio, pull } = outcome;
  t.ok(ratio.dx < 1.1 && ratio.dy < 1.1 && ratio.rotation < 1.15, text(outcome));
  for (const p of [pull.dx, pull.dy, pull.rotation]) t.ok(p > 0.85 && p < 1.15, text(outcome));
});

t.test('one sensor dead and one on something that is no star: six carry the fit', async (t) => {
  const sensors = without('R44_SG1');
  const outcome = run({ trials: 80, stamps: 40, seed: 14, sigmaOf: () => sigma, sensors, stuck: 'R04_SG0' });
  t.comment(text(outcome));
  const { ratio, pull } = outcome;
  t.ok(ratio.dx < 1.3 && ratio.dy < 1.3 && ratio.rotation < 1.3, text(outcome));
  for (const p of [pull.dx, pull.dy, pull.rotation]) t.ok(p > 0.85 && p < 1.15, text(outcome));
});
