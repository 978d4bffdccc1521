// SPDX-License-Identifier: Apache-2.0
// A result that appears whole or not at all: whether it can be written is known before the work begins, and until it is
// finished whatever was there before stays.

import {
  accessSync,
  closeSync,
  constants,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  type Stats,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { AgentError, sentenceOf } from '../model/errors.js';

export class OutFile {
  readonly #place: string;
  /** written first, then renamed; null: a pipe or device, which is written as it is */
  readonly #part: string | null;
  #file: number | null;

  /** Throws AgentError when the file could not be written, or is one of `inputs`. */
  constructor(path: string, inputs: readonly string[] = []) {
    try {
      if (path === '') throw new Error('expected the path of a file, got nothing');
      const there = statSync(path, { throwIfNoEntry: false });
      this.#place = there === undefined ? path : realpathSync(path);
      if (there !== undefined) accessSync(this.#place, constants.W_OK);
      this.#part =
        there === undefined || there.isFile() || there.isDirectory()
          ? `${this.#place}.${process.pid}.part`
          : null;
      if (inputs.some((input) => isSame(input, there))) {
        throw new Error(`${path}: is what is measured; expected another file`);
      }
      if (there?.isDirectory() === true) throw new Error(`${path}: expected a file, got a directory`);
      this.#file = openSync(this.#part ?? this.#place, 'w');
    } catch (error) {
      throw refusal(error);
    }
  }

  /** Throws AgentError; the former file is then still there. */
  publish(text: string): void {
    if (this.#file === null) return;
    try {
      writeFileSync(this.#file, text);
      if (this.#part !== null) fsyncSync(this.#file);
      if (this.#part !== null) renameSync(this.#part, this.#place);
    } catch (error) {
      this.discard();
      throw refusal(error);
    }
    closeSync(this.#file);
    this.#file = null;
  }

  /** Leaves nothing behind, unless it was published. */
  discard(): void {
    if (this.#file === null) return;
    closeSync(this.#file);
    this.#file = null;
    if (this.#part !== null) unlinkSync(this.#part);
  }
}

function isSame(input: string, there: Stats | undefined): boolean {
  const own = statSync(input, { throwIfNoEntry: false });
  return own !== undefined && there !== undefined && own.dev === there.dev && own.ino === there.ino;
}

function refusal(error: unknown): AgentError {
  return new AgentError('usage', `--out: ${sentenceOf(error)}`, { cause: error });
}
