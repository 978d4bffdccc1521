// SPDX-License-Identifier: Apache-2.0
// Where the calibrations of an image lie: asked for when it has come, and known as a rule by the time its raw file is on the
// disk and it is looked at.

export class CalibrationFolder {
  #known: string | null;
  #waiting: ((folder: string) => void)[] = [];

  /** null: it is that of the profile. The promise does not reject. */
  constructor(answer: Promise<string> | null) {
    this.#known = answer === null ? '' : null;
    void answer?.then((folder) => this.#settle(folder));
  }

  /** At once, or when it is known; '': that of the profile. */
  whenKnown(call: (folder: string) => void): void {
    if (this.#known === null) this.#waiting.push(call);
    else call(this.#known);
  }

  /** Who waits goes on with that of the profile. */
  hurry(): void {
    this.#settle('');
  }

  #settle(folder: string): void {
    if (this.#known !== null) return;
    this.#known = folder;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const call of waiting) call(folder);
  }
}
