// SPDX-License-Identifier: Apache-2.0
// What displacements are measured from. Each sensor's reference is its first good stamp of the exposure; one
// of the irregular first two may serve until a later good stamp replaces it. All sensors are tied to one common
// reference stamp, so that a star that was first seen later does not bring its own zero into the offset.

export interface Position {
  /** mm, focal plane */
  readonly x: number;
  readonly y: number;
  readonly sigmaX: number;
  readonly sigmaY: number;
}

export interface Reference extends Position {
  readonly stamp: number;
  /** from one of the irregular first two stamps */
  readonly provisional: boolean;
  /** need not be the exposure's first: the agent joined late */
  readonly stale: boolean;
}

/** Displacement of the camera between the common reference stamp and this sensor's own. */
export interface Tie {
  readonly dx: number;
  readonly dy: number;
  readonly sigmaX: number;
  readonly sigmaY: number;
}

export class References {
  readonly #references: (Reference | null)[];
  readonly #ties: (Tie | null)[];
  #commonStamp = -1;
  #commonProvisional = false;

  constructor(nSensors: number) {
    this.#references = new Array<Reference | null>(nSensors).fill(null);
    this.#ties = new Array<Tie | null>(nSensors).fill(null);
  }

  /** A new exposure: nothing to measure from. */
  reset(): void {
    this.#references.fill(null);
    this.#ties.fill(null);
    this.#commonStamp = -1;
    this.#commonProvisional = false;
  }

  at(sensor: number): Reference | null {
    return this.#references[sensor] ?? null;
  }

  /** Offers a good stamp as reference; true when it became one. */
  offer(sensor: number, candidate: Reference): boolean {
    const current = this.#references[sensor];
    if (current && !(current.provisional && !candidate.provisional && candidate.stamp > current.stamp)) {
      return false;
    }
    this.#references[sensor] = candidate;
    this.#ties[sensor] = null;
    return true;
  }

  /** The stamp that combined displacements are from; -1: none yet. */
  get commonStamp(): number {
    return this.#commonStamp;
  }

  get commonProvisional(): boolean {
    return this.#commonProvisional;
  }

  /** Makes `stamp` the common reference: displacements of sensors that have no tie count from it. */
  makeCommon(stamp: number, provisional: boolean): void {
    this.#commonStamp = stamp;
    this.#commonProvisional = provisional;
    this.#ties.fill(null);
  }

  tie(sensor: number, tie: Tie): void {
    this.#ties[sensor] = tie;
  }

  tieOf(sensor: number): Tie | null {
    return this.#ties[sensor] ?? null;
  }
}
