// SPDX-License-Identifier: Apache-2.0
// Errors that the DAQ itself tells, in the status of its messages and as its state ERROR: an alarm until it takes them back.

import { type DaqRecord, EventType } from '../model/daq.js';
import type { Alarms } from './alarms.js';

/** Of the DAQ's states. */
const errorState = 4;

/** Of the DAQ's event status, by its code. */
const meanings: readonly (readonly [name: string, sentence: string])[] = [
  ['', ''],
  ['daq_bdi_error', 'the DAQ says BDI_ERROR: a board does not deliver'],
  [
    'daq_max_subscribers',
    'the DAQ says MAX_SUBSCRIBERS: it sends nothing to this agent; stop another client',
  ],
];

export class DaqStatus {
  readonly #alarms: Alarms;
  /** alarm to the locations that are in error */
  readonly #errors = new Map<string, Set<number>>();

  constructor(alarms: Alarms) {
    this.#alarms = alarms;
  }

  on({
    eventType,
    eventStatus,
    daqState,
    location,
  }: Pick<DaqRecord, 'eventType' | 'eventStatus' | 'daqState' | 'location'>): void {
    if (eventType >= EventType.linkUp) return;
    if (eventStatus !== 0) {
      const [name, sentence] = meanings[eventStatus] ?? [
        'daq_event_status',
        `the DAQ says event status ${eventStatus}`,
      ];
      this.#begin(name, location, sentence);
    }
    if (daqState === errorState) this.#begin('daq_error', location, 'the DAQ is in state ERROR');
    if (this.#errors.size === 0) return;
    if (eventStatus === 0) for (const [name] of meanings) this.#end(name, location);
    if (eventStatus === 0) this.#end('daq_event_status', location);
    if (daqState !== errorState) this.#end('daq_error', location);
  }

  #begin(name: string, location: number, sentence: string): void {
    const locations = this.#errors.get(name) ?? new Set();
    this.#errors.set(name, locations.add(location));
    this.#alarms.raise(name, 'serious', sentence);
  }

  /** By the next good message of the same sensor, or of the DAQ as a whole. */
  #end(name: string, location: number): void {
    const locations = this.#errors.get(name);
    if (!locations?.delete(location) || locations.size > 0) return;
    this.#errors.delete(name);
    this.#alarms.clear(name, 'the DAQ takes it back');
  }
}
