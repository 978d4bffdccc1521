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
  /** alarm to who is in error: locations, over one of several links the DAQ as that one hears it */
  readonly #errors = new Map<string, Set<string>>();

  constructor(alarms: Alarms) {
    this.#alarms = alarms;
  }

  on({
    eventType,
    eventStatus,
    daqState,
    location,
    link = '',
  }: Pick<DaqRecord, 'eventType' | 'eventStatus' | 'daqState' | 'location' | 'link'>): void {
    if (eventType >= EventType.linkUp) return;
    if (eventStatus === 0 && daqState !== errorState && this.#errors.size === 0) return;
    const who = `${link}/${location}`;
    if (eventStatus !== 0) {
      const [name, sentence] = meanings[eventStatus] ?? [
        'daq_event_status',
        `the DAQ says event status ${eventStatus}`,
      ];
      this.#begin(name, who, sentence);
    }
    if (daqState === errorState) this.#begin('daq_error', who, 'the DAQ is in state ERROR');
    if (eventStatus === 0) for (const [name] of meanings) this.#end(name, who);
    if (eventStatus === 0) this.#end('daq_event_status', who);
    if (daqState !== errorState) this.#end('daq_error', who);
  }

  #begin(name: string, who: string, sentence: string): void {
    const all = this.#errors.get(name) ?? new Set();
    this.#errors.set(name, all.add(who));
    this.#alarms.raise(name, 'serious', sentence);
  }

  /** By the next good message of the same sensor, or of the DAQ as a whole. */
  #end(name: string, who: string): void {
    const all = this.#errors.get(name);
    if (!all?.delete(who) || all.size > 0) return;
    this.#errors.delete(name);
    this.#alarms.clear(name, 'the DAQ takes it back');
  }
}
