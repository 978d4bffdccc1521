// SPDX-License-Identifier: Apache-2.0
// What one kind of serial device is: how it speaks, how a line of it is read, what the values mean. One file per
// device says so; devices.ts lists them.

/** Why a line is not a reading. `fragment`: the first line since the port was opened, without its beginning. */
export const badLineCauses = ['checksum', 'format', 'incomplete', 'too_long', 'fragment'] as const;
export type BadLineCause = (typeof badLineCauses)[number];

export type ReadingValue = number | string | readonly number[] | readonly string[];

/** A line that could be read. `values` have wire names with their units; NaN: no number. */
export interface Reading {
  readonly values: Readonly<Record<string, ReadingValue>>;
  /** what a user of the values should know: `disconnected`, `fragment`, `checksum_unverified`, ... */
  readonly flags: readonly string[];
  /** where in the line each entry of array values begins, when they are not of one moment */
  readonly offsets?: readonly number[];
  /** UTC that the device tells, ns since 1970 */
  readonly utcNs?: bigint;
}

/** `ignored`: a good line that carries nothing for us. */
export type Parsed = Reading | { readonly bad: BadLineCause } | { readonly ignored: true };

export interface SerialDevice {
  /** what it is, in a line of --help */
  readonly summary: string;
  /** 8 data bits, no parity, 1 stop bit, no flow control */
  readonly baudRate: number;
  /** time between two lines, ms */
  readonly periodMs: number;
  /** silence within a line after which it is over, ms */
  readonly idleMs: number;
  /** the silence ends a good line: the terminator comes only with the next one */
  readonly idleEndsLine: boolean;
  /** where a line begins that stands behind the rest of another; 0: the text is one line */
  lineStart(text: string): number;
  /** `first`: the first line since the port was opened, which may have lost its beginning */
  parse(text: string, first: boolean): Parsed;
  /** wire name of each value -> unit and meaning */
  readonly fields: Readonly<Record<string, string>>;
}

/** Most devices mark where a line begins: the last mark counts. */
export function lastMark(mark: string): (text: string) => number {
  return (text) => Math.max(0, text.lastIndexOf(mark));
}

export const badFormat: Parsed = { bad: 'format' };
export const badChecksum: Parsed = { bad: 'checksum' };
