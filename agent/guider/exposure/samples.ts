// SPDX-License-Identifier: Apache-2.0
// What one exposure leaves behind for its summary: one row of numbers per acquisition, and counts per sensor.
// Rows have a limit, counts have none: memory is the same after a night as after an hour.

import type { ExposureCounts } from '../../model/exposure.js';
import { doNotUse, flagBits, flagNames } from '../../model/flags.js';
import type { AcquisitionMessage, OffsetsMessage, StampIdentity, StampResult } from '../../model/messages.js';

/** Acquisitions kept: 7.5 minutes at 9 Hz, 40 minutes at 1.7 Hz. Later ones are counted only. */
export const mostRows = 4096;

/** Not the steady state: results against a reference that will be replaced, and blades in the light. */
const irregular = flagBits.first_stamp | flagBits.provisional_reference | flagBits.shutter_motion;
const irregularOffset: readonly string[] = ['first_stamp', 'provisional_reference', 'shutter_motion'];

/** Makes one curve of displacements whose zero changes: the first value of a new zero continues the curve. */
class Continued {
  #reference = -1;
  #dx = 0;
  #dy = 0;
  #x = 0;
  #y = 0;

  take(reference: number, x: number, y: number): readonly [number, number] {
    if (reference !== this.#reference) {
      if (this.#reference >= 0) [this.#dx, this.#dy] = [this.#x - x, this.#y - y];
      this.#reference = reference;
    }
    [this.#x, this.#y] = [x + this.#dx, y + this.#dy];
    return [this.#x, this.#y];
  }

  restart(): void {
    this.#reference = -1;
    this.#dx = 0;
    this.#dy = 0;
  }
}

/** One sensor's curves; NaN where there is no number. */
export class SensorSamples {
  readonly dx = new Float64Array(mostRows);
  readonly dy = new Float64Array(mostRows);
  readonly flux = new Float64Array(mostRows);
  readonly fwhm = new Float64Array(mostRows);
  readonly xx = new Float64Array(mostRows);
  readonly yy = new Float64Array(mostRows);
  readonly xy = new Float64Array(mostRows);
  /** mm, where it last was */
  place = { x: Number.NaN, y: Number.NaN };
  readonly #curve = new Continued();

  restart(): void {
    this.#curve.restart();
    this.place = { x: Number.NaN, y: Number.NaN };
  }

  set(row: number, r: StampResult | null): void {
    const usable = r !== null && (r.flagsBits & (doNotUse | irregular)) === 0;
    this.flux[row] = usable ? r.flux : Number.NaN;
    this.fwhm[row] = usable ? r.fwhm : Number.NaN;
    this.xx[row] = usable ? r.momentXx : Number.NaN;
    this.yy[row] = usable ? r.momentYy : Number.NaN;
    this.xy[row] = usable ? r.momentXy : Number.NaN;
    this.dx[row] = Number.NaN;
    this.dy[row] = Number.NaN;
    if (!usable || !Number.isFinite(r.centroidDx) || !Number.isFinite(r.centroidDy)) return;
    const [x, y] = this.#curve.take(r.referenceStamp, r.centroidDx, r.centroidDy);
    this.dx[row] = x;
    this.dy[row] = y;
    this.place = { x: r.centroidX, y: r.centroidY };
  }
}

interface Tally {
  received: number;
  good: number;
  lost: number;
  incomplete: number;
  dropped: number;
  refused: number;
  superseded: number;
  late: number;
  flagged: Record<string, number>;
}

function newTally(): Tally {
  return {
    received: 0,
    good: 0,
    lost: 0,
    incomplete: 0,
    dropped: 0,
    refused: 0,
    superseded: 0,
    late: 0,
    flagged: {},
  };
}

export class ExposureSamples {
  identity: StampIdentity | null = null;
  /** s since the first row, from the DAQ's clock; from this machine's where the DAQ gives none */
  readonly t = new Float64Array(mostRows);
  readonly dx = new Float64Array(mostRows);
  readonly dy = new Float64Array(mostRows);
  readonly rotation = new Float64Array(mostRows);
  readonly sensors: readonly SensorSamples[];
  rows = 0;
  nAcquisitions = 0;
  nGood = 0;
  /** TAI s of the first and last acquisition; NaN: the DAQ gave no time */
  firstTimestamp = Number.NaN;
  lastTimestamp = Number.NaN;
  integrationMs = Number.NaN;
  nRows = 0;
  nCols = 0;
  #byDaqClock = true;
  #zeroNs = 0n;
  #firstStamp = Number.POSITIVE_INFINITY;
  #lastStamp = Number.NEGATIVE_INFINITY;
  #offsets: OffsetsMessage | null = null;
  readonly #curve = new Continued();
  #tallies: Tally[];

  constructor(nSensors: number) {
    this.sensors = Array.from({ length: nSensors }, () => new SensorSamples());
    this.#tallies = Array.from({ length: nSensors }, newTally);
  }

  begin(identity: StampIdentity): void {
    this.identity = identity;
    this.rows = 0;
    this.nAcquisitions = 0;
    this.nGood = 0;
    this.firstTimestamp = Number.NaN;
    this.lastTimestamp = Number.NaN;
    this.integrationMs = Number.NaN;
    this.#firstStamp = Number.POSITIVE_INFINITY;
    this.#lastStamp = Number.NEGATIVE_INFINITY;
    this.#offsets = null;
    this.#curve.restart();
    for (const sensor of this.sensors) sensor.restart();
    this.#tallies = this.#tallies.map(newTally);
  }

  /** True when this is the exposure that a message belongs to. */
  isOf(identity: StampIdentity): boolean {
    return (
      this.identity !== null &&
      this.identity.series === identity.series &&
      this.identity.exposureIndex === identity.exposureIndex
    );
  }

  onResult(r: StampResult): void {
    const tally = this.#tallies[r.index];
    if (!tally) return;
    this.#firstStamp = Math.min(this.#firstStamp, r.stamp);
    this.#lastStamp = Math.max(this.#lastStamp, r.stamp);
    [this.integrationMs, this.nRows, this.nCols] = [r.integration, r.nRows, r.nCols];
    tally.received += 1 + r.superseded;
    tally.superseded += r.superseded;
    if (r.flagsBits & flagBits.late) tally.late++;
    if (r.outcome === 'incomplete') tally.incomplete++;
    else if (r.outcome === 'dropped') tally.dropped++;
    else if (r.outcome === 'refused') tally.refused++;
    else {
      const [why] = flagNames(r.flagsBits & doNotUse);
      if (why) tally.flagged[why] = (tally.flagged[why] ?? 0) + 1;
      else if (!(r.flagsBits & flagBits.late)) tally.good++;
    }
  }

  /** Comes before its acquisition. */
  onOffsets(m: OffsetsMessage): void {
    this.#offsets = m;
  }

  onAcquisition(m: AcquisitionMessage): void {
    const offsets = this.#offsets?.stamp === m.stamp ? this.#offsets : null;
    this.nAcquisitions++;
    if ((offsets?.fit.nSensors ?? 0) > 0) this.nGood++;
    if (!Number.isFinite(this.firstTimestamp)) this.firstTimestamp = m.timestamp;
    this.lastTimestamp = m.timestamp;
    if (this.rows === mostRows) return;
    const time = this.#timeOf(m);
    // A fit needs rising times; a clock that stepped back is told as time_suspect elsewhere.
    if (time === null || (this.rows > 0 && !(time > (this.t[this.rows - 1] ?? 0)))) return;
    const row = this.rows++;
    this.t[row] = time;
    this.#setCombined(row, offsets);
    this.sensors.forEach((sensor, i) => {
      sensor.set(row, m.results[i] ?? null);
    });
  }

  #timeOf(m: AcquisitionMessage): number | null {
    if (this.rows === 0) {
      this.#byDaqClock = m.tSrcTaiNs !== 0n;
      this.#zeroNs = this.#byDaqClock ? m.tSrcTaiNs : m.tFirstNs;
    }
    if (this.#byDaqClock && m.tSrcTaiNs === 0n) return null;
    return Number((this.#byDaqClock ? m.tSrcTaiNs : m.tFirstNs) - this.#zeroNs) / 1e9;
  }

  #setCombined(row: number, m: OffsetsMessage | null): void {
    const usable = m !== null && m.fit.nSensors > 0 && !m.flags.some((f) => irregularOffset.includes(f));
    const [x, y] = usable
      ? this.#curve.take(m.reference?.stamp ?? -1, m.fit.x, m.fit.y)
      : [Number.NaN, Number.NaN];
    this.dx[row] = x;
    this.dy[row] = y;
    this.rotation[row] = usable ? m.fit.rotation : Number.NaN;
  }

  /** `sent`: what the DAQ says it sent of this exposure, by sensor; null: not told. */
  counts(sent: readonly (number | null)[]): ExposureCounts[] {
    const span = this.#lastStamp >= this.#firstStamp ? this.#lastStamp - this.#firstStamp + 1 : 0;
    return this.#tallies.map((tally, i) => {
      const expected = sent[i] ?? (tally.received > 0 ? span : 0);
      return { expected, ...tally, lost: Math.max(0, expected - tally.received) };
    });
  }
}
