// SPDX-License-Identifier: Apache-2.0
// Cuts a stream of bytes into lines and remembers when each byte came. A carriage return or a line feed ends a line;
// so does silence, which for some devices is the only end that comes in time.

import type { BadLineCause, SerialDevice } from './device.js';

export interface Line {
  /** latin-1, without its end */
  readonly text: string;
  /** CLOCK_MONOTONIC ns of the byte at `offset` */
  arrivedNs(offset: number): bigint;
}

export interface LineSink {
  line(line: Line): void;
  bad(cause: BadLineCause): void;
}

interface Piece {
  /** place of its first byte in the text */
  readonly offset: number;
  readonly atNs: bigint;
}

const returnCode = 13;
const feedCode = 10;
/** The longest line of any device is 140 bytes. */
const mostBytes = 512;

type Rules = Pick<SerialDevice, 'lineStart' | 'idleEndsLine'>;

export class Framer {
  readonly #rules: Rules;
  readonly #sink: LineSink;
  #text = '';
  #pieces: Piece[] = [];
  /** the line became too long: what follows is dropped up to its end */
  #overlong = false;

  constructor(rules: Rules, sink: LineSink) {
    this.#rules = rules;
    this.#sink = sink;
  }

  /** A line has begun and not ended. */
  get unfinished(): boolean {
    return this.#text !== '' || this.#overlong;
  }

  push(bytes: Uint8Array, atNs: bigint): void {
    let from = 0;
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i];
      if (byte !== returnCode && byte !== feedCode) continue;
      this.#append(bytes, from, i, atNs);
      this.#end(true);
      from = i + 1;
    }
    this.#append(bytes, from, bytes.length, atNs);
  }

  /** Nothing came for the device's idle time. */
  idle(): void {
    this.#end(this.#rules.idleEndsLine);
  }

  /** The port is gone. */
  close(): void {
    this.#end(false);
  }

  #append(bytes: Uint8Array, from: number, to: number, atNs: bigint): void {
    if (from === to || this.#overlong) return;
    this.#pieces.push({ offset: this.#text.length, atNs });
    this.#text += Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1');
    if (this.#text.length <= mostBytes) return;
    this.#overlong = true;
    this.#text = '';
    this.#pieces = [];
  }

  #end(whole: boolean): void {
    const text = this.#text;
    const pieces = this.#pieces;
    const overlong = this.#overlong;
    this.#text = '';
    this.#pieces = [];
    this.#overlong = false;
    if (overlong) this.#sink.bad('too_long');
    if (text === '') return;
    if (!whole) {
      this.#sink.bad('incomplete');
      return;
    }
    const start = this.#rules.lineStart(text);
    if (start > 0) this.#sink.bad('incomplete');
    this.#sink.line({
      text: text.slice(start),
      arrivedNs: (offset) => pieces.findLast((piece) => piece.offset <= start + offset)?.atNs ?? 0n,
    });
  }
}
