// SPDX-License-Identifier: Apache-2.0
// The time by which files grow old. A clock that is set forward by mistake would make a whole repository too old at once:
// it is not followed before it has stood for a day. One that is set back is followed at once, as files live longer by it.

export interface AgeClocks {
  readonly taiNs: () => bigint;
  readonly monotonicNs: () => bigint;
}

export interface AgeSettings {
  /** how long files are kept */
  readonly keepHours: number;
  /** ingest of the newest file there is, TAI ns; null: there is none */
  readonly newestNs: bigint | null;
}

const secondNs = 1_000_000_000n;
const hourNs = 3600n * secondNs;
const longestHoldNs = 24n * hourNs;
/** A clock that is slewed gains at most half a thousandth. */
const slewParts = 1000n;

export class AgeClock {
  readonly #clocks: AgeClocks;
  readonly #holdNs: bigint;
  /** TAI - monotonic, as it is believed, and when that was */
  #offsetNs: bigint;
  #lookedNs: bigint;
  /** a clock that is ahead of that, and since when */
  #ahead: { readonly offsetNs: bigint; readonly sinceNs: bigint } | null = null;

  constructor({ keepHours, newestNs }: AgeSettings, clocks: AgeClocks) {
    this.#clocks = clocks;
    const keepNs = BigInt(Math.round(keepHours * Number(hourNs)));
    this.#holdNs = keepNs < longestHoldNs ? keepNs : longestHoldNs;
    this.#lookedNs = clocks.monotonicNs();
    const taiNs = clocks.taiNs();
    // The process may have begun after the clock was set: where everything is too old, it is the clock that is doubted.
    const everythingIsOld = newestNs !== null && taiNs > newestNs + keepNs;
    this.#offsetNs = (everythingIsOld ? newestNs : taiNs) - this.#lookedNs;
    if (everythingIsOld) this.#ahead = { offsetNs: taiNs - this.#lookedNs, sinceNs: this.#lookedNs };
  }

  /** TAI, ns */
  now(): bigint {
    const nowNs = this.#clocks.monotonicNs();
    const offsetNs = this.#clocks.taiNs() - nowNs;
    const slackNs = secondNs + (nowNs - this.#lookedNs) / slewParts;
    this.#lookedNs = nowNs;
    const isSame = (other: bigint) => offsetNs <= other + slackNs && offsetNs >= other - slackNs;
    if (offsetNs <= this.#offsetNs + slackNs) {
      this.#offsetNs = offsetNs;
      this.#ahead = null;
    } else {
      if (this.#ahead === null || !isSame(this.#ahead.offsetNs)) this.#ahead = { offsetNs, sinceNs: nowNs };
      if (nowNs - this.#ahead.sinceNs + secondNs >= this.#holdNs) {
        this.#offsetNs = offsetNs;
        this.#ahead = null;
      }
    }
    return nowNs + this.#offsetNs;
  }

  /** By how much the system clock is ahead, s, and how long that is not followed yet; null: it is followed. */
  get doubt(): { readonly aheadS: number; readonly heldS: number } | null {
    if (this.#ahead === null) return null;
    const aheadS = Number(this.#ahead.offsetNs - this.#offsetNs) / 1e9;
    const heldNs = this.#ahead.sinceNs + this.#holdNs - this.#lookedNs;
    return { aheadS, heldS: Number(heldNs) / 1e9 };
  }
}
