// SPDX-License-Identifier: Apache-2.0
// What ingest reads of a file: the primary header's keywords, from the sidecar of the same name (`.json`) where there is
// one, as the observatory's ingest does, else from the FITS file itself (also gzip under a .fits name).

import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { AgentError, sentenceOf } from '../model/errors.js';

export type HeaderValue = string | number | boolean | null;
export type Header = Readonly<Record<string, HeaderValue>>;

const blockBytes = 2880;
export const cardBytes = 80;
/** A primary header of the camera has some 140 cards; 200 blocks are a file that is none. */
const mostBlocks = 200;
/** A primary header of the camera as a rule, read at once. */
export const headBytes = 5 * blockBytes;
/** Of this thread. */
const start = Buffer.alloc(headBytes);

function refuse(path: string, problem: string, cause?: unknown): AgentError {
  return new AgentError('butler_metadata', `${path}: ${problem}`, { cause });
}

function textValue(text: string): { readonly value: string; readonly goesOn: boolean } | null {
  if (!text.startsWith("'")) return null;
  const match = /^'((?:[^']|'')*)'/.exec(text);
  if (!match) return null;
  const value = (match[1] ?? '').replaceAll("''", "'").trimEnd();
  return { value, goesOn: value.endsWith('&') };
}

function plainValue(text: string): HeaderValue {
  const comment = text.indexOf('/');
  const word = (comment < 0 ? text : text.slice(0, comment)).trim();
  if (word === '') return null;
  if (word === 'T' || word === 'F') return word === 'T';
  const number = Number(word.replace(/[dD]/, 'e'));
  return Number.isNaN(number) ? word : number;
}

export interface ParsedCard {
  readonly keyword: string;
  readonly value: HeaderValue;
  /** a text that a CONTINUE card goes on with */
  readonly goesOn: boolean;
}

/** null: no keyword with a value. */
export function parseCard(card: string): ParsedCard | null {
  const hierarch = card.startsWith('HIERARCH') ? /^HIERARCH\s+([^=]+?)\s*=(.*)$/.exec(card) : null;
  if (!hierarch && card.slice(8, 10) !== '= ') return null;
  const keyword = hierarch ? (hierarch[1] ?? '') : card.slice(0, 8).trimEnd();
  const rest = (hierarch ? (hierarch[2] ?? '') : card.slice(10)).trim();
  const text = textValue(rest);
  return { keyword, value: text ? text.value : plainValue(rest), goesOn: text?.goesOn ?? false };
}

/** Keywords that somebody asks for, in eight characters as a card begins with them. */
export type WantedKeywords = ReadonlySet<string>;

/** Text of a header from there on: whole blocks, or less than one where the file ends. */
type ReadText = (from: number) => string;

export interface ReadHeader {
  readonly header: Header;
  /** before END, also those that nobody asked for */
  readonly cards: number;
  /** a keyword stands there twice: the last one counts */
  readonly twice: boolean;
}

/** Up to END: the wanted keywords and the long ones (HIERARCH); a long text goes on in CONTINUE cards. */
export function headerFrom(
  path: string,
  read: ReadText,
  wanted?: WantedKeywords,
  isPrimary = true,
): ReadHeader {
  const header: Record<string, HeaderValue> = {};
  let open: string | null = null;
  let cards = 0;
  let twice = false;
  for (let from = 0; from < mostBlocks * blockBytes; ) {
    const text = read(from);
    if (from === 0 && text !== '' && !text.startsWith(isPrimary ? 'SIMPLE  =' : 'XTENSION='))
      throw refuse(path, 'expected a FITS file, got something else');
    if (text.length < blockBytes) throw refuse(path, 'expected a FITS header, got its half');
    for (let at = 0; at < text.length; at += cardBytes) {
      const begin = text.slice(at, at + 8);
      if (begin === 'END     ' && text.slice(at, at + cardBytes).trimEnd() === 'END')
        return { header, cards, twice };
      cards++;
      if (open !== null && begin === 'CONTINUE') {
        const more = textValue(text.slice(at + 8, at + cardBytes).trim());
        header[open] = `${String(header[open]).slice(0, -1)}${more?.value ?? ''}`;
        open = more?.goesOn ? open : null;
        continue;
      }
      const isWanted = !wanted || wanted.has(begin) || begin === 'HIERARCH';
      const one = isWanted ? parseCard(text.slice(at, at + cardBytes)) : null;
      open = one?.goesOn ? one.keyword : null;
      if (!one) continue;
      twice ||= one.keyword in header;
      header[one.keyword] = one.value;
    }
    from += text.length;
  }
  throw refuse(path, 'expected the end of a FITS header, got none');
}

/** Whole blocks of these bytes; all of them where they are less than one. */
function blocksOf(bytes: Buffer): string {
  const rest = bytes.length < blockBytes ? 0 : bytes.length % blockBytes;
  return bytes.toString('latin1', 0, bytes.length - rest);
}

/** Of an open file whose beginning, `there` bytes, is in `first`. */
export function headerOfOpened(
  path: string,
  fd: number,
  first: Buffer,
  there: number,
  wanted?: WantedKeywords,
): ReadHeader {
  if (there >= 2 && first.readUInt16BE(0) === 0x1f8b) {
    const whole = gunzipSync(readFileSync(path));
    return headerFrom(path, (from) => blocksOf(whole.subarray(from)), wanted);
  }
  const more = (from: number) => {
    const bytes = Buffer.alloc(headBytes);
    return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, from));
  };
  return headerFrom(path, (from) => blocksOf(from === 0 ? first.subarray(0, there) : more(from)), wanted);
}

function headerOfFile(path: string): Header {
  const fd = openSync(path, 'r');
  try {
    return headerOfOpened(path, fd, start, readSync(fd, start, 0, start.length, 0)).header;
  } finally {
    closeSync(fd);
  }
}

/** Bytes of the data after a header. */
function dataBytes(header: Header): number {
  const whole = (key: string, otherwise: number) =>
    typeof header[key] === 'number' ? header[key] : otherwise;
  const axes = whole('NAXIS', 0);
  if (axes === 0) return 0;
  let pixels = 1;
  for (let i = 1; i <= axes; i++) pixels *= whole(`NAXIS${i}`, 0);
  return (Math.abs(whole('BITPIX', 8)) / 8) * whole('GCOUNT', 1) * (whole('PCOUNT', 0) + pixels);
}

function isExtension(fd: number, at: number): boolean {
  const word = Buffer.alloc(9);
  return readSync(fd, word, 0, 9, at) === 9 && word.toString('latin1') === 'XTENSION=';
}

/** The primary header and those of all extensions. Refuses (`butler_metadata`) a file that ends too early. */
export function readAllHeaders(path: string): Header[] {
  const fd = openSync(path, 'r');
  try {
    const { size } = fstatSync(fd);
    const headers: Header[] = [];
    for (let at = 0; at < size; ) {
      // Whatever follows the last extension and is none is nobody's business.
      if (at > 0 && !isExtension(fd, at)) break;
      const begin = at;
      const read = (from: number) =>
        blocksOf(start.subarray(0, readSync(fd, start, 0, blockBytes, begin + from)));
      const { header, cards } = headerFrom(path, read, undefined, at === 0);
      headers.push(header);
      const headerBlocks = Math.floor(cards / (blockBytes / cardBytes)) + 1;
      at += (headerBlocks + Math.ceil(dataBytes(header) / blockBytes)) * blockBytes;
      if (at > size) throw refuse(path, `expected ${at} bytes or more, got ${size}`);
    }
    if (headers.length === 0) throw refuse(path, 'expected a FITS file, got an empty one');
    return headers;
  } finally {
    closeSync(fd);
  }
}

/** The same path where it has none. */
export function sidecarOf(path: string): string {
  return path.replace(/\.(fits|fit)(\.(fz|gz))?$/i, '.json');
}

function isValue(value: unknown): value is HeaderValue {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value);
}

function headerOfSidecar(path: string, text: string): Header {
  const content: unknown = JSON.parse(text);
  if (typeof content !== 'object' || content === null || Array.isArray(content))
    throw refuse(path, 'expected keywords and values, got something else');
  const pairs = Object.entries(content).filter(([key, value]) => key !== '__CONTENT__' && isValue(value));
  return Object.fromEntries(pairs) as Header;
}

/** null: there is none beside this file, as a rule: an exception for each costs more than the look. */
export function headerBeside(path: string): Header | null {
  const sidecar = sidecarOf(path);
  if (sidecar === path || !existsSync(sidecar)) return null;
  return headerOfSidecar(sidecar, readFileSync(sidecar, 'utf8'));
}

/** Refuses (`butler_metadata`) a header that cannot be read; what the file system says is no word on the header. */
export function readingHeader<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof AgentError) throw error;
    const syscall = error instanceof Error && 'syscall' in error;
    throw syscall ? error : refuse(path, `its header cannot be read: ${sentenceOf(error)}`, error);
  }
}

/** All keywords of a file. */
export function readHeader(path: string): Header {
  return readingHeader(path, () => headerBeside(path) ?? headerOfFile(path));
}
