// SPDX-License-Identifier: Apache-2.0
// Headers of one file after the other, as far as somebody asks for their keywords. Those of an exposure's files differ in a
// few cards: only these are read, and what did not change need not be looked at again. Of one thread.

import { closeSync, openSync, readSync } from 'node:fs';
import {
  cardBytes,
  type Header,
  type HeaderValue,
  headBytes,
  headerBeside,
  headerOfOpened,
  parseCard,
  type ReadHeader,
  readingHeader,
} from './fits-header.js';

export interface NextHeader {
  readonly header: Header;
  /** wanted keywords that differ from the header before; null: they may all differ */
  readonly changed: readonly string[] | null;
}

const cardWords = cardBytes / Uint32Array.BYTES_PER_ELEMENT;

/** The beginning of a file. */
class Head {
  readonly bytes = Buffer.from(new ArrayBuffer(headBytes));
  readonly words = new Uint32Array(this.bytes.buffer);

  card(index: number): string {
    return this.bytes.toString('latin1', index * cardBytes, (index + 1) * cardBytes);
  }
}

export class HeaderSeries {
  readonly #keywords: ReadonlySet<string>;
  #head = new Head();
  #lastHead = new Head();
  /** null: what comes next cannot be compared with it */
  #last: ReadHeader | null = null;

  constructor(keywords: readonly string[]) {
    this.#keywords = new Set(keywords.map((keyword) => keyword.padEnd(8)));
  }

  /** Refuses (`butler_metadata`) a file without a header that can be read. */
  next(path: string): NextHeader {
    return readingHeader(path, () => {
      const beside = headerBeside(path);
      if (!beside) return this.#read(path);
      this.#last = null;
      return { header: beside, changed: null };
    });
  }

  #read(path: string): NextHeader {
    const fd = openSync(path, 'r');
    try {
      const there = readSync(fd, this.#head.bytes, 0, headBytes, 0);
      const next = this.#difference(there) ?? this.#whole(path, fd, there);
      [this.#head, this.#lastHead] = [this.#lastHead, this.#head];
      return next;
    } finally {
      closeSync(fd);
    }
  }

  #whole(path: string, fd: number, there: number): NextHeader {
    this.#last = null;
    const read = headerOfOpened(path, fd, this.#head.bytes, there, this.#keywords);
    const isPlain = this.#head.card(0).startsWith('SIMPLE') && (read.cards + 1) * cardBytes <= there;
    if (isPlain && !read.twice) this.#last = read;
    return { header: read.header, changed: null };
  }

  /** null: the same cards do not stand in the same places. */
  #difference(there: number): NextHeader | null {
    const last = this.#last;
    if (!last || (last.cards + 1) * cardBytes > there) return null;
    const news: Record<string, HeaderValue> = {};
    for (const index of this.#differentCards(last.cards + 1)) {
      const [card, before] = [this.#head.card(index), this.#lastHead.card(index)];
      const begin = card.slice(0, 8);
      if (begin !== before.slice(0, 8) || index === last.cards) return null;
      if (begin === 'HIERARCH' || begin === 'CONTINUE') return null;
      if (!this.#keywords.has(begin)) continue;
      const [now, then] = [parseCard(card), parseCard(before)];
      if (!now || !then || now.goesOn || then.goesOn) return null;
      news[now.keyword] = now.value;
    }
    const header = { ...last.header, ...news };
    this.#last = { ...last, header };
    return { header, changed: Object.keys(news) };
  }

  #differentCards(count: number): number[] {
    const [now, then] = [this.#head.words, this.#lastHead.words];
    const different: number[] = [];
    for (let card = 0; card < count; card++) {
      const end = (card + 1) * cardWords;
      let word = card * cardWords;
      while (word < end && now[word] === then[word]) word++;
      if (word < end) different.push(card);
    }
    return different;
  }
}
