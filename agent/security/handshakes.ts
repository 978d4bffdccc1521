// SPDX-License-Identifier: Apache-2.0
// Counts what happens to connections of a socket, by the events that ZeroMQ tells of them.

import type { Socket } from 'zeromq';

export interface ConnectionCounts {
  readonly accepted: number;
  readonly established: number;
  readonly closed: number;
  /** the peer spoke another protocol, or another mechanism */
  readonly failed_protocol: number;
  /** the peer's key is not listed for this endpoint */
  readonly failed_auth: number;
  /** no handshake within the handshake interval, or cut off in it */
  readonly failed_other: number;
  /** the system gave no file descriptor */
  readonly accept_errors: number;
}

/** Call before the socket is bound; ends with it. */
export function countConnections(
  socket: Socket,
  onAccept: () => void,
  onExhausted: () => void,
): () => ConnectionCounts {
  const counts = {
    accepted: 0,
    established: 0,
    closed: 0,
    failed_protocol: 0,
    failed_auth: 0,
    failed_other: 0,
    accept_errors: 0,
  };
  const { events } = socket;
  const count = (key: keyof typeof counts) => () => {
    counts[key]++;
  };
  events.on('accept', () => {
    counts.accepted++;
    onAccept();
  });
  events.on('handshake', count('established'));
  events.on('disconnect', count('closed'));
  events.on('handshake:error:protocol', count('failed_protocol'));
  events.on('handshake:error:auth', count('failed_auth'));
  events.on('handshake:error:other', count('failed_other'));
  events.on('accept:error', () => {
    counts.accept_errors++;
    onExhausted();
  });
  return () => ({ ...counts });
}
