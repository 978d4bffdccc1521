// SPDX-License-Identifier: Apache-2.0
// The stream of stamps while the DAQ is RUNNING: schedule, happenings, faults, truth. Stamps are
// painted one period ahead, so that painting does not delay sending.
import { stampPeriodMs } from '../agent/model/roi.js';
import { Cadence } from './cadence.js';
import type { Daq } from './daq.js';
import type { Disturbance } from './disturbance.js';
import { Faults } from './faults.js';
import { spoil } from './message-faults.js';
import type { SimOptions } from './options.js';
import { Random } from './random.js';
import type { Conditions } from './scenario/conditions.js';
import type { Moment } from './scenario/happenings.js';
import { disturbedMotion } from './scenario/motion.js';
import type { PaintedStamp, SimSensor } from './sensors.js';
import { type CommonMotion, Sky } from './sky.js';
import type { TruthFile } from './truth.js';

interface ReadyStamp {
  readonly sensor: SimSensor;
  readonly painted: PaintedStamp;
  readonly conditions: Conditions;
}

/** Above it there is time within a period for a millisecond's wait, and for painting in a pause. */
const slowPeriodMs = 20;

/** A sending order in which no datagram leaves. */
const lostWhole = Int32Array.of(-1);

/** A stamp that waits for its successor (fault `reorder`). */
type HeldBack = () => void;

export class Stream {
  readonly #daq: Daq;
  #options: SimOptions;
  readonly #truth: TruthFile;
  #faults: Faults;
  readonly #timing: Random;
  readonly #cadence: Cadence;
  readonly #held = new Map<string, HeldBack>();
  readonly #late = new Set<HeldBack>();
  #sky: Sky;
  #skySequence = -1;
  #ready: readonly ReadyStamp[] = [];
  #motion: CommonMotion = { dxMm: 0, dyMm: 0, rotationArcsec: 0 };
  #timer: NodeJS.Timeout | null = null;
  #immediate: NodeJS.Immediate | null = null;
  #startedMs = 0;
  #dueMs = 0;
  #tick = 0;
  #planned = 0;
  #done: (() => void) | null = null;
  #streamedMs = 0;
  readonly faultCounts = new Map<string, number>();

  constructor(daq: Daq, options: SimOptions, truth: TruthFile) {
    this.#daq = daq;
    this.#options = options;
    this.#truth = truth;
    this.#faults = new Faults(options.faults, options.seed);
    this.#timing = new Random(options.seed, 'skew');
    this.#cadence = new Cadence(options, new Random(options.seed, 'timing'));
    this.#sky = this.#newSky();
  }

  /** Seconds in which stamps flowed. */
  get seconds(): number {
    return this.#streamedMs / 1000;
  }

  /** From the next stamp on. */
  disturb({ faults, seed, parts }: Disturbance): void {
    this.#faults = new Faults(faults, seed);
    this.#options = { ...this.#options, scenario: { ...this.#options.scenario, ...parts } };
  }

  /** RUNNING begins: `stamps` of them, then `done` (0: until `end`). */
  begin(stamps: number, done: () => void): void {
    if (this.#daq.sequence !== this.#skySequence) {
      this.#skySequence = this.#daq.sequence;
      this.#sky = this.#newSky();
    }
    this.#planned = stamps === 0 ? Number.POSITIVE_INFINITY : stamps;
    this.#done = done;
    this.#tick = 0;
    this.#startedMs = performance.now();
    this.#dueMs = this.#startedMs;
    this.#paintNext();
    this.#schedule();
  }

  /** RUNNING is about to end: nothing produced stays behind. */
  end(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#immediate !== null) clearImmediate(this.#immediate);
    this.#timer = null;
    this.#immediate = null;
    this.#releaseHeld();
    this.#truth.flush();
    this.#streamedMs += performance.now() - this.#startedMs;
  }

  /** From stamp to stamp, as the sky counts. */
  get #skyPeriodMs(): number {
    const { rate } = this.#options;
    if (rate !== null) return 1000 / rate;
    return this.#daq.spec === null ? 100 : stampPeriodMs(this.#daq.spec.common);
  }

  /** From stamp to stamp, as the DAQ sends. */
  get periodMs(): number {
    return this.#skyPeriodMs / this.#options.speed;
  }

  #newSky(): Sky {
    const o = this.#options;
    return new Sky({
      seed: o.seed,
      driftArcsecPerS: o.drift,
      jitterArcsec: o.jitter,
      rotationArcsecPerS: o.rotation,
      seeingMotionPx: o.seeingMotion,
    });
  }

  #paintNext(): void {
    const first = this.#daq.sensors[0];
    if (first === undefined) return;
    // The sky moves with the number of the stamp, so that a run is the same at any speed of this machine.
    const moment: Moment = {
      series: this.#daq.seriesCount,
      exposure: this.#daq.exposureCount,
      inSeries: first.sent,
      inExposure: this.#tick,
      ofExposure: this.#planned,
      periodS: this.#skyPeriodMs / 1000,
    };
    const reuse = this.#options.frames > 0 && first.sent >= this.#options.frames;
    if (!reuse) this.#motion = this.#motionAt(moment);
    this.#ready = this.#daq.sensors.map((sensor) => {
      const conditions = sensor.conditions.at(moment);
      return { sensor, conditions, painted: sensor.stamp(this.#sky, this.#motion, conditions) };
    });
  }

  #motionAt(moment: Moment): CommonMotion {
    const own = this.#sky.motion(moment.inSeries * moment.periodS);
    return disturbedMotion(this.#options.scenario.happenings, own, moment);
  }

  #schedule(): void {
    this.#dueMs += this.#cadence.interval(this.#tick, this.#skyPeriodMs) / this.#options.speed;
    const waitMs = this.#dueMs - performance.now();
    const go = (): void => this.#sendTick();
    if (waitMs > 0.5) this.#timer = setTimeout(go, waitMs);
    else this.#immediate = setImmediate(go);
  }

  #sendTick(): void {
    const taiNs = this.#daq.nowTaiNs();
    const { skewMs } = this.#options;
    // Sensors follow one another within the skew; below a timer's resolution they leave at once.
    if (skewMs < 1 || this.periodMs < slowPeriodMs) {
      for (const ready of this.#ready) this.#sendStamp(ready, taiNs);
      this.#afterTick();
      return;
    }
    const queue = [...this.#ready];
    const step = (): void => {
      const ready = queue.shift();
      if (ready !== undefined) this.#sendStamp(ready, taiNs);
      if (queue.length === 0) this.#afterTick();
      else if (this.#timing.uniform() < skewMs / 8) this.#timer = setTimeout(step, 1);
      else step();
    };
    step();
  }

  #afterTick(): void {
    this.#truth.flush();
    this.#tick++;
    if (this.#tick >= this.#planned) {
      this.#done?.();
      return;
    }
    const next = (): void => {
      this.#paintNext();
      this.#schedule();
    };
    // A real camera does not take the processor from whoever measures what it just sent.
    if (this.periodMs >= slowPeriodMs) this.#timer = setTimeout(next, this.periodMs / 4);
    else next();
  }

  #sendStamp({ sensor, painted, conditions }: ReadyStamp, taiNs: bigint): void {
    const name = sensor.roi.sensor.detectorName;
    const number = sensor.sent + (this.#options.oneBased ? 1 : 0);
    const stamp = sensor.before + number;
    if (!conditions.leaves) {
      sensor.sent++;
      this.#addTruth(sensor, painted, conditions, stamp, taiNs, []);
      sensor.recycle(painted.frame);
      return;
    }
    if (!sensor.joined) this.#daq.join(sensor);
    sensor.sent++;
    const fragments = this.#daq.destinations.fragments(sensor.bytes);
    const fate = this.#faults.fate(name, number, fragments);
    for (const fault of fate.faults) this.faultCounts.set(fault, (this.faultCounts.get(fault) ?? 0) + 1);
    this.#addTruth(sensor, painted, conditions, stamp, taiNs, fate.faults);
    const header = this.#daq.stampHeader(sensor, stamp, taiNs);
    const { location } = sensor.roi.sensor;
    let payload: Uint8Array | typeof painted.frame = painted.frame;
    for (const fault of fate.message) {
      const spec = this.#daq.spec;
      if (spec === null) break;
      const spoiled = spoil(fault, header, sensor.bytes, spec);
      payload = spoiled.payload ?? payload;
      for (const extra of spoiled.extra)
        this.#daq.destinations.send(location, { header: extra, payload: null });
    }
    const leave = (): void => {
      if (fate.copies === 0) this.#daq.destinations.send(location, { header, payload, order: lostWhole });
      for (let copy = 0; copy < fate.copies; copy++) {
        const { order, edits } = fate;
        // Other pixels may be another number of datagrams.
        const own = payload === painted.frame ? { order, edits } : {};
        this.#daq.destinations.send(location, { header, payload, ...own });
        this.#daq.bytes += sensor.bytes;
      }
      sensor.recycle(painted.frame);
    };
    if (fate.late) {
      this.#leaveLate(leave);
      return;
    }
    const earlier = this.#held.get(name);
    if (fate.heldBack && earlier === undefined) {
      this.#held.set(name, leave);
      return;
    }
    leave();
    this.#held.delete(name);
    earlier?.();
  }

  #leaveLate(leave: HeldBack): void {
    this.#late.add(leave);
    setTimeout(() => {
      if (this.#late.delete(leave)) leave();
    }, 0.8 * this.periodMs);
  }

  #releaseHeld(): void {
    for (const leave of [...this.#late, ...this.#held.values()]) leave();
    this.#late.clear();
    this.#held.clear();
  }

  #addTruth(
    sensor: SimSensor,
    painted: PaintedStamp,
    conditions: Conditions,
    stamp: number,
    taiNs: bigint,
    faults: readonly string[],
  ): void {
    const { place, motion } = painted;
    this.#truth.add({
      sensor: sensor.roi.sensor.detectorName,
      location: sensor.roi.sensor.location,
      sequence: this.#daq.sequence,
      stamp: stamp & 0xffff,
      obsid: this.#daq.obsid,
      tai_ns: taiNs.toString(),
      x: place.x,
      y: place.y,
      flux_e: painted.fluxE,
      fwhm_px: painted.fwhmPx,
      snr: sensor.snr,
      gain: sensor.gain,
      read_noise_e: sensor.readNoiseE,
      dx_mm: motion.dxMm,
      dy_mm: motion.dyMm,
      rotation_arcsec: motion.rotationArcsec,
      own_dx_px: place.ownDx,
      own_dy_px: place.ownDy,
      faults: painted.cosmicRay ? [...faults, 'cosmic_ray'] : faults,
      nuisances: conditions.nuisances,
    });
  }
}
