// SPDX-License-Identifier: Apache-2.0
// What a simulated serial device says, line by line.
import type { Random } from '../random.js';

export interface SaidLine {
  /** latin-1, sent at once, or in parts with pauses between them */
  readonly parts: readonly string[];
  /** sent just before and just after the parts */
  readonly before: string;
  readonly after: string;
  /** what a reader should make of it: wire names and values; NaN where there is no number */
  readonly expected: Readonly<Record<string, number | string | readonly (number | string)[]>>;
  /** characters from the beginning that the line's checksum protects; 0: none */
  readonly checked: number;
}

export interface SayContext {
  /** number of the line, from 0 */
  readonly n: number;
  readonly random: Random;
  /** UTC that the device believes, ms since 1970 */
  readonly utcMs: number;
}

export interface Player {
  readonly summary: string;
  readonly baudRate: number;
  /** ms between the beginnings of two lines */
  readonly periodMs: number;
  /** ms between two parts of a line */
  readonly partMs: number;
  say(context: SayContext): SaidLine;
}

export function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, '0');
}

/** `+00.65`: sign, zeroes in front, decimals. */
export function signed(value: number, whole: number, decimals: number): string {
  return (value < 0 ? '-' : '+') + unsigned(Math.abs(value), whole, decimals);
}

export function unsigned(value: number, whole: number, decimals: number): string {
  return value.toFixed(decimals).padStart(whole + 1 + decimals, '0');
}
