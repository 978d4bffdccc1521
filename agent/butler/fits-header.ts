// SPDX-License-Identifier: Apache-2.0
// What ingest reads of a file: the primary header's keywords, from the sidecar of the same name (`.json`) where there is
// one, as the observatory's ingest does, else from the FITS file itself (also gzip under a .fits name).

import { closeSync, fstatSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { AgentError, sentenceOf } from '../model/errors.js';

export type HeaderValue = string | number | boolean | null;
export type Header = Readonly<Record<string, HeaderValue>>;

const blockBytes = 2880;
const cardBytes = 80;
/** A primary header of the camera has some 140 cards; 200 blocks are a file that is none. */
const mostBlocks = 200;
/** A primary header of the camera as a rule, read at once. Of this thread. */
const start = Buffer.alloc(5 * blockBytes);

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

interface ParsedCard {
  readonly keyword: string;
  readonly value: HeaderValue;
  /** a text that a CONTINUE card goes on with */
  readonly goesOn: boolean;
}

/** Most cards of an exposure's files are the same: each is read once. Of this thread. */
const parsed = new Map<string, ParsedCard | null>();
const mostParsed = 4096;

/** null: no keyword with a value. */
function parseCard(card: string): ParsedCard | null {
  const hierarch = card.startsWith('HIERARCH') ? /^HIERARCH\s+([^=]+?)\s*=(.*)$/.exec(card) : null;
  if (!hierarch && card.slice(8, 10) !== '= ') return null;
  const keyword = hierarch ? (hierarch[1] ?? '') : card.slice(0, 8).trimEnd();
  const rest = (hierarch ? (hierarch[2] ?? '') : card.slice(10)).trim();
  const text = textValue(rest);
  return { keyword, value: text ? text.value : plainValue(rest), goesOn: text?.goesOn ?? false };
}

function cardOf(card: string): ParsedCard | null {
  const known = parsed.get(card);
  if (known !== undefined) return known;
  if (parsed.size >= mostParsed) parsed.clear();
  const fresh = parseCard(card);
  parsed.set(card, fresh);
  return fresh;
}

/** Cards up to END; a long text goes on in CONTINUE cards. */
function headerOfCards(cards: readonly string[]): Header {
  const header: Record<string, HeaderValue> = {};
  let open: string | null = null;
  for (const card of cards) {
    if (open !== null && card.startsWith('CONTINUE')) {
      const more = textValue(card.slice(8).trim());
      header[open] = `${String(header[open]).slice(0, -1)}${more?.value ?? ''}`;
      open = more?.goesOn ? open : null;
      continue;
    }
    open = null;
    const one = cardOf(card);
    if (one === null) continue;
    header[one.keyword] = one.value;
    if (one.goesOn) open = one.keyword;
  }
  return header;
}

/** Reads blocks until END. */
function cardsFrom(path: string, read: (block: Buffer, at: number) => number, isPrimary = true): string[] {
  const block = Buffer.alloc(blockBytes);
  const cards: string[] = [];
  for (let i = 0; i < mostBlocks; i++) {
    const bytes = read(block, i * blockBytes);
    const first = isPrimary ? 'SIMPLE  =' : 'XTENSION=';
    if (i === 0 && bytes > 0 && block.toString('latin1', 0, 9) !== first)
      throw refuse(path, 'expected a FITS file, got something else');
    if (bytes < blockBytes) throw refuse(path, 'expected a FITS header, got its half');
    const text = block.toString('latin1');
    for (let at = 0; at < blockBytes; at += cardBytes) {
      const card = text.slice(at, at + cardBytes);
      if (card.startsWith('END') && card.trimEnd() === 'END') return cards;
      cards.push(card);
    }
  }
  throw refuse(path, 'expected the end of a FITS header, got none');
}

function headerOfFile(path: string): Header {
  const fd = openSync(path, 'r');
  try {
    const there = readSync(fd, start, 0, start.length, 0);
    if (there >= 2 && start.readUInt16BE(0) === 0x1f8b) {
      const whole = gunzipSync(readFileSync(path));
      return headerOfCards(cardsFrom(path, (block, at) => whole.copy(block, 0, at, at + blockBytes)));
    }
    const read = (block: Buffer, at: number) =>
      at + blockBytes <= there
        ? start.copy(block, 0, at, at + blockBytes)
        : readSync(fd, block, 0, blockBytes, at);
    return headerOfCards(cardsFrom(path, read));
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
      const cards = cardsFrom(path, (block, from) => readSync(fd, block, 0, blockBytes, at + from), at === 0);
      const header = headerOfCards(cards);
      headers.push(header);
      const headerBlocks = Math.floor(cards.length / (blockBytes / cardBytes)) + 1;
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

function headerOfSidecar(path: string, text: string): Header {
  const content: unknown = JSON.parse(text);
  if (typeof content !== 'object' || content === null || Array.isArray(content))
    throw refuse(path, 'expected keywords and values, got something else');
  const pairs = Object.entries(content).filter(
    ([key, value]) =>
      key !== '__CONTENT__' && (value === null || ['string', 'number', 'boolean'].includes(typeof value)),
  );
  return Object.fromEntries(pairs) as Header;
}

/** Refuses (`butler_metadata`) a file without a header that can be read. */
export function readHeader(path: string): Header {
  try {
    const sidecar = sidecarOf(path);
    const text = sidecar === path ? null : readIfThere(sidecar);
    return text === null ? headerOfFile(path) : headerOfSidecar(sidecar, text);
  } catch (error) {
    if (error instanceof AgentError) throw error;
    throw refuse(path, `its header cannot be read: ${sentenceOf(error)}`, error);
  }
}

/** Most files have none: an exception for each costs more than the look. */
function readIfThere(path: string): string | null {
  return statSync(path, { throwIfNoEntry: false }) ? readFileSync(path, 'utf8') : null;
}
