// SPDX-License-Identifier: Apache-2.0
// What is out of the ordinary in the life of a series: one message with a stable name, and one line in the log.

import type { Log } from '../model/log.js';
import type { GuiderEventMessage, GuiderEventName, MessageSink, StampIdentity } from '../model/messages.js';

/** These are part of a normal night. */
const ordinary: ReadonlySet<GuiderEventName> = new Set<GuiderEventName>([
  'stop_missing',
  'sensor_back',
  'reference_changed',
  'star_relocked',
  'split_roi',
  'jump_rejected',
]);

export interface Incident {
  readonly name: GuiderEventName;
  readonly message: string;
  /** -1: of no one stamp */
  readonly stamp?: number;
  readonly sensor?: string;
  readonly fields?: GuiderEventMessage['fields'];
}

const noFields = {};

export class Incidents {
  readonly #sink: MessageSink;
  readonly #log: Log;

  constructor(sink: MessageSink, log: Log) {
    this.#sink = sink;
    this.#log = log;
  }

  tell(identity: StampIdentity, incident: Incident): void {
    const { name, message, stamp = -1, sensor = '', fields = noFields } = incident;
    const severity = ordinary.has(name) ? 'info' : 'warning';
    this.#sink.publish({ kind: 'guider.event', ...identity, name, severity, message, stamp, sensor, fields });
    const about = { event: name, seqno: identity.seqNo, obsid: identity.obsid };
    this.#log[severity](message, {
      ...about,
      ...(sensor === '' ? {} : { sensor }),
      ...(stamp < 0 ? {} : { stamp }),
    });
  }
}
