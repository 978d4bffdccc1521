// SPDX-License-Identifier: Apache-2.0
// One sensor's lock on its star. What the other sensors say the camera did decides whether what was measured is that
// star: a jump of one sensor alone is a cosmic ray, a satellite or another star. Only a place that is found again
// and again, moving with the others, becomes a new star.

/** `acquiring`: no star yet in this exposure; `coasting`: not found for a few stamps; `lost`: for more. */
export type TrackingState = 'acquiring' | 'locked' | 'coasting' | 'lost';

/** Stamps without the star until it is lost. */
const patience = 5;
/** Stamps in a row in which another place must be found to become the star. */
const persistence = 3;
/** Stars remembered besides the one that is followed. */
const mostRemembered = 3;
/** Two homes closer than this are one star: a tenth of a pixel, or more where positions are poor. */
const sameMm = 0.001;
const sameSigma = 3.5;
/** Stamps for which a star that jumped again must behave, for each time it jumped before. */
const probation = 5;
const longestProbation = 50;
/** How much of a residual counts at once, and the mean of squared residuals (sigma^2, two axes: 2 is due) that is odd. */
const strainShare = 0.3;
const misledStrain = 3.5;
const oddStrain = 7;
const dueStrain = 2;
/** Seeing and thin clouds change a star's flux by less from stamp to stamp. */
const likeFlux = 0.3;

export interface Home {
  readonly x: number;
  readonly y: number;
  /** mm^2, the larger axis */
  readonly variance: number;
}

export interface Star extends Home {
  readonly number: number;
}

export type TrackEvent = 'jump_rejected' | 'star_lost' | 'star_relocked' | 'star_changed';

function same(a: Home, b: Home): boolean {
  const tolerance = Math.max(sameMm, sameSigma * Math.sqrt(a.variance + b.variance));
  return Math.hypot(a.x - b.x, a.y - b.y) <= tolerance;
}

export class Track {
  state: TrackingState = 'acquiring';
  /** which star of the exposure is followed, from 1; 0: none */
  star = 0;
  /** the kernel is to look where this star should be, because it once took something else */
  guarded = false;
  /** and has been told where */
  predicted = false;
  #flux = Number.NaN;
  #strain = dueStrain;
  #jumps = 0;
  /** stamps it must still be found in its place before it is used again */
  #owed = 0;
  #stars = 0;
  #missed = 0;
  #streak = 0;
  #candidate: Home | null = null;
  readonly #remembered: Star[] = [];

  /** A new exposure. */
  reset(): void {
    this.state = 'acquiring';
    this.star = 0;
    this.guarded = false;
    this.#stars = 0;
    this.#missed = 0;
    this.#streak = 0;
    this.#candidate = null;
    this.#strain = dueStrain;
    this.#jumps = 0;
    this.#owed = 0;
    this.#remembered.length = 0;
  }

  /** It jumped more than once in this exposure: it has to show first that it moves with the others. */
  get onProbation(): boolean {
    return this.#owed > 0;
  }

  /** A star is taken on: the first of the exposure, or the reference begins anew. */
  acquire(flux: number): void {
    this.#flux = flux;
    this.#strain = dueStrain;
    if (this.star === 0) this.star = ++this.#stars;
    this.#remembered.length = 0;
    this.#locked();
  }

  /** The star was found where it should be. */
  found(flux: number, squaredResidual: number): TrackEvent | null {
    this.#strain += strainShare * (squaredResidual - this.#strain);
    if (this.#owed > 0) this.#owed--;
    this.#flux = flux;
    const back = this.state === 'lost';
    this.#locked();
    return back ? 'star_relocked' : null;
  }

  /** Is it as bright as the star was when it was last found? */
  resembles(flux: number): boolean {
    return Math.abs(flux / this.#flux - 1) < likeFlux;
  }

  /** It had pulled before it was found out: what was learnt with it is not to be trusted. */
  get misled(): boolean {
    return this.#strain > misledStrain;
  }

  /** What was learnt with it is forgotten: until it pulls again it misleads nobody. */
  forgiven(): void {
    this.#strain = dueStrain;
  }

  /** It was wrong a moment ago, or it pulls at the others stamp after stamp. */
  get doubted(): boolean {
    return this.state !== 'locked' || this.#strain > oddStrain;
  }

  #locked(): void {
    this.state = 'locked';
    this.#missed = 0;
    this.#streak = 0;
    this.#candidate = null;
  }

  /** No usable position. */
  missed(): TrackEvent | null {
    if (this.state === 'acquiring') return null;
    this.#missed++;
    const before = this.state;
    this.state = this.#missed < patience ? 'coasting' : 'lost';
    // Where it should be there is nothing: the whole ROI is searched again.
    if (this.state === 'lost') this.guarded = false;
    return this.state === 'lost' && before !== 'lost' ? 'star_lost' : null;
  }

  /**
   * Something was found where the star cannot be; `home` is where that would be at home, `own` the star's.
   * Returns the star to follow from here on, null to stay with the old one.
   */
  elsewhere(home: Home, own: Home): { star: Star | null; event: TrackEvent | null } {
    const known = this.#remembered.findIndex((star) => same(star, home));
    if (known >= 0) {
      const [star] = this.#remembered.splice(known, 1);
      if (star) return this.#change(star, own);
    }
    if (this.#streak > 0 && this.#candidate && same(this.#candidate, home)) {
      this.#streak++;
    } else {
      this.#candidate = home;
      this.#streak = 1;
      // What crosses in several stamps is one jump.
      if (this.state === 'locked') this.#owed = Math.min(longestProbation, probation * this.#jumps++);
    }
    if (this.#streak >= persistence) return this.#change({ ...home, number: ++this.#stars }, own);
    const lost = this.missed();
    if (this.state !== 'lost') this.guarded = true;
    return { star: null, event: lost ?? (this.#streak === 1 ? 'jump_rejected' : null) };
  }

  #change(star: Star, own: Home): { star: Star; event: TrackEvent } {
    this.#remembered.push({ ...own, number: this.star });
    if (this.#remembered.length > mostRemembered) this.#remembered.shift();
    this.star = star.number;
    this.#strain = dueStrain;
    this.#locked();
    return { star, event: 'star_changed' };
  }
}
