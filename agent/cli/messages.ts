// SPDX-License-Identifier: Apache-2.0
// What an agent publishes, decoded.

import { Unpackr } from 'msgpackr';
import type { Subscriber } from 'zeromq';

export interface Received {
  readonly topic: string;
  readonly kind: string;
  readonly envelope: Readonly<Record<string, unknown>>;
}

/** Decoded messages until the socket closes; what is not a message of ours is passed over. */
export async function* messages(socket: Subscriber): AsyncGenerator<Received> {
  const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true });
  try {
    for await (const [topicFrame, frame] of socket) {
      if (!topicFrame || !frame) continue;
      const topic = topicFrame.toString('latin1');
      let value: unknown;
      try {
        value = unpackr.unpack(frame);
      } catch {
        continue;
      }
      if (typeof value !== 'object' || value === null || !('body' in value)) continue;
      const envelope = value as Readonly<Record<string, unknown>>;
      yield { topic, kind: topic.split('/', 1)[0] ?? '', envelope };
    }
  } catch (error) {
    if (!socket.closed) throw error;
  }
}
