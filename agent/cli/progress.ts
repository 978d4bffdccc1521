// SPDX-License-Identifier: Apache-2.0
// A bar on a terminal for long work; silent elsewhere.

const width = 30;
const everyMs = 100;

export class Progress {
  readonly #stream: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly #what: string;
  #drawnMs = 0;
  #shown = false;

  constructor(stream: NodeJS.WritableStream & { readonly isTTY?: boolean }, what: string) {
    this.#stream = stream;
    this.#what = what;
  }

  /** `share` 0..1, null where the end is not known, and what else there is to say. True about ten times a second: time to let other work in. */
  at(share: number | null, detail = ''): boolean {
    const now = performance.now();
    if (now - this.#drawnMs < everyMs) return false;
    this.#drawnMs = now;
    if (this.#stream.isTTY === true) {
      const bar = share === null ? '' : ` ${drawn(Math.min(share, 1))}`;
      this.#stream.write(`\r${this.#what}${bar} ${detail}\x1b[K`);
      this.#shown = true;
    }
    return true;
  }

  end(): void {
    if (this.#shown) this.#stream.write('\r\x1b[K');
    this.#shown = false;
  }
}

function drawn(share: number): string {
  const full = Math.round(share * width);
  return `[${'#'.repeat(full)}${'.'.repeat(width - full)}] ${(100 * share).toFixed(0).padStart(3)} %`;
}
