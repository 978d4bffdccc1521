// SPDX-License-Identifier: Apache-2.0
// What waits while a batch of records is worked through, so that an offset leaves before the results of the stamps
// that completed it. A result counts as published when it has left, and leaves once, also when a flush begins within
// another.

import type { DaqRecord } from '../model/daq.js';
import type { MessageSink, StampResult } from '../model/messages.js';
import type { Accounting } from './accounting.js';

interface Leaving {
  readonly result: StampResult;
  readonly record: DaqRecord;
  readonly late: boolean;
  readonly current: boolean;
}

/** So many results may wait before no more is let in: a source that never pauses must not grow this queue. */
const mostWaiting = 64;
/** So often one flush lets more in, so that it ends: others wait for the event loop. */
const mostLooks = 64;

export class Outbox {
  readonly #sink: MessageSink;
  readonly #accounting: Accounting;
  /** false: what is said of stamps is withheld on its way out, and counted so */
  readonly #publishing: () => boolean;
  readonly #results: Leaving[] = [];
  readonly #details: (() => void)[] = [];
  #sendingDetail = false;

  constructor(sink: MessageSink, accounting: Accounting, publishing: () => boolean) {
    this.#sink = sink;
    this.#accounting = accounting;
    this.#publishing = publishing;
  }

  result(leaving: Leaving): void {
    this.#results.push(leaving);
  }

  /** What follows an offset, after the results that are in it. */
  details(send: () => void): void {
    this.#details.push(send);
  }

  /** News of a stamp: after what came before it, whatever batch that was in; part of a detail with it. */
  news(send: () => void): void {
    const waits = this.#results.length + this.#details.length > 0;
    if (waits && !this.#sendingDetail) this.#details.push(send);
    else send();
  }

  /** Before the next offset: messages of one acquisition stay together. */
  next(): void {
    if (this.#details.length > 0) this.flush();
  }

  /** `between` is called after each result: what comes in meanwhile may add to what waits. */
  flush(between?: () => void): void {
    let looks = 0;
    for (let leaving = this.#results.shift(); leaving !== undefined; leaving = this.#results.shift()) {
      const { result, record, late, current } = leaving;
      this.#sink.publish(result);
      this.#accounting.take(record, { late, current, withheld: !this.#publishing() });
      if (this.#results.length < mostWaiting && looks++ < mostLooks) between?.();
    }
    // A detail may tell of more, but opens nothing new.
    for (let send = this.#details.shift(); send !== undefined; send = this.#details.shift()) {
      this.#sendingDetail = true;
      send();
      this.#sendingDetail = false;
    }
  }
}
