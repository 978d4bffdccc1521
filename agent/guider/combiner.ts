// SPDX-License-Identifier: Apache-2.0
// From a closed acquisition to the motion of the camera: who is in the fit and why others are not, what it counts
// from, and what it says about each sensor's star.

import { focalPlaneToRoi, pixelMm } from '../model/geometry.js';
import type { GuideSensor } from '../model/location.js';
import type { CombinedFit, ReferenceInfo, SensorTrack, StampResult } from '../model/messages.js';
import { combinedFit, type Fitted, nothingFitted } from './fitted.js';
import { displacementAt, Homes, type Motion, type Sighting, still } from './homes.js';
import { agreeing, type Displacement, leastForRotation, MotionGate, squaredResidual } from './members.js';
import { OwnScatter } from './own-scatter.js';
import { Reference } from './reference.js';
import type { FramePosition } from './result.js';
import { type Star, Track, type TrackEvent, type TrackingState } from './track.js';

export interface CombinerSettings {
  readonly sensors: readonly GuideSensor[];
  /** own motion of stars expected before any was seen, mm */
  readonly scatterFloorMm: number;
  /** asks the kernel to look near a place (ROI px), or everywhere */
  readonly predict: (location: number, place: { x: number; y: number; radius: number } | null) => void;
}

/** A result on its way out, seen from the references as they are when it comes. */
export interface Displaced {
  readonly dx: number;
  readonly dy: number;
  readonly referenceStamp: number;
  /** this stamp becomes the sensor's reference when its acquisition closes */
  readonly becomesReference: boolean;
  readonly provisional: boolean;
  readonly stale: boolean;
  /** farther from where the motion up to now has the star than that motion explains */
  readonly offTrack: boolean;
}

/** What an acquisition gives before anything is learnt from it. */
export interface Combination {
  readonly fit: CombinedFit;
  readonly reference: ReferenceInfo | null;
  /** per sensor; '' = used */
  readonly excluded: string[];
  readonly renewed: boolean;
}

export interface TrackNews {
  readonly index: number;
  readonly star: number;
  readonly event: TrackEvent;
}

interface Candidate extends Sighting {
  readonly result: StampResult;
}

/** Half a width of the search, px, at least. */
const leastRadiusPx = 6;

export class Combiner {
  readonly #settings: CombinerSettings;
  readonly #homes: Homes;
  readonly #tracks: readonly Track[];
  readonly #scatter: OwnScatter;
  readonly #gate = new MotionGate();
  readonly #reference = new Reference();
  /** where sensors were at the stamp that is to become the reference */
  readonly #atAnnounced: ({ stamp: number; x: number; y: number } | undefined)[] = [];
  #motion: Motion = still;
  /** the stamp it is of */
  #movedAt = 0;
  /** the stamp that was closed last */
  #closed = 0;
  // What close() leaves for settle().
  #members: readonly Candidate[] = [];
  #newcomers: readonly Candidate[] = [];
  #outliers: readonly Candidate[] = [];
  #onProbation: readonly Candidate[] = [];
  #fitted: Fitted | null = null;
  /** the motion before homes were restored less the one after; told as the step of the next offset */
  #unlearnt: Motion | null = null;

  constructor(settings: CombinerSettings) {
    this.#settings = settings;
    this.#homes = new Homes(settings.sensors.length);
    this.#tracks = settings.sensors.map(() => new Track());
    this.#scatter = new OwnScatter(settings.scatterFloorMm);
  }

  /** A new exposure: nothing to count from. */
  reset(): void {
    this.#homes.reset();
    this.#atAnnounced.length = 0;
    this.#reference.reset();
    this.#gate.reset();
    this.#motion = still;
    this.#unlearnt = null;
    this.#tracks.forEach((track, i) => {
      if (track.guarded) this.#predict(i, null);
      track.reset();
    });
  }

  get referenceStamp(): number {
    return this.#reference.stamp;
  }

  get referenceNumber(): number {
    return this.#reference.number;
  }

  trackingOf(index: number): TrackingState {
    return this.#tracks[index]?.state ?? 'acquiring';
  }

  starOf(index: number): number {
    return this.#tracks[index]?.star ?? 0;
  }

  /** Displacement of one stamp as it comes, before its acquisition is closed. */
  displace(index: number, position: FramePosition, stamp: number, is: StampKind): Displaced {
    const reference = this.#reference;
    if (is.good && reference.announce(stamp, is.irregular)) {
      this.#atAnnounced[index] = { stamp, x: position.x, y: position.y };
      return {
        dx: 0,
        dy: 0,
        referenceStamp: stamp,
        becomesReference: true,
        provisional: is.irregular,
        stale: is.joinedInside,
        offTrack: false,
      };
    }
    if (reference.stamp < 0) return this.#displaceFromAnnounced(index, position, is);
    const { stamp: referenceStamp, provisional, stale } = reference;
    if (is.good && !this.#homes.has(index)) {
      const { dx, dy } = displacementAt(this.#motion, position.x, position.y);
      return { dx, dy, referenceStamp, becomesReference: true, provisional, stale, offTrack: false };
    }
    const dx = position.x - this.#homes.x(index);
    const dy = position.y - this.#homes.y(index);
    const offTrack = this.#isOffTrack(index, position, stamp);
    return { dx, dy, referenceStamp, becomesReference: false, provisional, stale, offTrack };
  }

  #isOffTrack(index: number, { x, y, sigmaX, sigmaY }: FramePosition, stamp: number): boolean {
    const expected = this.predictedAt(index);
    const home = this.#homes.varianceX(index) + this.#homes.varianceY(index);
    const steps = Math.max(1, Math.abs(stamp - this.#movedAt));
    const farthest = this.#gate.farthest(steps, sigmaX ** 2 + sigmaY ** 2 + home);
    return Math.hypot(x - expected.x, y - expected.y) > farthest;
  }

  /** The first acquisitions are still open: what counts is where the same sensor was at the stamp to become zero. */
  #displaceFromAnnounced(index: number, position: FramePosition, is: StampKind): Displaced {
    const referenceStamp = this.#reference.announced;
    const from = this.#atAnnounced[index];
    const known = from !== undefined && from.stamp === referenceStamp;
    return {
      dx: known ? position.x - from.x : Number.NaN,
      dy: known ? position.y - from.y : Number.NaN,
      referenceStamp,
      becomesReference: false,
      provisional: referenceStamp >= 0 && this.#reference.announcedIsProvisional,
      stale: referenceStamp >= 0 && is.joinedInside,
      offTrack: false,
    };
  }

  /** The motion of an acquisition. `excluded`: why sensors cannot take part whatever the others say; '' = can. */
  close(
    stamp: number,
    results: readonly (StampResult | null)[],
    excluded: string[],
    kind: StampKind,
  ): Combination {
    const candidates = this.#candidatesOf(results, excluded);
    const reference = this.#reference;
    this.#closed = stamp;
    this.#members = [];
    this.#newcomers = [];
    this.#outliers = [];
    this.#onProbation = [];
    this.#fitted = null;
    if (candidates.length === 0) {
      reference.notBegunAt(stamp);
      return { fit: nothingFitted, reference: reference.info(null), excluded, renewed: false };
    }
    const known = candidates.filter((c) => this.#homes.has(c.index));
    const fitted = known.length > 0 ? this.#fitKnown(known, excluded) : null;
    const begins = fitted === null || (reference.provisional && !kind.irregular);
    if (begins) return this.#begin(stamp, candidates, fitted, excluded, kind);
    reference.notBegunAt(stamp);
    this.#newcomers = candidates.filter((c) => !this.#homes.has(c.index));
    for (const c of this.#newcomers) excluded[c.index] = 'new_reference';
    this.#fitted = fitted;
    const fit = combinedFit(fitted, this.#displacements(this.#members));
    const step = this.#unlearnt;
    this.#unlearnt = null;
    return { fit, reference: reference.info(step && { step }), excluded, renewed: step !== null };
  }

  #candidatesOf(results: readonly (StampResult | null)[], excluded: readonly string[]): Candidate[] {
    const own = this.#scatter.variance;
    const out: Candidate[] = [];
    for (const r of results) {
      if (r === null || excluded[r.index] !== '') continue;
      out.push({
        index: r.index,
        x: r.centroidX,
        y: r.centroidY,
        varianceX: r.centroidXErr * r.centroidXErr + own,
        varianceY: r.centroidYErr * r.centroidYErr + own,
        result: r,
      });
    }
    return out;
  }

  #displacements(candidates: readonly Candidate[]): Displacement[] {
    return candidates.map((c) => {
      const x = this.#homes.x(c.index);
      const y = this.#homes.y(c.index);
      return {
        x,
        y,
        dx: c.x - x,
        dy: c.y - y,
        wx: 1 / (c.varianceX + this.#homes.varianceX(c.index)),
        wy: 1 / (c.varianceY + this.#homes.varianceY(c.index)),
        doubted: this.#tracks[c.index]?.doubted ?? true,
      };
    });
  }

  #fitKnown(known: readonly Candidate[], excluded: string[]): Fitted | null {
    const use = agreeing(this.#displacements(known), this.#motion, this.#gate);
    // One sensor alone has nobody to ask: what is as bright as its star is its star.
    const [only] = known;
    if (known.length === 1 && only && this.#tracks[only.index]?.resembles(only.result.flux)) use[0] = true;
    const agreed = known.filter((_, i) => use[i]);
    const trusted = agreed.filter((c) => !this.#tracks[c.index]?.onProbation);
    // Better a doubtful star than none.
    this.#members = trusted.length > 0 ? trusted : agreed;
    this.#onProbation = trusted.length > 0 ? agreed.filter((c) => !trusted.includes(c)) : [];
    for (const c of this.#onProbation) excluded[c.index] = 'on_probation';
    this.#outliers = known.filter((_, i) => !use[i]);
    for (const c of this.#outliers) excluded[c.index] = 'outlier';
    const { length } = this.#members;
    if (length === 0) return { motion: this.#motion, covariance: [], chi2: Number.NaN, dof: 0, nSensors: 0 };
    const fit = this.#homes.fit(this.#members, length >= leastForRotation, this.#motion.rotation);
    return { ...fit, nSensors: length };
  }

  /** Offsets count from this stamp on: the exposure's first, or the first that is not irregular. */
  #begin(
    stamp: number,
    candidates: readonly Candidate[],
    before: Fitted | null,
    excluded: string[],
    kind: StampKind,
  ): Combination {
    const fit = this.#homes.begin(candidates, candidates.length >= leastForRotation);
    const fitted: Fitted = { ...fit, motion: still, nSensors: candidates.length };
    for (const c of candidates) {
      excluded[c.index] = '';
      this.#tracks[c.index]?.acquire(c.result.flux);
    }
    const step = this.#reference.stamp >= 0 ? (before?.motion ?? null) : still;
    this.#reference.begin(stamp, kind.irregular, kind.joinedInside, fitted);
    this.#members = [];
    this.#outliers = [];
    this.#movedAt = stamp;
    this.#motion = still;
    this.#unlearnt = null;
    this.#gate.restart();
    const combined = combinedFit(fitted, this.#displacements(candidates));
    return { fit: combined, reference: this.#reference.info({ step }), excluded, renewed: true };
  }

  /** Learns from the acquisition that was closed last; call it when its offset has left. */
  settle(results: readonly (StampResult | null)[], excluded: readonly string[]): readonly TrackNews[] {
    const news: TrackNews[] = [];
    const fitted = this.#fitted;
    const motion = fitted !== null && fitted.nSensors > 0 ? fitted.motion : this.#motion;
    const misled = this.#outliers.some((c) => this.#tracks[c.index]?.misled);
    const adopted = this.#judge(motion, excluded, news);
    if (fitted !== null && fitted.nSensors > 0) {
      this.#learnScatter(fitted);
      this.#homes.refine(motion, [...this.#newcomers, ...adopted]);
      this.#gate.take(this.#motion, motion);
      this.#movedAt = this.#closed;
      this.#motion = misled ? this.#unlearn(motion) : motion;
      for (const c of this.#newcomers) this.#tracks[c.index]?.acquire(c.result.flux);
    }
    this.#guide(results);
    return news;
  }

  /** Homes as they were at the reference stamp, and the motion according to them. */
  #unlearn(before: Motion): Motion {
    const known = this.#members.filter((c) => this.#homes.isOfReference(c.index));
    if (known.length < leastForRotation) return before;
    this.#homes.restore();
    for (const c of this.#outliers) this.#tracks[c.index]?.forgiven();
    const { motion } = this.#homes.fit(known, true, 0);
    this.#reference.renumber();
    const { dx, dy, rotation } = this.#unlearnt ?? still;
    this.#unlearnt = {
      dx: dx + before.dx - motion.dx,
      dy: dy + before.dy - motion.dy,
      rotation: rotation + before.rotation - motion.rotation,
    };
    return motion;
  }

  /** Each sensor's star: found, missed, or something else in its place. Returns places that are stars now. */
  #judge(motion: Motion, excluded: readonly string[], news: TrackNews[]): Candidate[] {
    const adopted: Candidate[] = [];
    const tell = (index: number, event: TrackEvent | null) => {
      if (event !== null) news.push({ index, star: this.starOf(index), event });
    };
    const inPlace = [...this.#members, ...this.#onProbation];
    this.#displacements(inPlace).forEach((d, i) => {
      const c = inPlace[i];
      if (c) tell(c.index, this.#tracks[c.index]?.found(c.result.flux, squaredResidual(d, motion)) ?? null);
    });
    for (const c of this.#outliers) {
      const track = this.#tracks[c.index];
      if (!track) continue;
      const by = displacementAt(motion, c.x, c.y);
      const variance = Math.max(c.varianceX, c.varianceY);
      const { star, event } = track.elsewhere(
        { x: c.x - by.dx, y: c.y - by.dy, variance },
        this.#homeOf(c.index),
      );
      if (star) this.#follow(c, star, adopted);
      tell(c.index, event);
    }
    this.#tracks.forEach((track, i) => {
      const unseen =
        excluded[i] !== '' && excluded[i] !== 'on_probation' && !this.#outliers.some((c) => c.index === i);
      const newcomer = this.#newcomers.some((c) => c.index === i);
      if (!unseen || newcomer || excluded[i] === 'not_in_series') return;
      const event = track.missed();
      // Of a sensor that delivers nothing other events tell.
      if (excluded[i] !== 'missing' && excluded[i] !== 'silent') tell(i, event);
    });
    return adopted;
  }

  #homeOf(index: number): Star {
    const variance = Math.max(this.#homes.varianceX(index), this.#homes.varianceY(index));
    return { number: this.starOf(index), x: this.#homes.x(index), y: this.#homes.y(index), variance };
  }

  /** A star of before has its home; a new one is tied by what the others say the camera did. */
  #follow(c: Candidate, star: Star, adopted: Candidate[]): void {
    const { x, y, variance } = star;
    this.#homes.set(c.index, x, y, variance, variance);
    if (this.#members.length > 0) adopted.push(c);
  }

  #learnScatter(fitted: Fitted): void {
    if (fitted.dof <= 0) return;
    const own = this.#scatter.variance;
    const left = fitted.dof / (2 * fitted.nSensors);
    this.#scatter.fade();
    for (const c of this.#members) {
      const x = this.#homes.x(c.index);
      const y = this.#homes.y(c.index);
      const by = displacementAt(fitted.motion, x, y);
      const common = this.#reference.varianceAt(x, y);
      const vx = c.varianceX - own + Math.max(0, this.#homes.varianceX(c.index) - common.x);
      const vy = c.varianceY - own + Math.max(0, this.#homes.varianceY(c.index) - common.y);
      this.#scatter.take(c.x - x - by.dx, vx, left);
      this.#scatter.take(c.y - y - by.dy, vy, left);
    }
  }

  /** Tells the kernel where to look, for sensors that once were drawn away from their star. */
  #guide(results: readonly (StampResult | null)[]): void {
    this.#tracks.forEach((track, i) => {
      const result = results[i];
      const sensor = this.#settings.sensors[i];
      if (!track.guarded || !result || !sensor) {
        if (!track.guarded && track.predicted) this.#predict(i, null);
        return;
      }
      const place = this.predictedAt(i);
      const { x, y } = focalPlaneToRoi(sensor, result, place);
      const radius = Math.max(leastRadiusPx, this.#gate.mm / pixelMm);
      const inside = x > 0 && y > 0 && x < result.nCols && y < result.nRows;
      this.#predict(i, inside ? { x, y, radius } : null);
    });
  }

  #predict(index: number, place: { x: number; y: number; radius: number } | null): void {
    const track = this.#tracks[index];
    const sensor = this.#settings.sensors[index];
    if (!track || !sensor) return;
    track.predicted = place !== null;
    this.#settings.predict(sensor.location, place);
  }

  /** Where the sensor's star is by the common motion, mm. */
  predictedAt(index: number): { x: number; y: number } {
    const x = this.#homes.x(index);
    const y = this.#homes.y(index);
    const by = displacementAt(this.#motion, x, y);
    return { x: x + by.dx, y: y + by.dy };
  }

  /** Each sensor's track as it is now, with the displacement of its result. */
  tracks(results: readonly (StampResult | null)[]): SensorTrack[] {
    return this.#tracks.map((track, i) => {
      const home = { x: this.#homes.x(i), y: this.#homes.y(i) };
      const known = this.#homes.has(i);
      const predicted = this.predictedAt(i);
      const result = results[i];
      return {
        state: track.state,
        star: track.star,
        dx: result && known ? result.centroidX - home.x : Number.NaN,
        dy: result && known ? result.centroidY - home.y : Number.NaN,
        homeX: home.x,
        homeY: home.y,
        homeXErr: known ? Math.sqrt(this.#homes.varianceX(i)) : Number.NaN,
        homeYErr: known ? Math.sqrt(this.#homes.varianceY(i)) : Number.NaN,
        predictedX: predicted.x,
        predictedY: predicted.y,
      };
    });
  }
}

/** What is known of a stamp, or of the stamps of one acquisition. */
export interface StampKind {
  /** usable, and in time for its acquisition */
  readonly good: boolean;
  /** one of the first two, or the shutter moved */
  readonly irregular: boolean;
  readonly joinedInside: boolean;
}
