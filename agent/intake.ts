// SPDX-License-Identifier: Apache-2.0
// Where records come in from the link: to who measures, and back with their pixels.

import type { LiveCalibrations } from './guider/calibrations.js';
import type { Guider } from './guider/guider.js';
import type { Health } from './health/health.js';
import type { StreamClock } from './health/stream-clock.js';
import { type DaqLink, type DaqRecord, EventType } from './model/daq.js';

export interface IntakeDeps {
  readonly guider: Guider;
  readonly calibrations: LiveCalibrations | null;
  readonly link: Pick<DaqLink, 'releasePixels'>;
  readonly beat: Health;
  /** the role's clock */
  readonly stream: StreamClock;
  /** the stream is a recording */
  readonly recorded: boolean;
  /** a finite source has delivered everything */
  readonly onEnd: () => void;
}

export class Intake {
  readonly #deps: IntakeDeps;

  constructor(deps: IntakeDeps) {
    this.#deps = deps;
  }

  onRecords(records: readonly DaqRecord[]): void {
    const { calibrations, recorded, guider, link, stream } = this.#deps;
    try {
      calibrations?.onRecords(records);
      if (recorded) this.#onRecorded(records);
      else guider.onRecords(records);
      stream.settle();
      for (const record of records) {
        if (record.lease !== 0n) link.releasePixels(record.lease);
        this.#deps.beat.daqStatus.on(record);
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
  #onRecorded(records: readonly DaqRecord[]): void {
    for (const record of records) {
      this.#deps.guider.onRecords([record]);
      if (record.eventType === EventType.end) this.#deps.stream.finish();
    }
  }

  #onLinkEvent({ eventType, text, link }: DaqRecord): void {
    if (eventType === EventType.linkUp) this.#deps.beat.onLink(true, text, link);
    if (eventType === EventType.linkDown) this.#deps.beat.onLink(false, text, link);
    if (eventType === EventType.end) this.#deps.onEnd();
  }
}
