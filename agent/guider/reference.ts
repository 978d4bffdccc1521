// SPDX-License-Identifier: Apache-2.0
// The stamp that offsets of an exposure count from. The first good one serves at once; when it is one of the
// irregular ones, the first regular stamp takes over, with a new number and the step it causes.

import type { ReferenceInfo } from '../model/messages.js';
import { arcsecPerRad, type Fitted } from './fitted.js';
import type { Motion } from './homes.js';

export class Reference {
  /** -1: none yet */
  stamp = -1;
  /** counts references of the exposure from 1 */
  number = 0;
  provisional = false;
  /** need not be the exposure's first: the agent joined inside it */
  stale = false;
  #renewal = -1;
  /** of the motion at the reference: xx, xy, xr, yy, yr, rr (rad) */
  #covariance: readonly number[] = [];

  reset(): void {
    this.stamp = -1;
    this.number = 0;
    this.provisional = false;
    this.stale = false;
    this.#renewal = -1;
    this.#covariance = [];
  }

  /** Results of a regular stamp announce themselves as the next reference before their acquisition closes. */
  mayRenewAt(stamp: number): boolean {
    return this.#renewal < 0 || this.#renewal === stamp;
  }

  announceRenewal(stamp: number): void {
    this.#renewal = stamp;
  }

  begin(stamp: number, provisional: boolean, stale: boolean, fitted: Fitted): void {
    this.stamp = stamp;
    this.number++;
    this.provisional = provisional;
    this.stale = stale;
    this.#renewal = -1;
    this.#covariance = fitted.covariance;
  }

  /** The same stamp, but what was learnt since is forgotten. */
  renumber(): void {
    this.number++;
  }

  /** Variance that the reference's own noise gives to every displacement at a place, mm^2. */
  varianceAt(x: number, y: number): { x: number; y: number } {
    const [xx = 0, , xr = 0, yy = 0, yr = 0, rr = 0] = this.#covariance.map((c) => (c > 0 || c < 0 ? c : 0));
    return { x: xx - 2 * y * xr + y * y * rr, y: yy + 2 * x * yr + x * x * rr };
  }

  /** For messages; `changed`: what offsets jumped by, null: nobody knows. */
  info(changed: { readonly step: Motion | null } | null): ReferenceInfo | null {
    if (this.stamp < 0) return null;
    const [xx = Number.NaN, , , yy = Number.NaN, , rr = Number.NaN] = this.#covariance;
    const step = changed === null ? noStep : changed.step;
    return {
      number: this.number,
      stamp: this.stamp,
      provisional: this.provisional,
      stale: this.stale,
      stepX: step === null ? Number.NaN : step.dx,
      stepY: step === null ? Number.NaN : step.dy,
      stepRotation: step === null ? Number.NaN : step.rotation * arcsecPerRad,
      xErr: Math.sqrt(xx),
      yErr: Math.sqrt(yy),
      rotationErr: Math.sqrt(rr) * arcsecPerRad,
    };
  }
}

const noStep: Motion = { dx: 0, dy: 0, rotation: 0 };
