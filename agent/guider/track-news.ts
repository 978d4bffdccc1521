// SPDX-License-Identifier: Apache-2.0
// What an acquisition changed, told: its reference, and the lock of single sensors.

import type { OffsetsMessage, StampIdentity } from '../model/messages.js';
import type { Incidents } from './incidents.js';
import type { TrackEvent } from './track.js';

const sentenceOf: Readonly<Record<TrackEvent, string>> = {
  jump_rejected: 'what was found is not where the other sensors put its star: not used',
  star_lost: 'its star is lost: the whole ROI is searched',
  star_relocked: 'its star is found again',
  star_changed: 'another star is followed from here on',
};

export function tellReference(
  incidents: Incidents,
  identity: StampIdentity,
  { reference, flags, stamp }: OffsetsMessage,
): void {
  if (!reference || !flags.includes('new_reference')) return;
  const { number, stepX, stepY, stepRotation } = reference;
  const kind = reference.provisional ? ', one of the irregular first stamps' : '';
  incidents.tell(identity, {
    name: 'reference_changed',
    message: `offsets count from stamp ${reference.stamp}${kind}`,
    stamp,
    fields: { referenceNumber: number, stepX, stepY, stepRotation },
  });
}

export function tellTrack(
  incidents: Incidents,
  identity: StampIdentity,
  news: {
    readonly stamp: number;
    readonly sensor: string;
    readonly star: number;
    readonly event: TrackEvent;
  },
): void {
  const { stamp, sensor, star, event } = news;
  const message = `${sensor}: ${sentenceOf[event]}`;
  incidents.tell(identity, { name: event, message, sensor, stamp, fields: { star } });
}
