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
  /** the stamp whose results say that it becomes the reference, and whose acquisition is open; -1: none */
  #announced = -1;
  announcedIsProvisional = false;
  /** of the motion at the reference: xx, xy, xr, yy, yr, rr (rad) */
  #covariance: readonly number[] = [];

  reset(): void {
    this.stamp = -1;
    this.number = 0;
    this.provisional = false;
    this.stale = false;
    this.#announced = -1;
    this.#covariance = [];
  }

  get announced(): number {
    return this.#announced;
  }

  /** Good results say that their stamp becomes the reference before its acquisition closes; later stamps do not. */
  announce(stamp: number, irregular: boolean): boolean {
    if (stamp === this.#announced) return true;
    const none = this.#announced < 0;
    const wanted = none
      ? this.stamp < 0 || (this.provisional && !irregular)
      : this.announcedIsProvisional && !irregular;
    if (!wanted) return false;
    this.#announced = stamp;
    this.announcedIsProvisional = irregular;
    return true;
  }

  /** The acquisition of this stamp is over, and something else was decided. */
  notBegunAt(stamp: number): void {
    if (this.#announced <= stamp) this.#announced = -1;
  }

  begin(stamp: number, provisional: boolean, stale: boolean, fitted: Fitted): void {
    this.stamp = stamp;
    this.number++;
    this.provisional = provisional;
    this.stale = stale;
    this.notBegunAt(stamp);
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
