// SPDX-License-Identifier: Apache-2.0
// Where records come in from the link: to who measures, and back with their pixels.

import type { LiveCalibrations } from './guider/calibrations.js';
import type { Guider } from './guider/guider.js';
import type { Health } from './health/health.js';
import type { RecordedClock } from './health/recorded-clock.js';
import { type DaqLink, type DaqRecord, EventType } from './model/daq.js';

export interface IntakeDeps {
  readonly guider: Guider;
  readonly calibrations: LiveCalibrations | null;
  readonly link: Pick<DaqLink, 'releasePixels'>;
  readonly beat: Health;
  /** of a recording; null: the role lives in the host's time */
  readonly recorded: RecordedClock | null;
  /** a finite source has delivered everything */
  readonly onEnd: () => void;
}

export class Intake {
  readonly #deps: IntakeDeps;

  constructor(deps: IntakeDeps) {
    this.#deps = deps;
  }

  onRecords(records: readonly DaqRecord[]): void {
    const { calibrations, recorded, guider, link } = this.#deps;
    try {
      calibrations?.onRecords(records);
      if (recorded) this.#onRecorded(records, recorded);
      else guider.onRecords(records);
      for (const record of records) {
        if (record.lease !== 0n) link.releasePixels(record.lease);
        if (record.eventType >= EventType.linkUp) this.#onLinkEvent(record);
      }
    } catch (error) {
      // Node swallows what is thrown into a native callback; a bug must end the process.
      setImmediate(() => {
        throw error;
      });
    }
  }

  /** One at a time: what a batch holds depends on how fast the recording is played. */
  #onRecorded(records: readonly DaqRecord[], clock: RecordedClock): void {
    for (const record of records) {
      clock.advance(record.tLastNs);
      this.#deps.guider.onRecords([record]);
      if (record.eventType === EventType.end) clock.finish();
    }
  }

  #onLinkEvent({ eventType, text }: DaqRecord): void {
    if (eventType === EventType.linkUp) this.#deps.beat.onLink(true, text);
    if (eventType === EventType.linkDown) this.#deps.beat.onLink(false, text);
    if (eventType === EventType.end) this.#deps.onEnd();
  }
}
